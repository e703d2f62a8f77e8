/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When bytes arrived, by the kernel's receive stamps: they are of the realtime clock, and a worker
 * maps them to the monotonic one through readings of both clocks that it takes while it runs.
 * Between two steps of the wall clock their difference is constant, so every reading narrows it
 * down, and one that contradicts the ones before says that the clock was stepped. Owned by one
 * thread; tkp_arrival_clock_* are pure.
 */
#ifndef TKP_WORKER_ARRIVAL_H
#define TKP_WORKER_ARRIVAL_H

#include <base/atomic.h>
#include <stdbool.h>

/* Both clocks, read one after the other: monotonic, realtime, monotonic. */
struct tkp_clock_reading {
    uint64_t before_ns, wall_ns, after_ns;
};
/* The narrowest of several tries. */
struct tkp_clock_reading tkp_clock_reading_take(void);

/* The difference of the clocks, realtime minus monotonic, is from low_ns to high_ns. */
struct tkp_arrival_clock {
    int64_t low_ns, high_ns;
    uint64_t step_count;
};
void tkp_arrival_clock_init(struct tkp_arrival_clock *clock, struct tkp_clock_reading reading);
/* Learns from a reading; counts a step when the difference has moved by more than 100 us. */
void tkp_arrival_clock_learn(struct tkp_arrival_clock *clock, struct tkp_clock_reading reading);
/* Whether a cheap look, realtime read shortly after now_ns, says that the clock may have been
 * stepped. */
bool tkp_arrival_clock_strays(const struct tkp_arrival_clock *clock, uint64_t now_ns,
                              uint64_t wall_ns);
/* A realtime stamp on the monotonic clock. */
uint64_t tkp_arrival_clock_map(const struct tkp_arrival_clock *clock, uint64_t wall_ns);

/* Arrivals of one worker. */
struct tkp_arrivals {
    bool kernel; /* the run's receive clock is the kernel's; else the rest is not used */
    struct tkp_arrival_clock clock;
    uint64_t next_reading_ns;
    struct tkp_gauge *steps; /* of the clock, told to other threads */
};
/* Nothing is to be released; steps is borrowed. */
void tkp_arrivals_init(struct tkp_arrivals *arrivals, bool kernel, struct tkp_gauge *steps);
/* Once in a turn of the loop, right after now_ns was read and before anything is received. */
void tkp_arrivals_look(struct tkp_arrivals *arrivals, uint64_t now_ns);
/* When a read that returned at now_ns had arrived; since_ns: what it answers was not sent before.
 * 0: unknown, the read has no stamp (wall_ns is 0) or none that can be. */
uint64_t tkp_arrivals_place(struct tkp_arrivals *arrivals, uint64_t wall_ns, uint64_t since_ns,
                            uint64_t now_ns);

#endif

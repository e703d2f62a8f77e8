/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of one thread: descriptors, timers in nanoseconds and a wake-up from other
 * threads. Everything but tkp_loop_wake() belongs to the thread that owns it.
 */
#ifndef TKP_WORKER_LOOP_H
#define TKP_WORKER_LOOP_H

#include <base/clock.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <tokperf/base.h>

enum { TKP_LOOP_BATCH = 128 }; /* events taken at a time */

/* Set while place != 0. Zero it before its first use. */
struct tkp_timer {
    uint64_t at_ns;
    uint32_t place; /* in the heap, from 1 */
};

struct tkp_loop {
    int epoll_fd, wake_fd;
    bool only_ms; /* no epoll_pwait2: the kernel is before Linux 5.11, or a filter refuses it */
    struct tkp_timer **timers; /* a binary heap, the earliest first */
    uint32_t timer_count, timer_capacity;
    struct epoll_event events[TKP_LOOP_BATCH];
};

tokperf_status tkp_loop_init(struct tkp_loop *loop, struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_loop_finish(struct tkp_loop *loop); /* accepts a zeroed one */

/* Watches fd for reading and writing, edge-triggered. context comes back in events[i].data.ptr and
 * is not NULL: that is the wake-up. Returns 0 or an errno. Closing fd ends it. */
int tkp_loop_watch(struct tkp_loop *loop, int fd, void *context);
/* Makes the next wait report fd once more if it is ready: the reader left something. */
void tkp_loop_watch_again(struct tkp_loop *loop, int fd, void *context);
/* Watches fd for `events` as long as they last, not their beginnings alone; is_new: it is not yet
 * watched. Returns 0 or an errno. */
int tkp_loop_watch_level(struct tkp_loop *loop, int fd, uint32_t events, void *context,
                         bool is_new);
void tkp_loop_unwatch(struct tkp_loop *loop, int fd);
/* Waits until something happened or deadline_ns; returns the number of events. A wake-up is
 * consumed by it and comes as an event. */
int tkp_loop_wait(struct tkp_loop *loop, uint64_t now_ns, uint64_t deadline_ns);
/* Makes the current or next wait return. [any] */
void tkp_loop_wake(const struct tkp_loop *loop);

/* Room for `count` timers in all, so that setting them cannot fail. */
bool tkp_loop_reserve_timers(struct tkp_loop *loop, uint32_t count);
void tkp_loop_set_timer(struct tkp_loop *loop, struct tkp_timer *timer, uint64_t at_ns);
void tkp_loop_cancel_timer(struct tkp_loop *loop, struct tkp_timer *timer); /* set or not */
/* The earliest, or NULL. */
struct tkp_timer *tkp_loop_next_timer(const struct tkp_loop *loop);
/* When the earliest is due, or TKP_NEVER_NS. */
uint64_t tkp_loop_next_timer_ns(const struct tkp_loop *loop);
/* Takes the earliest timer that is due, or NULL. */
struct tkp_timer *tkp_loop_take_due(struct tkp_loop *loop, uint64_t now_ns);

#endif

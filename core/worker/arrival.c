/* SPDX-License-Identifier: Apache-2.0 */
/* The difference of the two clocks as an interval, and what the worker does with it. */
#include <worker/arrival.h>

#include <base/clock.h>

/* What counts as a step: far above the width of a reading, far below what a user would notice. */
#define STEP_NS ((int64_t)(100 * TKP_NS_PER_US))
/* Readings of both clocks are this far apart at the most while the worker has work. */
#define READING_INTERVAL_NS (100 * TKP_NS_PER_MS)

struct tkp_clock_reading tkp_clock_reading_take(void)
{
    enum { TRIES = 8 }; /* a preemption between the reads spoils a try; all of them, hardly */
    struct tkp_clock_reading best = {0, 0, UINT64_MAX};
    for (int i = 0; i < TRIES; i++) {
        struct tkp_clock_reading r;
        r.before_ns = tkp_clock_now_ns();
        r.wall_ns = tkp_clock_realtime_ns();
        r.after_ns = tkp_clock_now_ns();
        if (r.after_ns - r.before_ns < best.after_ns - best.before_ns)
            best = r;
    }
    return best;
}

static int64_t middle(int64_t low_ns, int64_t high_ns)
{
    return low_ns + (high_ns - low_ns) / 2;
}

static int64_t difference(uint64_t wall_ns, uint64_t monotonic_ns)
{
    return (int64_t)(wall_ns - monotonic_ns);
}

void tkp_arrival_clock_init(struct tkp_arrival_clock *clock, struct tkp_clock_reading r)
{
    *clock = (struct tkp_arrival_clock){.low_ns = difference(r.wall_ns, r.after_ns),
                                        .high_ns = difference(r.wall_ns, r.before_ns)};
}

void tkp_arrival_clock_learn(struct tkp_arrival_clock *clock, struct tkp_clock_reading r)
{
    int64_t low_ns = difference(r.wall_ns, r.after_ns);
    int64_t high_ns = difference(r.wall_ns, r.before_ns);
    if (low_ns <= clock->high_ns && high_ns >= clock->low_ns) {
        clock->low_ns = low_ns > clock->low_ns ? low_ns : clock->low_ns;
        clock->high_ns = high_ns < clock->high_ns ? high_ns : clock->high_ns;
        return;
    }
    int64_t moved_ns = middle(low_ns, high_ns) - middle(clock->low_ns, clock->high_ns);
    clock->step_count += moved_ns > STEP_NS || moved_ns < -STEP_NS;
    clock->low_ns = low_ns;
    clock->high_ns = high_ns;
}

bool tkp_arrival_clock_strays(const struct tkp_arrival_clock *clock, uint64_t now_ns,
                              uint64_t wall_ns)
{
    int64_t seen_ns = difference(wall_ns, now_ns);
    return seen_ns > clock->high_ns + STEP_NS || seen_ns < clock->low_ns - STEP_NS;
}

uint64_t tkp_arrival_clock_map(const struct tkp_arrival_clock *clock, uint64_t wall_ns)
{
    return wall_ns - (uint64_t)middle(clock->low_ns, clock->high_ns);
}

void tkp_arrivals_init(struct tkp_arrivals *arrivals, bool kernel, struct tkp_gauge *steps)
{
    *arrivals = (struct tkp_arrivals){.kernel = kernel, .steps = steps};
    if (kernel)
        tkp_arrival_clock_init(&arrivals->clock, tkp_clock_reading_take());
}

static void learn(struct tkp_arrivals *arrivals, uint64_t now_ns)
{
    tkp_arrival_clock_learn(&arrivals->clock, tkp_clock_reading_take());
    arrivals->next_reading_ns = now_ns + READING_INTERVAL_NS;
    tkp_gauge_set(arrivals->steps, arrivals->clock.step_count);
}

void tkp_arrivals_look(struct tkp_arrivals *arrivals, uint64_t now_ns)
{
    if (!arrivals->kernel)
        return;
    if (now_ns >= arrivals->next_reading_ns ||
        tkp_arrival_clock_strays(&arrivals->clock, now_ns, tkp_clock_realtime_ns()))
        learn(arrivals, now_ns);
}

uint64_t tkp_arrivals_place(struct tkp_arrivals *arrivals, uint64_t wall_ns, uint64_t since_ns,
                            uint64_t now_ns)
{
    if (!wall_ns)
        return 0;
    uint64_t at_ns = tkp_arrival_clock_map(&arrivals->clock, wall_ns);
    if (at_ns >= since_ns && at_ns <= now_ns)
        return at_ns;
    learn(arrivals, now_ns); /* stepped since the last look */
    at_ns = tkp_arrival_clock_map(&arrivals->clock, wall_ns);
    return at_ns >= since_ns && at_ns <= now_ns ? at_ns : 0;
}

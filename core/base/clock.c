/* SPDX-License-Identifier: Apache-2.0 */
/* Time from the kernel's clocks through the vDSO; no state. */
#include <base/clock.h>

#include <time.h>

static uint64_t read_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t); /* cannot fail for the two clocks used here */
    return (uint64_t)t.tv_sec * TKP_NS_PER_S + (uint64_t)t.tv_nsec;
}

uint64_t tkp_clock_now_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t tkp_clock_realtime_ns(void)
{
    return read_ns(CLOCK_REALTIME);
}

int64_t tkp_clock_realtime_offset_ns(void)
{
    enum { TRIES = 16 }; /* a preemption between the reads spoils a try; all of them, hardly */
    uint64_t best_ns = UINT64_MAX;
    int64_t offset_ns = 0;
    for (int i = 0; i < TRIES; i++) {
        uint64_t before_ns = tkp_clock_now_ns();
        uint64_t wall_ns = tkp_clock_realtime_ns();
        uint64_t width_ns = tkp_clock_now_ns() - before_ns;
        if (width_ns < best_ns) {
            best_ns = width_ns;
            offset_ns = (int64_t)(wall_ns - (before_ns + width_ns / 2));
        }
    }
    return offset_ns;
}

uint64_t tkp_clock_after_ns(uint64_t start_ns, uint64_t delay_ns)
{
    return delay_ns > TKP_NEVER_NS - start_ns ? TKP_NEVER_NS : start_ns + delay_ns;
}

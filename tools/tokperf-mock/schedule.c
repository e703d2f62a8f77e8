/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule: functions of options, request number and arrival; nothing is kept. */
#include "schedule.h"

#include <math.h>

#include "draw.h"

enum {
    ITL_LANE = 16, /* lanes of tkp_mock_draw_factor: 0 is the first chunk */
    NS_PER_MS = 1000000,
};

static uint64_t to_ns(double ms)
{
    return (uint64_t)llround(ms * NS_PER_MS);
}

uint64_t tkp_mock_schedule_first_ns(const struct tkp_mock_reply *reply)
{
    const struct tkp_mock_options *options = reply->options;
    return reply->arrival_ns +
           to_ns(options->ttft_ms *
                 tkp_mock_draw_factor(options->seed, reply->number, 0, options->ttft_jitter));
}

uint64_t tkp_mock_schedule_gap_ns(const struct tkp_mock_reply *reply, uint64_t index)
{
    const struct tkp_mock_options *options = reply->options;
    return to_ns(options->itl_ms * tkp_mock_draw_factor(options->seed, reply->number,
                                                        ITL_LANE + index, options->itl_jitter));
}

uint64_t tkp_mock_schedule_last_ns(const struct tkp_mock_reply *reply)
{
    uint64_t due_ns = tkp_mock_schedule_first_ns(reply);
    if (reply->options->itl_jitter <= 0 && reply->plan.chunks > 0) {
        return due_ns + (reply->plan.chunks - 1) * tkp_mock_schedule_gap_ns(reply, 1);
    }
    for (uint64_t i = 1; i < reply->plan.chunks; i++) {
        due_ns += tkp_mock_schedule_gap_ns(reply, i);
    }
    return due_ns;
}

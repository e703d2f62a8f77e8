/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The schedule of a phase. Arrival times: the process is drawn in nominal intervals (1 apart for a
 * constant rate, exponential with mean 1 for Poisson) and mapped to time through the inverse of the
 * integrated rate, so that a rate ramp bends the same draws. Sums run upwards from ordinal 0 in
 * every cursor, so that all workers round alike.
 */
#include <load/schedule.h>

#include <base/clock.h>
#include <base/rng.h>
#include <math.h>

/* Draws of different phases must not repeat each other. */
static uint64_t arrival_stream(const struct tkp_schedule *s)
{
    return TKP_RNG_ARRIVAL + ((uint64_t)s->phase_index << 32);
}

/* The time from start at which the expected number of arrivals reaches `intervals`. Linear ramp
 * 0 -> r over d: r t^2 / (2 d) until d, then r d / 2 + r (t - d). */
static uint64_t offset_of(const struct tkp_phase_plan *phase, double intervals)
{
    double rate_per_ns = phase->rate_per_s / (double)TKP_NS_PER_S;
    double ramp_ns = (double)phase->rate_ramp_ns;
    double in_ramp = rate_per_ns * ramp_ns / 2.0;
    double t = intervals < in_ramp ? sqrt(2.0 * ramp_ns * intervals / rate_per_ns)
                                   : ramp_ns + (intervals - in_ramp) / rate_per_ns;
    return t < 9.0e18 ? (uint64_t)(t + 0.5) : TKP_NEVER_NS;
}

static double gap_before(const struct tkp_schedule *s, uint64_t ordinal)
{
    if (s->phase->arrival == TKP_ARRIVAL_POISSON)
        return tkp_rng_exponential(s->seed, arrival_stream(s), ordinal);
    return ordinal ? 1.0 : 0.0;
}

void tkp_schedule_cursor_init(struct tkp_schedule_cursor *cursor,
                              const struct tkp_schedule *schedule)
{
    *cursor = (struct tkp_schedule_cursor){.schedule = schedule};
}

static uint32_t turns_of(const struct tkp_schedule *s, uint64_t ordinal)
{
    uint64_t row = tkp_dataset_row(s->dataset, s->first_draw + ordinal);
    return tkp_dataset_conversation(s->dataset, row)->turn_count;
}

static bool is_open(const struct tkp_phase_plan *phase)
{
    return phase->arrival != TKP_ARRIVAL_CLOSED;
}

/* Adds ordinals up to and including `ordinal` to the running sums; turns_before stays the number
 * of turns before `ordinal`. */
static void walk_to(struct tkp_schedule_cursor *c, uint64_t ordinal)
{
    for (; c->next_ordinal <= ordinal; c->next_ordinal++) {
        if (c->next_ordinal)
            c->turns_before += turns_of(c->schedule, c->next_ordinal - 1);
        if (is_open(c->schedule->phase))
            c->gap_phase += gap_before(c->schedule, c->next_ordinal);
    }
}

bool tkp_schedule_cursor_at(struct tkp_schedule_cursor *cursor, uint64_t ordinal,
                            struct tkp_arrival_event *event)
{
    const struct tkp_schedule *s = cursor->schedule;
    const struct tkp_phase_plan *phase = s->phase;
    if (phase->session_count && ordinal >= phase->session_count)
        return false;
    walk_to(cursor, ordinal);
    if (phase->request_count && cursor->turns_before >= phase->request_count)
        return false;
    uint64_t row = tkp_dataset_row(s->dataset, s->first_draw + ordinal);
    uint32_t planned = tkp_dataset_conversation(s->dataset, row)->turn_count;
    *event = (struct tkp_arrival_event){
        .ordinal = ordinal,
        .draw = s->first_draw + ordinal,
        .row = row,
        .url_index = (uint32_t)((s->first_draw + ordinal) % s->url_count),
        .turns = planned,
        .turns_planned = planned,
    };
    if (phase->request_count && phase->request_count - cursor->turns_before < planned)
        event->turns = (uint32_t)(phase->request_count - cursor->turns_before);
    if (!is_open(phase))
        return true;
    uint64_t offset_ns = offset_of(phase, cursor->gap_phase);
    event->intended_ns = tkp_clock_after_ns(s->start_ns, offset_ns);
    return !phase->duration_ns || offset_ns < phase->duration_ns;
}

uint64_t tkp_schedule_count(struct tkp_schedule_cursor *cursor, uint64_t counted, uint64_t limit)
{
    struct tkp_arrival_event event;
    while (counted < limit && tkp_schedule_cursor_at(cursor, counted, &event))
        counted++;
    return counted;
}

uint64_t tkp_schedule_cap(const struct tkp_schedule *schedule, uint64_t now_ns)
{
    const struct tkp_phase_plan *phase = schedule->phase;
    uint64_t ramp_ns = phase->concurrency_ramp_ns;
    if (phase->concurrency <= 1 || now_ns >= schedule->start_ns + ramp_ns)
        return phase->concurrency;
    if (now_ns <= schedule->start_ns)
        return 1;
    double done = (double)(now_ns - schedule->start_ns) / (double)ramp_ns;
    uint64_t cap = 1 + (uint64_t)(done * (double)(phase->concurrency - 1));
    return cap < phase->concurrency ? cap : phase->concurrency;
}

uint64_t tkp_schedule_cap_reached_ns(const struct tkp_schedule *schedule, uint64_t cap)
{
    const struct tkp_phase_plan *phase = schedule->phase;
    if (cap <= 1 || phase->concurrency <= 1)
        return schedule->start_ns;
    double step_ns = (double)phase->concurrency_ramp_ns / (double)(phase->concurrency - 1);
    return schedule->start_ns + (uint64_t)ceil(step_ns * (double)(cap - 1));
}

uint64_t tkp_schedule_cap_change_ns(const struct tkp_schedule *schedule, uint64_t now_ns)
{
    uint64_t cap = tkp_schedule_cap(schedule, now_ns);
    if (cap >= schedule->phase->concurrency)
        return TKP_NEVER_NS;
    uint64_t due_ns = tkp_schedule_cap_reached_ns(schedule, cap + 1);
    return due_ns > now_ns ? due_ns : now_ns + 1; /* rounding: look again at once */
}

uint64_t tkp_schedule_share(uint64_t cap, uint32_t worker, uint32_t workers)
{
    return cap / workers + (worker < cap % workers ? 1 : 0);
}

uint64_t tkp_schedule_lane_ns(const struct tkp_schedule *schedule, uint64_t lane, uint32_t worker,
                              uint32_t workers)
{
    return tkp_schedule_cap_reached_ns(schedule, lane * workers + worker + 1);
}

uint64_t tkp_schedule_stop_ns(const struct tkp_schedule *schedule)
{
    uint64_t duration_ns = schedule->phase->duration_ns;
    return duration_ns ? tkp_clock_after_ns(schedule->start_ns, duration_ns) : TKP_NEVER_NS;
}

uint64_t tkp_schedule_cancel_ns(const struct tkp_schedule *schedule)
{
    return tkp_clock_after_ns(tkp_schedule_stop_ns(schedule), schedule->phase->grace_ns);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting conversations. Closed loop: a worker's lanes are its share of the cap, each takes the
 * next ordinal when its conversation ends and keeps its slot under the cap meanwhile. Open loop: a
 * worker holds one ordinal until its time and then until the cap lets it go.
 */
#include <worker/issue.h>

#include <worker/conversation.h>
#include <worker/thread.h>

#define STARVED_RETRY_NS (1 * TKP_NS_PER_MS)
#define RECORD_RETRY_NS  (1 * TKP_NS_PER_MS)
/* How long after its end a phase without a cap still sends what was due before, at least. */
#define LATE_SENDS_NS (1 * TKP_NS_PER_S)

/* A burst does not keep the worker from reading: so many requests, then a look at events. */
enum {
    STARTS_A_TURN = 16, /* of the event loop, by each rule */
    STARTS_AN_EVENT = 2
};

static bool is_told_to_stop(const struct tkp_issue *issue)
{
    return issue->stopped || tkp_flag_is_raised(&issue->phase->stop) ||
           tkp_flag_is_raised(&issue->phase->cancel);
}

bool tkp_issue_is_over(const struct tkp_worker *w, uint64_t at_ns)
{
    const struct tkp_issue *issue = &w->issue;
    return at_ns >= issue->stop_ns || is_told_to_stop(issue);
}

static uint64_t cap_now(const struct tkp_worker *w)
{
    return tkp_schedule_cap(&w->issue.phase->schedule, w->now_ns);
}

/* Notes that the cap has grown, which ends waiting for it. */
static void look_at_cap(struct tkp_worker *w)
{
    struct tkp_issue *issue = &w->issue;
    if (w->now_ns < issue->cap_change_ns)
        return;
    issue->cap_since_ns = issue->cap_change_ns;
    issue->cap_change_ns = tkp_schedule_cap_change_ns(&issue->phase->schedule, w->now_ns);
    issue->waits_for_cap = false;
}

void tkp_issue_begin_phase(struct tkp_worker *w, struct tkp_phase *phase)
{
    uint32_t number = w->issue.phase_number + 1;
    const struct tkp_phase_plan *plan = phase->schedule.phase;
    w->issue = (struct tkp_issue){
        .phase = phase,
        .phase_number = number,
        .stop_ns = tkp_schedule_stop_ns(&phase->schedule),
        .cancel_ns = tkp_schedule_cancel_ns(&phase->schedule),
        .open_loop = plan->arrival != TKP_ARRIVAL_CLOSED,
        .cap_since_ns = phase->schedule.start_ns,
        .cap_change_ns = phase->schedule.start_ns,
    };
    tkp_schedule_cursor_init(&w->issue.cursor, &phase->schedule);
    tkp_histogram_clear(&w->turns_ns);
    tkp_histogram_clear(&w->arrivals.delays_ns);
    tkp_gauge_set(&w->stats.plugin_call_max_ns, 0);
    w->issue.final_lanes = tkp_schedule_share(plan->concurrency, w->index, w->shared->worker_count);
    if (!w->issue.open_loop && !w->issue.final_lanes)
        w->issue.exhausted = true; /* nothing is this worker's */
}

/* ---- ordinals and the cap ---- */

static void wake_others(const struct tkp_worker *w)
{
    for (uint32_t i = 0; i < w->shared->worker_count; i++)
        if (i != w->index)
            tkp_workers_wake_one(w->workers, i);
}

/* Draws the next conversation; false past the phase's budget, which all workers then learn. */
static bool take_ordinal(struct tkp_worker *w, struct tkp_arrival_event *event)
{
    struct tkp_issue *issue = &w->issue;
    if (issue->exhausted)
        return false;
    uint64_t ordinal = tkp_ticket_take(&issue->phase->next_ordinal);
    if (tkp_schedule_cursor_at(&issue->cursor, ordinal, event))
        return true;
    issue->exhausted = true;
    wake_others(w);
    return false;
}

/* Whether other workers have drawn everything; moves the cursor, so only without a pending one. */
static void look_for_exhaustion(struct tkp_worker *w)
{
    struct tkp_issue *issue = &w->issue;
    struct tkp_arrival_event event;
    if (!issue->exhausted && !issue->has_pending)
        issue->exhausted = !tkp_schedule_cursor_at(
            &issue->cursor, tkp_ticket_peek(&issue->phase->next_ordinal), &event);
}

static bool take_cap(struct tkp_worker *w, uint64_t cap)
{
    struct tkp_phase *phase = w->issue.phase;
    if (!tkp_phase_take_slot(phase, w->index, cap))
        return false;
    /* lowered also when the slot came without waiting, so that no release is spent on this one */
    tkp_flag_lower(&phase->waiting[w->index]);
    return true;
}

static void release_cap(struct tkp_worker *w)
{
    int32_t other = tkp_phase_release_slot(w->issue.phase, w->index);
    if (other >= 0)
        tkp_workers_wake_one(w->workers, (uint32_t)other);
    w->issue.waits_for_cap = false;
}

/* A wake-up for a free slot that this worker does not need goes to whoever waits. */
static void pass_wake_on(const struct tkp_worker *w)
{
    for (uint32_t i = 0; i < w->shared->worker_count; i++)
        if (i != w->index && tkp_flag_is_raised(&w->issue.phase->waiting[i]))
            tkp_workers_wake_one(w->workers, i);
}

/* ---- closed loop ---- */

static void retire(struct tkp_worker *w, struct tkp_slot *slot)
{
    tkp_slot_pool_give(&w->slots, slot);
    w->issue.lanes--;
    release_cap(w);
}

static void next_in_lane(struct tkp_worker *w, struct tkp_slot *slot, uint64_t freed_ns)
{
    struct tkp_arrival_event event;
    if (tkp_issue_is_over(w, w->now_ns) || !take_ordinal(w, &event))
        retire(w, slot);
    else
        tkp_conversation_begin(w, slot, &event, freed_ns, freed_ns);
}

/* Opens lanes up to the share of the cap; their slots became free when the cap grew. */
static void open_lanes(struct tkp_worker *w)
{
    struct tkp_issue *issue = &w->issue;
    uint64_t cap = cap_now(w);
    uint64_t lanes = tkp_schedule_share(cap, w->index, w->shared->worker_count);
    issue->starved = issue->more_lanes = false;
    for (int started = 0;
         issue->lanes < lanes && !issue->exhausted && !tkp_issue_is_over(w, w->now_ns); started++) {
        issue->more_lanes = started == STARTS_A_TURN;
        if (issue->more_lanes)
            return;
        if (!take_cap(w, cap)) {
            issue->starved = true; /* another worker's clock is a moment behind */
            return;
        }
        struct tkp_slot *slot = tkp_slot_pool_take(&w->slots);
        if (!slot) {
            release_cap(w);
            issue->starved = true;
            return;
        }
        slot->holds_cap = true;
        slot->backoff_ns = 0;
        issue->lanes++;
        next_in_lane(w, slot, issue->cap_since_ns);
    }
}

/* ---- open loop ---- */

/* Sends what is due and may go, up to a number; what is left stays pending. The schedule has
 * nothing past the phase's duration, so that the count does not depend on who looks when. */
static void send_due(struct tkp_worker *w, int most)
{
    struct tkp_issue *issue = &w->issue;
    issue->starved = false;
    while (!issue->waits_for_cap && !is_told_to_stop(issue)) {
        if (!issue->has_pending)
            issue->has_pending = take_ordinal(w, &issue->pending);
        if (!issue->has_pending || issue->pending.intended_ns > w->now_ns || !most--)
            return;
        uint64_t cap = cap_now(w);
        if (cap && !take_cap(w, cap)) {
            issue->waits_for_cap = issue->pending_waited = true;
            return;
        }
        struct tkp_slot *slot = tkp_slot_pool_take(&w->slots);
        if (!slot) {
            if (cap)
                release_cap(w);
            issue->starved = true;
            return;
        }
        slot->holds_cap = cap != 0;
        uint64_t ready_ns = issue->pending_waited ? w->now_ns : issue->pending.intended_ns;
        issue->has_pending = issue->pending_waited = false;
        tkp_conversation_begin(w, slot, &issue->pending, issue->pending.intended_ns, ready_ns);
    }
}

/* Counts conversations whose time came without a slot for them. */
static void count_unused(struct tkp_worker *w)
{
    struct tkp_issue *issue = &w->issue;
    while (issue->open_loop) {
        if (!issue->has_pending)
            issue->has_pending = take_ordinal(w, &issue->pending);
        if (!issue->has_pending || issue->pending.intended_ns > w->now_ns)
            break;
        tkp_gauge_add(&w->stats.slots_unused, 1);
        issue->has_pending = false;
    }
    issue->has_pending = false;
}

/* ---- both ---- */

void tkp_issue_slot_freed(struct tkp_worker *w, struct tkp_slot *slot, uint64_t freed_ns)
{
    if (!w->issue.open_loop) {
        slot->state = TKP_SLOT_NEXT_CONVERSATION;
        slot->intended_ns = freed_ns;
        tkp_slot_queue_push(&w->issue.run, slot);
        return;
    }
    tkp_slot_pool_give(&w->slots, slot);
    if (slot->holds_cap)
        release_cap(w);
}

static void drain_run(struct tkp_worker *w, int most)
{
    struct tkp_slot *slot;
    while (most-- && (slot = tkp_slot_queue_pop(&w->issue.run))) {
        if (slot->state == TKP_SLOT_NEXT_TURN)
            tkp_conversation_next_turn(w, slot);
        else
            next_in_lane(w, slot, slot->intended_ns);
    }
}

/* Pauses and back-offs end at once: nothing follows them. */
static void end_waits(struct tkp_worker *w, bool active_too)
{
    struct tkp_slot *slot;
    for (uint32_t i = 0; (slot = tkp_slot_pool_at(&w->slots, i)); i++)
        if (slot->state != TKP_SLOT_ACTIVE || active_too)
            tkp_conversation_cancel(w, slot);
}

static void finish_phase(struct tkp_worker *w)
{
    tkp_flag_lower(&w->issue.phase->waiting[w->index]);
    tkp_block_flush(w->channel, w->now_ns, true);
    tkp_gauge_set(&w->stats.loop_lag_p99_ns, (uint64_t)tkp_histogram_quantile(&w->turns_ns, 0.99));
    tkp_gauge_set(&w->stats.read_delay_p99_ns,
                  (uint64_t)tkp_histogram_quantile(&w->arrivals.delays_ns, 0.99));
    w->issue.phase = NULL;
    tkp_workers_say_done(w);
}

/* Whether nothing is started any more. In open loop what was due before the end of the duration and
 * is free to go is sent first, within bounds. */
static bool is_time_to_stop(const struct tkp_worker *w)
{
    const struct tkp_issue *issue = &w->issue;
    if (is_told_to_stop(issue) || w->now_ns < issue->stop_ns || !issue->open_loop)
        return tkp_issue_is_over(w, w->now_ns);
    bool all_sent = issue->exhausted && !issue->has_pending;
    return all_sent || issue->waits_for_cap || issue->starved ||
           (w->now_ns >= issue->cancel_ns && w->now_ns >= issue->stop_ns + LATE_SENDS_NS);
}

static void look_at_end(struct tkp_worker *w)
{
    struct tkp_issue *issue = &w->issue;
    const struct tkp_phase *phase = issue->phase;
    if (!issue->stopped && is_time_to_stop(w)) {
        count_unused(w);
        issue->stopped = true;
        end_waits(w, false);
    }
    if (issue->stopped && !issue->cancelled &&
        (w->now_ns >= issue->cancel_ns || tkp_flag_is_raised(&phase->cancel))) {
        issue->cancelled = true;
        end_waits(w, true);
    }
}

static bool may_issue(const struct tkp_worker *w)
{
    const struct tkp_issue *issue = &w->issue;
    return !issue->stopped && w->now_ns >= issue->phase->schedule.start_ns;
}

void tkp_issue_step(struct tkp_worker *w, bool woken)
{
    struct tkp_issue *issue = &w->issue;
    if (!issue->phase)
        return;
    look_at_end(w);
    tkp_conversation_record_waiting(w);
    drain_run(w, STARTS_A_TURN);
    if (woken && !issue->waits_for_cap)
        pass_wake_on(w);
    if (woken) {
        issue->waits_for_cap = false;
        look_for_exhaustion(w);
    }
    look_at_cap(w);
    if (may_issue(w) && issue->open_loop)
        send_due(w, STARTS_A_TURN);
    else if (may_issue(w) && issue->lanes < issue->final_lanes)
        open_lanes(w);
    drain_run(w, STARTS_A_TURN);
    if (!w->slots.busy && !issue->has_pending && (issue->exhausted || issue->stopped))
        finish_phase(w);
}

void tkp_issue_after_event(struct tkp_worker *w)
{
    struct tkp_issue *issue = &w->issue;
    if (issue->run.first)
        drain_run(w, STARTS_AN_EVENT);
    if (issue->phase && issue->open_loop && may_issue(w) && !issue->waits_for_cap &&
        (!issue->has_pending || issue->pending.intended_ns <= w->now_ns))
        send_due(w, STARTS_AN_EVENT);
}

static uint64_t earlier(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

static uint64_t next_issue_ns(const struct tkp_worker *w)
{
    const struct tkp_issue *issue = &w->issue;
    const struct tkp_schedule *schedule = &issue->phase->schedule;
    if (w->now_ns < schedule->start_ns)
        return schedule->start_ns;
    if (issue->more_lanes)
        return w->now_ns;
    if (issue->starved)
        return w->now_ns + STARVED_RETRY_NS;
    if (issue->open_loop && issue->has_pending && !issue->waits_for_cap)
        return issue->pending.intended_ns;
    if (issue->open_loop && !issue->has_pending && !issue->exhausted)
        return w->now_ns; /* the phase began since the last step, which has drawn nothing */
    if (issue->waits_for_cap ||
        (!issue->open_loop && !issue->exhausted && issue->lanes < issue->final_lanes))
        return issue->cap_change_ns;
    return TKP_NEVER_NS;
}

uint64_t tkp_issue_next_ns(const struct tkp_worker *w)
{
    const struct tkp_issue *issue = &w->issue;
    uint64_t at_ns = TKP_NEVER_NS;
    if (!issue->phase)
        return at_ns;
    if (issue->run.first)
        return w->now_ns;
    if (!issue->stopped)
        at_ns = earlier(next_issue_ns(w), issue->stop_ns);
    if (!issue->cancelled)
        at_ns = earlier(at_ns, issue->cancel_ns);
    if (issue->unrecorded.first)
        at_ns = earlier(at_ns, w->now_ns + RECORD_RETRY_NS);
    return at_ns;
}

uint64_t tkp_issue_next_send_ns(const struct tkp_worker *w)
{
    const struct tkp_issue *issue = &w->issue;
    if (!issue->phase || issue->stopped)
        return TKP_NEVER_NS;
    if (w->now_ns < issue->phase->schedule.start_ns)
        return issue->phase->schedule.start_ns;
    bool is_timed = issue->has_pending && !issue->waits_for_cap && !issue->starved;
    return is_timed ? issue->pending.intended_ns : TKP_NEVER_NS;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting conversations. Closed loop: a worker's lanes are its share of the cap, each takes the
 * next ordinal when its conversation ends and keeps its slot under the cap meanwhile. Open loop: a
 * worker holds one ordinal until its time and then until the cap lets it go.
 */
#include <worker/start.h>

#include <worker/conversation.h>
#include <worker/thread.h>

/* A burst does not keep the worker from reading: so many lanes, then a look at events. */
enum { LANES_A_TURN = 16 };

static uint64_t cap_now(const struct tkp_worker *w, const struct tkp_issue *issue)
{
    return tkp_schedule_cap(&issue->phase->schedule, w->now_ns);
}

void tkp_start_look_at_cap(struct tkp_worker *w, struct tkp_issue *issue)
{
    if (w->now_ns < issue->cap_change_ns)
        return;
    issue->cap_change_ns = tkp_schedule_cap_change_ns(&issue->phase->schedule, w->now_ns);
    issue->waits_for_cap = false;
}

/* ---- ordinals ---- */

static void exhaust(struct tkp_worker *w, struct tkp_issue *issue)
{
    issue->exhausted = true;
    for (uint32_t i = 0; i < w->shared->worker_count; i++)
        if (i != w->index)
            tkp_workers_wake_one(w->workers, i);
}

/* Whether nothing is left to draw. Moves the cursor up to where the next draw will be. */
static bool is_all_drawn(struct tkp_issue *issue)
{
    struct tkp_arrival_event next;
    uint64_t ordinal = tkp_ticket_peek(&issue->phase->next_ordinal);
    return !tkp_schedule_cursor_at(&issue->cursor, ordinal, &next);
}

/* Draws the next conversation; false past the phase's budget, which all workers then learn. In
 * closed loop that is seen when a lane is free again. The next phase does not wait for it. */
static bool take_ordinal(struct tkp_worker *w, struct tkp_issue *issue,
                         struct tkp_arrival_event *event)
{
    if (issue->exhausted)
        return false;
    uint64_t ordinal = tkp_ticket_take(&issue->phase->next_ordinal);
    bool taken = tkp_schedule_cursor_at(&issue->cursor, ordinal, event);
    if (!taken || (issue->phase->is_followed && !issue->open_loop && is_all_drawn(issue)))
        exhaust(w, issue);
    return taken;
}

/* ---- the cap ---- */

static bool take_cap(struct tkp_worker *w, struct tkp_phase *phase, uint64_t cap)
{
    if (!tkp_phase_take_slot(phase, w->index, cap))
        return false;
    /* lowered also when the slot came without waiting, so that no release is spent on this one */
    tkp_flag_lower(&phase->waiting[w->index]);
    return true;
}

static void release_cap(struct tkp_worker *w, struct tkp_issue *issue)
{
    int32_t other = tkp_phase_release_slot(issue->phase, w->index);
    if (other >= 0)
        tkp_workers_wake_one(w->workers, (uint32_t)other);
    issue->waits_for_cap = false;
}

/* A wake-up for a free slot that this worker does not need goes to whoever waits. */
static void pass_wake_on(const struct tkp_worker *w, const struct tkp_phase *phase)
{
    for (uint32_t i = 0; i < w->shared->worker_count; i++)
        if (i != w->index && tkp_flag_is_raised(&phase->waiting[i]))
            tkp_workers_wake_one(w->workers, i);
}

void tkp_start_woken(struct tkp_worker *w, struct tkp_issue *issue)
{
    if (!issue->waits_for_cap)
        pass_wake_on(w, issue->phase);
    issue->waits_for_cap = false;
    /* A pending one would still be sent: that nothing is left behind it is seen then. */
    if (!issue->exhausted && !issue->has_pending)
        issue->exhausted = is_all_drawn(issue);
}

/* ---- slots ---- */

static struct tkp_slot *take_slot(struct tkp_worker *w, struct tkp_issue *issue)
{
    struct tkp_slot *slot = tkp_slot_pool_take(&w->slots);
    if (!slot)
        return NULL;
    slot->issue = issue->index;
    issue->slots++;
    return slot;
}

static void give_slot(struct tkp_worker *w, struct tkp_issue *issue, struct tkp_slot *slot)
{
    tkp_slot_pool_give(&w->slots, slot);
    issue->slots--;
    if (slot->holds_cap)
        release_cap(w, issue);
}

void tkp_start_slot_freed(struct tkp_worker *w, struct tkp_slot *slot, uint64_t freed_ns)
{
    struct tkp_issue *issue = tkp_issue_of(w, slot);
    if (issue->open_loop) {
        give_slot(w, issue, slot);
        return;
    }
    slot->state = TKP_SLOT_NEXT_CONVERSATION;
    slot->intended_ns = freed_ns;
    tkp_slot_queue_push(&issue->run, slot);
}

/* ---- closed loop ---- */

static void next_in_lane(struct tkp_worker *w, struct tkp_issue *issue, struct tkp_slot *slot,
                         uint64_t freed_ns)
{
    struct tkp_arrival_event event;
    if (tkp_issue_is_over(issue, w->now_ns) || !take_ordinal(w, issue, &event))
        give_slot(w, issue, slot);
    else
        tkp_conversation_begin(w, slot, &event, freed_ns, freed_ns);
}

/* Their slots became free when the cap grew, however late the worker sees that. */
void tkp_start_lanes(struct tkp_worker *w, struct tkp_issue *issue)
{
    uint64_t cap = cap_now(w, issue);
    uint64_t lanes = tkp_schedule_share(cap, w->index, w->shared->worker_count);
    issue->starved = issue->more_lanes = false;
    for (int started = 0;
         issue->slots < lanes && !issue->exhausted && !tkp_issue_is_over(issue, w->now_ns);
         started++) {
        issue->more_lanes = started == LANES_A_TURN;
        if (issue->more_lanes)
            return;
        if (!take_cap(w, issue->phase, cap)) {
            issue->starved = true; /* another worker's clock is a moment behind */
            return;
        }
        uint64_t free_ns = tkp_schedule_lane_ns(&issue->phase->schedule, issue->slots, w->index,
                                                w->shared->worker_count);
        struct tkp_slot *slot = take_slot(w, issue);
        if (!slot) {
            release_cap(w, issue);
            issue->starved = true;
            return;
        }
        slot->holds_cap = true;
        slot->backoff_ns = 0;
        next_in_lane(w, issue, slot, free_ns);
    }
}

void tkp_start_run(struct tkp_worker *w, struct tkp_issue *issue, int most)
{
    struct tkp_slot *slot;
    while (most-- && (slot = tkp_slot_queue_pop(&issue->run))) {
        if (slot->state == TKP_SLOT_NEXT_TURN)
            tkp_conversation_next_turn(w, slot);
        else
            next_in_lane(w, issue, slot, slot->intended_ns);
    }
}

/* ---- open loop ---- */

/* The schedule has nothing past the phase's duration, so that the count does not depend on who
 * looks when. */
void tkp_start_due(struct tkp_worker *w, struct tkp_issue *issue, int most)
{
    issue->starved = false;
    while (!issue->waits_for_cap && !tkp_issue_is_told_to_stop(issue)) {
        if (!issue->has_pending)
            issue->has_pending = take_ordinal(w, issue, &issue->pending);
        if (!issue->has_pending || issue->pending.intended_ns > w->now_ns || !most--)
            return;
        uint64_t cap = cap_now(w, issue);
        if (cap && !take_cap(w, issue->phase, cap)) {
            issue->waits_for_cap = issue->pending_waited = true;
            return;
        }
        struct tkp_slot *slot = take_slot(w, issue);
        if (!slot) {
            if (cap)
                release_cap(w, issue);
            issue->starved = true;
            return;
        }
        slot->holds_cap = cap != 0;
        uint64_t ready_ns = issue->pending_waited ? w->now_ns : issue->pending.intended_ns;
        issue->has_pending = issue->pending_waited = false;
        tkp_conversation_begin(w, slot, &issue->pending, issue->pending.intended_ns, ready_ns);
    }
}

void tkp_start_count_unused(struct tkp_worker *w, struct tkp_issue *issue)
{
    while (issue->open_loop) {
        if (!issue->has_pending)
            issue->has_pending = take_ordinal(w, issue, &issue->pending);
        if (!issue->has_pending || issue->pending.intended_ns > w->now_ns)
            break;
        tkp_gauge_add(&issue->phase->parts[w->index].slots_unused, 1);
        issue->has_pending = false;
    }
    issue->has_pending = false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phases of a worker from their begin to their end. Both go through the same steps; the older
 * one has nothing left to send and is mostly waited for.
 */
#include <worker/issue.h>

#include <worker/conversation.h>
#include <worker/start.h>
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

bool tkp_issue_is_told_to_stop(const struct tkp_issue *issue)
{
    return issue->stopped || tkp_flag_is_raised(&issue->phase->stop) ||
           tkp_flag_is_raised(&issue->phase->cancel);
}

bool tkp_issue_is_over(const struct tkp_issue *issue, uint64_t at_ns)
{
    return at_ns >= issue->stop_ns || tkp_issue_is_told_to_stop(issue);
}

/* ---- begin ---- */

void tkp_issue_init(struct tkp_worker *w)
{
    w->issue = w->issues;
    for (uint8_t i = 0; i < 2; i++) {
        tkp_histogram_init(&w->issues[i].turns_ns);
        tkp_histogram_init(&w->issues[i].delays_ns);
    }
}

void tkp_issue_finish(struct tkp_worker *w)
{
    for (uint8_t i = 0; i < 2; i++) {
        tkp_histogram_finish(&w->issues[i].turns_ns);
        tkp_histogram_finish(&w->issues[i].delays_ns);
    }
}

/* The second place is for phases that overlap, so that what is warm stays in use. */
static struct tkp_issue *make_room(struct tkp_worker *w)
{
    struct tkp_issue *before = w->issue;
    w->older = before->phase ? before : NULL;
    w->issue = w->older == w->issues ? &w->issues[1] : &w->issues[0];
    return w->issue;
}

void tkp_issue_begin_phase(struct tkp_worker *w, struct tkp_phase *phase)
{
    const struct tkp_phase_plan *plan = phase->schedule.phase;
    bool open_loop = plan->arrival != TKP_ARRIVAL_CLOSED;
    struct tkp_issue *issue = make_room(w);
    *issue = (struct tkp_issue){
        .phase = phase,
        .index = (uint8_t)(issue - w->issues),
        .phase_number = ++w->phase_count,
        .stop_ns = tkp_schedule_stop_ns(&phase->schedule),
        .cancel_ns = tkp_schedule_cancel_ns(&phase->schedule),
        .open_loop = open_loop,
        /* between its last arrival and its end there is time that belongs to it */
        .lasts_until_stop =
            phase->is_followed && open_loop && !plan->request_count && !plan->session_count,
        .cap_change_ns = phase->schedule.start_ns,
        .final_slots = tkp_schedule_share(plan->concurrency, w->index, w->shared->worker_count),
        .turns_ns = issue->turns_ns,
        .delays_ns = issue->delays_ns,
    };
    issue->exhausted = !open_loop && !issue->final_slots; /* nothing is this worker's */
    tkp_schedule_cursor_init(&issue->cursor, &phase->schedule);
    tkp_histogram_clear(&issue->turns_ns);
    tkp_histogram_clear(&issue->delays_ns);
}

/* ---- end ---- */

/* Pauses and back-offs of the phase end at once: nothing follows them. */
static void end_waits(struct tkp_worker *w, const struct tkp_issue *issue, bool active_too)
{
    struct tkp_slot *slot;
    for (uint32_t i = 0; (slot = tkp_slot_pool_at(&w->slots, i)); i++)
        if (slot->issue == issue->index && (slot->state != TKP_SLOT_ACTIVE || active_too))
            tkp_conversation_cancel(w, slot);
}

/* Whether nothing is started any more. In open loop what was due before the end of the duration and
 * is free to go is sent first, within bounds. */
static bool is_time_to_stop(const struct tkp_worker *w, const struct tkp_issue *issue)
{
    if (tkp_issue_is_told_to_stop(issue) || w->now_ns < issue->stop_ns || !issue->open_loop)
        return tkp_issue_is_over(issue, w->now_ns);
    bool all_sent = issue->exhausted && !issue->has_pending;
    return all_sent || issue->waits_for_cap || issue->starved ||
           (w->now_ns >= issue->cancel_ns && w->now_ns >= issue->stop_ns + LATE_SENDS_NS);
}

/* Nothing is started any more, and a free slot is for others. */
static void stop(struct tkp_worker *w, struct tkp_issue *issue)
{
    tkp_start_count_unused(w, issue);
    issue->stopped = true;
    issue->waits_for_cap = false;
    tkp_flag_lower(&issue->phase->waiting[w->index]);
}

static void look_at_end(struct tkp_worker *w, struct tkp_issue *issue)
{
    if (!issue->stopped && is_time_to_stop(w, issue)) {
        stop(w, issue);
        end_waits(w, issue, false);
    }
    if (issue->stopped && !issue->cancelled &&
        (w->looked_ns >= issue->cancel_ns || tkp_flag_is_raised(&issue->phase->cancel))) {
        issue->cancelled = true;
        end_waits(w, issue, true);
    }
}

static bool is_sent(const struct tkp_issue *issue)
{
    bool nothing_left = issue->exhausted && !issue->has_pending && !issue->unfinished;
    return issue->stopped || (nothing_left && !issue->lasts_until_stop);
}

static void say_sent(struct tkp_worker *w, struct tkp_issue *issue)
{
    issue->sent = true;
    tkp_flag_raise(&issue->phase->parts[w->index].sent);
    if (issue->phase->is_followed)
        tkp_workers_tell_main(w->workers);
}

/* Main may free the phase once it is told. */
static void finish_phase(struct tkp_worker *w, struct tkp_issue *issue)
{
    struct tkp_phase *phase = issue->phase;
    struct tkp_phase_part *part = &phase->parts[w->index];
    tkp_flag_lower(&phase->waiting[w->index]);
    tkp_block_flush(w->channel, w->now_ns, true);
    tkp_gauge_set(&part->loop_lag_p99_ns, (uint64_t)tkp_histogram_quantile(&issue->turns_ns, 0.99));
    tkp_gauge_set(&part->read_delay_p99_ns,
                  (uint64_t)tkp_histogram_quantile(&issue->delays_ns, 0.99));
    issue->phase = NULL;
    if (w->older == issue)
        w->older = NULL;
    tkp_flag_raise(&part->done);
    tkp_workers_tell_main(w->workers);
}

/* ---- in between ---- */

static bool may_issue(const struct tkp_worker *w, const struct tkp_issue *issue)
{
    return !issue->stopped && w->now_ns >= issue->phase->schedule.start_ns;
}

static void step(struct tkp_worker *w, struct tkp_issue *issue, bool woken)
{
    look_at_end(w, issue);
    tkp_start_run(w, issue, STARTS_A_TURN);
    if (woken)
        tkp_start_woken(w, issue);
    tkp_start_look_at_cap(w, issue);
    if (may_issue(w, issue) && issue->open_loop)
        tkp_start_due(w, issue, STARTS_A_TURN);
    else if (may_issue(w, issue) && issue->slots < issue->final_slots)
        tkp_start_lanes(w, issue);
    tkp_start_run(w, issue, STARTS_A_TURN);
    if (!issue->sent && is_sent(issue))
        say_sent(w, issue);
    if (issue->sent && !issue->slots)
        finish_phase(w, issue);
}

void tkp_issue_step(struct tkp_worker *w, bool woken)
{
    tkp_conversation_record_waiting(w);
    if (w->older)
        step(w, w->older, woken);
    if (w->issue->phase)
        step(w, w->issue, woken);
}

void tkp_issue_after_event(struct tkp_worker *w)
{
    struct tkp_issue *issue = w->issue;
    if (w->older && w->older->run.first)
        tkp_start_run(w, w->older, STARTS_AN_EVENT);
    if (issue->run.first)
        tkp_start_run(w, issue, STARTS_AN_EVENT);
    if (issue->phase && issue->open_loop && may_issue(w, issue) && !issue->waits_for_cap &&
        (!issue->has_pending || issue->pending.intended_ns <= w->now_ns))
        tkp_start_due(w, issue, STARTS_AN_EVENT);
}

/* ---- when to look again ---- */

static uint64_t earlier(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

static uint64_t next_start_ns(const struct tkp_worker *w, const struct tkp_issue *issue)
{
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
        (!issue->open_loop && !issue->exhausted && issue->slots < issue->final_slots))
        return issue->cap_change_ns;
    return TKP_NEVER_NS;
}

static uint64_t next_ns(const struct tkp_worker *w, const struct tkp_issue *issue)
{
    uint64_t at_ns = TKP_NEVER_NS;
    if (issue->run.first)
        return w->now_ns;
    if (!issue->stopped)
        at_ns = earlier(next_start_ns(w, issue), issue->stop_ns);
    return issue->cancelled ? at_ns : earlier(at_ns, issue->cancel_ns);
}

uint64_t tkp_issue_next_ns(const struct tkp_worker *w)
{
    uint64_t at_ns = w->issue->phase ? next_ns(w, w->issue) : TKP_NEVER_NS;
    if (w->older)
        at_ns = earlier(at_ns, next_ns(w, w->older));
    if (w->unrecorded.first)
        at_ns = earlier(at_ns, w->now_ns + RECORD_RETRY_NS);
    return at_ns;
}

/* The older phase has sent everything. */
uint64_t tkp_issue_next_send_ns(const struct tkp_worker *w)
{
    const struct tkp_issue *issue = w->issue;
    if (!issue->phase || issue->stopped)
        return TKP_NEVER_NS;
    if (w->now_ns < issue->phase->schedule.start_ns)
        return issue->phase->schedule.start_ns;
    bool is_timed = issue->has_pending && !issue->waits_for_cap && !issue->starved;
    return is_timed ? issue->pending.intended_ns : TKP_NEVER_NS;
}

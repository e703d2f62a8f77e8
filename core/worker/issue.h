/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a worker starts which conversation: closed loop by free slots, open loop by intended times
 * under a cap, and when a phase stops, is cancelled and is done. The worker's share of phase.h.
 */
#ifndef TKP_WORKER_ISSUE_H
#define TKP_WORKER_ISSUE_H

#include <load/phase.h>
#include <worker/slot.h>

struct tkp_worker;

struct tkp_issue {
    struct tkp_phase *phase; /* NULL between phases */
    uint32_t phase_number;   /* counts phases, from 1 */
    struct tkp_schedule_cursor cursor;
    uint64_t stop_ns, cancel_ns;
    bool open_loop, exhausted, stopped, cancelled;

    /* closed loop */
    uint64_t lanes, final_lanes; /* slots that run, and how many will at the full cap */
    bool more_lanes;             /* are to be opened now, after a look at events */

    /* a cap that grows */
    uint64_t cap_since_ns;  /* when it last grew */
    uint64_t cap_change_ns; /* when it grows next */

    /* open loop */
    struct tkp_arrival_event pending; /* the next conversation, when has_pending */
    bool has_pending;
    bool waits_for_cap;  /* until a wake-up, a release or a growing cap */
    bool pending_waited; /* the cap held it back */
    bool starved;        /* no memory for a slot: looks again after a millisecond */

    struct tkp_slot_queue run;        /* slots whose next step is due */
    struct tkp_slot_queue unrecorded; /* in the order in which their requests ended */
};

void tkp_issue_begin_phase(struct tkp_worker *w, struct tkp_phase *phase);
/* Looks at flags and times and does what is due; of a burst a part, so that events are looked at in
 * between. `woken`: another thread asked for it. */
void tkp_issue_step(struct tkp_worker *w, bool woken);
/* Runs what the event just handled made due, and little more; cheap when that is nothing. */
void tkp_issue_after_event(struct tkp_worker *w);
/* When tkp_issue_step() has something to do without an event. */
uint64_t tkp_issue_next_ns(const struct tkp_worker *w);
/* When the schedule's next conversation is to start, where that is a time; else TKP_NEVER_NS. */
uint64_t tkp_issue_next_send_ns(const struct tkp_worker *w);
/* Whether no request may be started any more at a time. */
bool tkp_issue_is_over(const struct tkp_worker *w, uint64_t at_ns);
/* The slot's conversation is over and recorded; it became free at freed_ns. */
void tkp_issue_slot_freed(struct tkp_worker *w, struct tkp_slot *slot, uint64_t freed_ns);

#endif

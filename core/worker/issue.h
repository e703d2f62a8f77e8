/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's share of its phases: when each stops, is sent, is cancelled and is done. What it
 * starts in between, and when, is start.h. At most two phases are there at a time: the newest, and
 * the one before it while its last requests are in flight. Nothing of the one is known to the other
 * but the slots that are free.
 */
#ifndef TKP_WORKER_ISSUE_H
#define TKP_WORKER_ISSUE_H

#include <base/histogram.h>
#include <load/phase.h>
#include <worker/slot.h>

struct tkp_worker;

struct tkp_issue {
    struct tkp_phase *phase; /* NULL once it is done */
    uint8_t index;           /* of itself: struct tkp_slot's `issue` */
    uint32_t phase_number;   /* counts phases, from 1 */
    struct tkp_schedule_cursor cursor;
    uint64_t stop_ns, cancel_ns;
    bool open_loop, exhausted, stopped, cancelled;
    bool lasts_until_stop; /* is not sent before its duration is over, whatever is left to send */
    bool sent;
    uint64_t slots;      /* that work in it */
    uint64_t unfinished; /* conversations of which a turn is still to be sent */

    /* closed loop */
    uint64_t final_slots; /* how many will work in it at the full cap */
    bool more_lanes;      /* are to be opened now, after a look at events */

    /* a cap that grows */
    uint64_t cap_change_ns; /* when it grows next */

    /* open loop */
    struct tkp_arrival_event pending; /* the next conversation, when has_pending */
    bool has_pending;
    bool waits_for_cap;  /* until a wake-up, a release or a growing cap */
    bool pending_waited; /* the cap held it back */
    bool starved;        /* no memory for a slot: looks again after a millisecond */

    struct tkp_slot_queue run; /* slots whose next step is due */

    struct tkp_histogram turns_ns;  /* of the event loop, from wait to wait */
    struct tkp_histogram delays_ns; /* of the reads, from arrival to the read */
};

void tkp_issue_init(struct tkp_worker *w);
void tkp_issue_finish(struct tkp_worker *w); /* accepts a zeroed one */
/* The phase before is sent by all workers, the one before that is done. */
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

/* Whether the phase has been told to end, by the flags or by its time. */
bool tkp_issue_is_told_to_stop(const struct tkp_issue *issue);
/* Whether no request of the phase may be started any more at a time. */
bool tkp_issue_is_over(const struct tkp_issue *issue, uint64_t at_ns);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the workers of one phase share: the next ordinal, the number in flight, the flags that end
 * it, and who waits for the cap; and what each of them says of its part in it. Everything else is
 * private to a worker. One writer per member unless its type says otherwise (base/atomic.h).
 */
#ifndef TKP_LOAD_PHASE_H
#define TKP_LOAD_PHASE_H

#include <base/atomic.h>
#include <load/schedule.h>

enum { TKP_PHASE_MAX_WORKERS = 256 };

/* A worker's part in a phase: written by the worker, read by any, on cache lines of its own. */
struct tkp_phase_part {
    _Alignas(64) struct tkp_flag sent; /* nothing of the phase is to be sent by it any more */
    struct tkp_flag done; /* all its requests are over, their rows handed over; its last word */
    struct tkp_gauge unsent_turns;    /* of conversations that ended early by a failed turn */
    struct tkp_gauge slots_unused;    /* conversations that never got a slot */
    struct tkp_gauge record_waits_ns; /* time that finished requests waited for a block */
    struct tkp_gauge record_wait_count;
    struct tkp_gauge loop_lag_p99_ns;    /* of the turns of its event loop; set when it is done */
    struct tkp_gauge read_delay_p99_ns;  /* kernel clock: of the reads; set when it is done */
    struct tkp_gauge unstamped_reads;    /* reads without a stamp of the kernel clock */
    struct tkp_gauge plugin_call_max_ns; /* longest call into the endpoint plugin */
    uint64_t cpu_ns;                     /* of its thread when the phase began; the controller's */
};

struct tkp_phase {
    struct tkp_schedule schedule;
    bool is_followed; /* the next phase begins once this one is sent: workers see early when */
    struct tkp_ticket next_ordinal;
    struct tkp_slots in_flight;                     /* conversations */
    struct tkp_flag stop;                           /* issue nothing more */
    struct tkp_flag cancel;                         /* end what is in flight now */
    struct tkp_flag waiting[TKP_PHASE_MAX_WORKERS]; /* worker i waits for the cap */
    uint32_t workers;
    struct tkp_phase_part parts[TKP_PHASE_MAX_WORKERS];
};

void tkp_phase_init(struct tkp_phase *phase, const struct tkp_schedule *schedule, uint32_t workers);
/* Whether every worker has sent all that it had to, or finished it and handed its rows over. */
bool tkp_phase_is_sent(const struct tkp_phase *phase);
bool tkp_phase_is_done(const struct tkp_phase *phase);
/* Takes a slot under the cap, or registers the worker as waiting and returns false. Looks again
 * after registering, so that a release in between is not lost. */
bool tkp_phase_take_slot(struct tkp_phase *phase, uint32_t worker, uint64_t cap);
/* Gives a slot back; returns a worker to wake (its waiting flag lowered), or -1. */
int32_t tkp_phase_release_slot(struct tkp_phase *phase, uint32_t worker);

#endif

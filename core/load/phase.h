/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the workers of one phase share: the next ordinal, the number in flight, the flags that end
 * it, and who waits for the cap. Everything else is private to a worker. One writer per member
 * unless its type says otherwise (base/atomic.h).
 */
#ifndef TKP_LOAD_PHASE_H
#define TKP_LOAD_PHASE_H

#include <base/atomic.h>
#include <load/schedule.h>

enum { TKP_PHASE_MAX_WORKERS = 256 };

struct tkp_phase {
    struct tkp_schedule schedule;
    struct tkp_ticket next_ordinal;
    struct tkp_slots in_flight;                     /* conversations */
    struct tkp_flag stop;                           /* issue nothing more */
    struct tkp_flag cancel;                         /* end what is in flight now */
    struct tkp_flag waiting[TKP_PHASE_MAX_WORKERS]; /* worker i waits for the cap */
    uint32_t workers;
};

void tkp_phase_init(struct tkp_phase *phase, const struct tkp_schedule *schedule, uint32_t workers);
/* Takes a slot under the cap, or registers the worker as waiting and returns false. Looks again
 * after registering, so that a release in between is not lost. */
bool tkp_phase_take_slot(struct tkp_phase *phase, uint32_t worker, uint64_t cap);
/* Gives a slot back; returns a worker to wake (its waiting flag lowered), or -1. */
int32_t tkp_phase_release_slot(struct tkp_phase *phase, uint32_t worker);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a worker starts which conversation of a phase: closed loop by free slots, open loop by
 * intended times under a cap. [worker]
 */
#ifndef TKP_WORKER_START_H
#define TKP_WORKER_START_H

#include <worker/issue.h>

/* Closed loop: opens lanes up to the worker's share of the cap, a part of them at a time. */
void tkp_start_lanes(struct tkp_worker *w, struct tkp_issue *issue);
/* Open loop: sends what is due and may go, up to a number; what is left stays pending. */
void tkp_start_due(struct tkp_worker *w, struct tkp_issue *issue, int most);
/* Goes on with up to `most` slots whose next step is due. */
void tkp_start_run(struct tkp_worker *w, struct tkp_issue *issue, int most);
/* Another thread woke this worker, maybe for a slot under the cap, or for the end of the budget. */
void tkp_start_woken(struct tkp_worker *w, struct tkp_issue *issue);
/* Notes that the cap has grown, which ends waiting for it. */
void tkp_start_look_at_cap(struct tkp_worker *w, struct tkp_issue *issue);
/* Counts conversations whose time came without a slot for them; nothing is sent after it. */
void tkp_start_count_unused(struct tkp_worker *w, struct tkp_issue *issue);
/* The slot's conversation is over and recorded; it became free at freed_ns. */
void tkp_start_slot_freed(struct tkp_worker *w, struct tkp_slot *slot, uint64_t freed_ns);

#endif

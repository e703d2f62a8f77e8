/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request of several exchanges: where the endpoint plugin's finish() asks for a follow-up, the
 * request goes on after a delay with another exchange (a job that is polled). One row has them all:
 * it keeps the stamps of the first, adds the bytes up and ends with the last. [worker]
 */
#ifndef TKP_WORKER_FOLLOW_UP_H
#define TKP_WORKER_FOLLOW_UP_H

#include <worker/thread.h>

enum { TKP_FOLLOW_UPS_MAX = 100000 }; /* of a request */

/* An exchange is over: whether another one follows. Then it is planned, and slot->connect_again_ns
 * says for when. */
bool tkp_follow_up_plan(struct tkp_worker *w, struct tkp_slot *slot);
/* Whether the slot waits for its follow-up's time. */
bool tkp_follow_up_waits(const struct tkp_slot *slot);
/* The time has come: sets what to send. */
void tkp_follow_up_begin(struct tkp_slot *slot);
/* The request is over: the row gets its stamps back. Nothing to do without follow-ups. */
void tkp_follow_up_finish(struct tkp_worker *w, struct tkp_slot *slot);

#endif

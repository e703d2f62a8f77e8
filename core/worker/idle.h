/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections between two requests. Nothing is expected on them but tickets of TLS: else the server
 * closes the connection, or is confused, and no request may go out on it or take for its answer
 * what lies there. Of the worker's thread.
 */
#ifndef TKP_WORKER_IDLE_H
#define TKP_WORKER_IDLE_H

#include <worker/thread.h>

/* Takes notice of what came on an idle or kept connection, which is closed for it; ended: the
 * server has ended it. */
void tkp_idle_look(struct tkp_worker *w, struct tkp_connection *c, bool ended);
/* The connection that was kept for the slot, or an idle one to its target; NULL: there is none that
 * may be used. */
struct tkp_connection *tkp_idle_take(struct tkp_worker *w, struct tkp_slot *slot);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a connected socket to one that speaks TLS, for the request that waits for it. The connect
 * deadline covers it. [worker]
 */
#ifndef TKP_WORKER_HANDSHAKE_H
#define TKP_WORKER_HANDSHAKE_H

#include <worker/thread.h>

/* The slot's connection stands: begins the handshake. */
void tkp_handshake_begin(struct tkp_worker *w, struct tkp_slot *slot);
/* A connection in its handshake has events; ended: the peer has closed or reset it. */
void tkp_handshake_go_on(struct tkp_worker *w, struct tkp_connection *connection, bool ended);

#endif

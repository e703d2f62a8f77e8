/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request from the moment its slot takes it up to its outcome: connecting, sending, deadlines,
 * the one retry (request.c), reading the answer (receive.c; answer.h says what it means). Each ends
 * with tkp_conversation_request_ended(). [worker]
 */
#ifndef TKP_WORKER_REQUEST_H
#define TKP_WORKER_REQUEST_H

#include <worker/thread.h>

/* Takes up the slot's turn: intended_ns and ready_ns are set. */
void tkp_request_start(struct tkp_worker *w, struct tkp_slot *slot);
/* A connection has events. */
void tkp_request_ready(struct tkp_worker *w, struct tkp_connection *connection, uint32_t events);
/* The timer of an ACTIVE slot came. */
void tkp_request_timer(struct tkp_worker *w, struct tkp_slot *slot);
void tkp_request_cancel(struct tkp_worker *w, struct tkp_slot *slot);

/* Between request.c and receive.c. */
/* Reads what is there; to_end: the peer has ended, read until that is seen. */
void tkp_request_receive(struct tkp_worker *w, struct tkp_connection *connection, bool to_end);
/* Sets the timer to the next deadline. */
void tkp_request_arm(struct tkp_worker *w, struct tkp_slot *slot);
/* Sends the request again on a new connection. */
void tkp_request_retry(struct tkp_worker *w, struct tkp_slot *slot);
/* Between request.c and handshake.c. */
/* The connection can carry the request: sends it. */
void tkp_request_connected(struct tkp_worker *w, struct tkp_slot *slot);
/* Between request.c and the libcurl transport, too. */
/* Why there is no connection becomes the row's outcome; reason: an errno. */
void tkp_request_set_connect_error(struct tkp_worker *w, struct tkp_slot *slot, int reason);
/* A UNIX socket's backlog is full: has it tried again in a while. */
void tkp_request_wait_for_backlog(struct tkp_worker *w, struct tkp_slot *slot);
/* The row has its outcome: there is no connection for it. */
void tkp_request_fail_connect(struct tkp_worker *w, struct tkp_slot *slot);

/* The conversation is over: closes the connection that was kept for its next turn, if any. */
void tkp_request_drop_kept(struct tkp_worker *w, struct tkp_slot *slot);
/* The row has its outcome: lets go of everything. keep: the connection can be used again. */
void tkp_request_end(struct tkp_worker *w, struct tkp_slot *slot, bool keep);

#endif

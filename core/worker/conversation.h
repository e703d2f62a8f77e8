/* SPDX-License-Identifier: Apache-2.0 */
/* What happens between the requests of a slot: recording, the next turn, the end. [worker] */
#ifndef TKP_WORKER_CONVERSATION_H
#define TKP_WORKER_CONVERSATION_H

#include <worker/thread.h>

/* Starts a conversation on a slot that is taken. */
void tkp_conversation_begin(struct tkp_worker *w, struct tkp_slot *slot,
                            const struct tkp_arrival_event *event, uint64_t intended_ns,
                            uint64_t ready_ns);
/* The request in the slot's row is over. */
void tkp_conversation_request_ended(struct tkp_worker *w, struct tkp_slot *slot);
/* Sends the next turn, which is due. */
void tkp_conversation_next_turn(struct tkp_worker *w, struct tkp_slot *slot);
/* The timer of a slot that is not ACTIVE came. */
void tkp_conversation_timer(struct tkp_worker *w, struct tkp_slot *slot);
/* Ends whatever the slot does; a request in flight becomes `cancelled`. */
void tkp_conversation_cancel(struct tkp_worker *w, struct tkp_slot *slot);
/* Hands over finished requests that found no block before. */
void tkp_conversation_record_waiting(struct tkp_worker *w);
/* Finds what to send for the slot's turn; false: the row has its outcome. */
bool tkp_conversation_render(struct tkp_worker *w, struct tkp_slot *slot);

#endif

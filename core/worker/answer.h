/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer means, whichever transport brings it: its head, the bytes of its body, its end or
 * the loss of its connection become the row's outcome. Reads no socket and ends no request. The
 * transport sets slot->http (status, content) before the head and slot->arrival_ns before each call
 * that takes bytes. [worker]
 */
#ifndef TKP_WORKER_ANSWER_H
#define TKP_WORKER_ANSWER_H

#include <worker/thread.h>

static inline bool tkp_answer_is_success(const struct tkp_slot *slot)
{
    return slot->http.status >= 200 && slot->http.status < 300;
}

/* One clock read after each read that the plugin saw, since now_ns: the longest stretch of parsing.
 */
static inline void tkp_answer_note_time(struct tkp_worker *w, const struct tkp_slot *slot)
{
    uint64_t spent_ns = tkp_clock_now_ns() - w->now_ns;
    struct tkp_gauge *longest_ns = &tkp_part_of(w, slot)->plugin_call_max_ns;
    if (spent_ns > tkp_gauge_get(longest_ns))
        tkp_gauge_set(longest_ns, spent_ns);
}

/* The head is complete. */
void tkp_answer_begin(struct tkp_worker *w, struct tkp_slot *slot);
/* The next bytes of the body, without its transfer coding; they are written to. */
void tkp_answer_take(struct tkp_worker *w, struct tkp_slot *slot, char *data, size_t len);
/* The body is complete by its framing. */
void tkp_answer_end(struct tkp_worker *w, struct tkp_slot *slot);
/* The connection ended while bytes of an answer were there; where: of its head or body. reset: by
 * an error or, over TLS, without a goodbye, not by a close. */
void tkp_answer_lose(struct tkp_worker *w, struct tkp_slot *slot, enum tkp_http_end where,
                     bool reset);
/* The bytes are not HTTP; error: one sentence without its end. */
void tkp_answer_refuse(struct tkp_slot *slot, const char *error);
/* Takes message and type of an http_error, if it is one, from what was read of its body. */
void tkp_answer_read_error(struct tkp_slot *slot);

#endif

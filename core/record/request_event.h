/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be known of a request before its row is there: that it was sent, that its first token
 * came. For those who watch the run while it goes: no result is made of it, and the record log
 * never holds it. A request has at most one of each kind.
 */
#ifndef TKP_RECORD_REQUEST_EVENT_H
#define TKP_RECORD_REQUEST_EVENT_H

#include <stdint.h>

enum tkp_request_event_kind { TKP_REQUEST_ISSUED = 1, TKP_REQUEST_FIRST_TOKEN };

/* Ids and times are those of the request's row; times are monotonic ns. */
struct tkp_request_event {
    uint64_t ordinal, draw;
    uint64_t time_ns;     /* start_ns; first_token_ns */
    uint64_t intended_ns; /* ISSUED only, else 0 */
    uint32_t kind;        /* enum tkp_request_event_kind */
    uint32_t phase, worker, url_index, turn_index;
    uint32_t reserved; /* 0 */
};
_Static_assert(sizeof(struct tkp_request_event) == 56, "no padding");

#endif

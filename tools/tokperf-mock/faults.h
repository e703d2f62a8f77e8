/* SPDX-License-Identifier: Apache-2.0 */
/* The faults that the server can inject, and which one a request gets. */
#ifndef TKP_MOCK_FAULTS_H
#define TKP_MOCK_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

/* X(enumerator, name in the flag and the counter, help) */
#define TKP_MOCK_FAULTS(X)                                                                       \
    X(CLOSE_IDLE, "close-idle",                                                                  \
      "a kept connection is closed or reset when its next request arrives, before any byte")     \
    X(HTTP_429, "429", "the request is answered with status 429 and Retry-After")                \
    X(HTTP_500, "500", "the request is answered with status 500")                                \
    X(HTTP_503, "503", "the request is answered with status 503")                                \
    X(HALF_HEADERS, "half-headers", "the connection ends inside of the response's headers")      \
    X(STREAM_ERROR, "stream-error", "an error object inside of a 200 response")                  \
    X(TRUNCATE, "truncate", "a stream ends half-way, cleanly, without finish_reason and [DONE]") \
    X(RESET, "reset", "the connection is reset in the middle of the body")                       \
    X(STALL, "stall", "the body stops in the middle for ever, the connection stays open")        \
    X(EMPTY, "empty", "a complete 200 response without any content")                             \
    X(SHORT_LENGTH, "short-length", "the body ends before its Content-Length")                   \
    X(BAD_JSON, "bad-json", "one event of a stream, or the whole body, is cut JSON")             \
    X(NOT_STREAMED, "not-streamed", "a request for a stream gets one plain JSON answer")

#define TKP_MOCK_FAULT_ENUM(id, name, help) TKP_MOCK_FAULT_##id,
enum tkp_mock_fault { TKP_MOCK_FAULTS(TKP_MOCK_FAULT_ENUM) TKP_MOCK_FAULT_NONE };
#undef TKP_MOCK_FAULT_ENUM

enum { TKP_MOCK_FAULT_COUNT = TKP_MOCK_FAULT_NONE };

/* What decides if a fault can happen to a request. */
struct tkp_mock_fault_case {
    uint64_t seed;
    uint64_t number; /* of the request, counted over the server's life */
    bool streamed;   /* the request asks for a stream */
    bool reused;     /* its connection has carried an answer before */
};

/* The first kind in the table's order whose own draw is below its rate. */
enum tkp_mock_fault tkp_mock_fault_pick(const double rates[TKP_MOCK_FAULT_COUNT],
                                        const struct tkp_mock_fault_case *which);
/* True when the response ends before its announced end. */
bool tkp_mock_fault_cuts_body(enum tkp_mock_fault fault);
/* True when a client may take the answer for a good one. */
bool tkp_mock_fault_is_harmless(enum tkp_mock_fault fault);

#endif

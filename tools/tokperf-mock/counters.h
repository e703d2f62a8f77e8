/* SPDX-License-Identifier: Apache-2.0 */
/* Exact counters, one set per event loop with that loop as the only writer, and their Prometheus
 * text. Any thread may read any set. */
#ifndef TKP_MOCK_COUNTERS_H
#define TKP_MOCK_COUNTERS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "faults.h"

/* X(enumerator, name without prefix, label or "", type, help). Rows of one name stand together. */
#define TKP_MOCK_COUNTERS(X)                                                                     \
    X(REQUESTS_CHAT, "requests_total", "route=\"chat\"", "counter",                              \
      "Requests received completely")                                                            \
    X(REQUESTS_COMPLETIONS, "requests_total", "route=\"completions\"", "counter", "")            \
    X(REQUESTS_EMBEDDINGS, "requests_total", "route=\"embeddings\"", "counter", "")              \
    X(REQUESTS_OLLAMA, "requests_total", "route=\"ollama\"", "counter", "")                      \
    X(REQUESTS_TGI, "requests_total", "route=\"tgi\"", "counter", "")                            \
    X(REQUESTS_MODELS, "requests_total", "route=\"models\"", "counter", "")                      \
    X(REQUESTS_HEALTH, "requests_total", "route=\"health\"", "counter", "")                      \
    X(REQUESTS_CONTROL, "requests_total", "route=\"control\"", "counter", "")                    \
    X(REQUESTS_METRICS, "requests_total", "route=\"metrics\"", "counter", "")                    \
    X(REQUESTS_OTHER, "requests_total", "route=\"other\"", "counter", "")                        \
    X(COMPLETED_CHAT, "completed_total", "route=\"chat\"", "counter",                            \
      "Whole 200 answers without a fault that a client must notice")                             \
    X(COMPLETED_COMPLETIONS, "completed_total", "route=\"completions\"", "counter", "")          \
    X(COMPLETED_EMBEDDINGS, "completed_total", "route=\"embeddings\"", "counter", "")            \
    X(COMPLETED_OLLAMA, "completed_total", "route=\"ollama\"", "counter", "")                    \
    X(COMPLETED_TGI, "completed_total", "route=\"tgi\"", "counter", "")                          \
    X(STREAMED, "streamed_requests_total", "", "counter",                                        \
      "Inference requests that asked for a stream")                                              \
    X(ANSWERS_2XX, "responses_total", "code=\"2xx\"", "counter", "Response heads by class")      \
    X(ANSWERS_4XX, "responses_total", "code=\"4xx\"", "counter", "")                             \
    X(ANSWERS_5XX, "responses_total", "code=\"5xx\"", "counter", "")                             \
    X(PROMPT_TOKENS, "prompt_tokens_total", "", "counter", "Words in the requests' prompts")     \
    X(OUTPUT_TOKENS, "output_tokens_total", "", "counter",                                       \
      "Tokens of all kinds handed to the kernel")                                                \
    X(CHUNKS, "content_chunks_total", "", "counter", "Chunks with content handed to the kernel") \
    X(ACCEPTED, "connections_accepted_total", "", "counter", "Connections accepted")             \
    X(REFUSED, "connections_refused_total", "", "counter",                                       \
      "Connections closed at once for lack of descriptors or memory")                            \
    X(CONNECTIONS, "connections_open", "", "gauge", "Connections open now")                      \
    X(STREAMS, "streams_open", "", "gauge", "Streams in progress now")                           \
    X(DISCONNECTS, "client_disconnects_total", "", "counter",                                    \
      "Connections that the client ended inside of a request or an answer")

#define TKP_MOCK_COUNTER_ENUM(id, name, label, type, help) TKP_MOCK_COUNTER_##id,
enum tkp_mock_counter { TKP_MOCK_COUNTERS(TKP_MOCK_COUNTER_ENUM) TKP_MOCK_COUNTER_COUNT };
#undef TKP_MOCK_COUNTER_ENUM

enum { TKP_MOCK_LATENESS_BUCKETS = 14 }; /* the last one is without bound */

struct tkp_mock_counters {
    _Atomic uint64_t values[TKP_MOCK_COUNTER_COUNT];
    _Atomic uint64_t faults[TKP_MOCK_FAULT_COUNT];
    _Atomic uint64_t lateness[TKP_MOCK_LATENESS_BUCKETS];
    _Atomic uint64_t lateness_sum_ns;
};

/* The loop that owns the set. delta may be negative for gauges and for taking a count back. */
void tkp_mock_counters_add(struct tkp_mock_counters *counters, enum tkp_mock_counter which,
                           int64_t delta);
void tkp_mock_counters_fault(struct tkp_mock_counters *counters, enum tkp_mock_fault fault);
/* One content chunk left late_ns after its intended time. */
void tkp_mock_counters_lateness(struct tkp_mock_counters *counters, uint64_t late_ns);

/* Appends the sum of `count` sets as Prometheus text (exposition format 0.0.4). */
void tkp_mock_counters_render(struct tkp_mock_counters *const *sets, size_t count,
                              struct tkp_mock_buffer *out);

#endif

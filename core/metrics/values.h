/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every per-request number, computed from a finished request by the formulas of docs/metrics.md.
 * Pure. [any]
 */
#ifndef TKP_METRICS_VALUES_H
#define TKP_METRICS_VALUES_H

#include <config/plan.h>
#include <metrics/token_source.h>
#include <record/row.h>

/* What the formulas need to know about the run. */
struct tkp_metric_context {
    bool streaming;       /* streaming was asked for */
    bool produces_tokens; /* the endpoint's output has tokens */
    bool tokenizes_input; /* the endpoint's input has tokens */
    bool per_chunk_usage; /* --per-chunk-usage */
    bool http_trace;      /* --export-http-trace */
    enum tkp_token_source isl_source, osl_source;
    const struct tkp_slo *slos; /* checked by tkp_slos_check (slo.h) */
    uint32_t slo_count;
};

/* One value per per-request metric of the table, in base units (ns, tokens, ...; rates per second).
 */
struct tkp_values {
    double value[TKP_METRIC_COUNT];
    bool has[TKP_METRIC_COUNT];
};

/* Values of an ok request; for any other outcome nothing is set but when it started against when it
 * should have (credit_to_start_latency, cap_wait, client_lag). inter_chunk_latency is a list and
 * not among them: see tkp_chunk_gaps. */
void tkp_values_compute(const struct tkp_metric_context *context, const struct tkp_row *row,
                        struct tkp_values *values);

/* Of these the waits, latencies, token counts and latencies per token alone. */
void tkp_values_compute_latencies(const struct tkp_metric_context *context,
                                  const struct tkp_row *row, struct tkp_values *values);

/* How many metrics tkp_values_compute may set: those of an HTTP trace only where there is one. */
static inline uint32_t tkp_values_count(const struct tkp_metric_context *context)
{
    return context->http_trace ? (uint32_t)TKP_METRIC_COUNT : (uint32_t)TKP_METRIC_HTTP_FIRST;
}

/* How many arrival times a row's chunk_ns has: all of its chunks', the first 16 M of them, or none
 * when chunk_ns is NULL. */
uint32_t tkp_chunk_times(const struct tkp_row *row, const uint64_t *chunk_ns);
/* Gaps between neighbouring content chunks, ns; gaps of coalesced chunks (same stamp) are left out.
 * Writes at most capacity gaps, returns how many there are. */
uint32_t tkp_chunk_gaps(const struct tkp_row *row, const uint64_t *chunk_ns, double *gaps,
                        uint32_t capacity);

/* Whether an ok row lacks a token count that its context's sources promise. */
bool tkp_values_lack_tokens(const struct tkp_metric_context *context, const struct tkp_row *row);
/* Token counts of a row of any outcome by the context's sources; -1 where unknown. */
int64_t tkp_input_tokens(const struct tkp_metric_context *context, const struct tkp_row *row);
int64_t tkp_output_tokens(const struct tkp_metric_context *context, const struct tkp_row *row);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every per-request number, computed from a finished request by the formulas of docs/metrics.md.
 * Pure. [any]
 */
#ifndef TKP_METRICS_VALUES_H
#define TKP_METRICS_VALUES_H

#include <metrics/table.h>
#include <record/row.h>

/* What the formulas need to know about the run. */
struct tkp_metric_context {
    bool streaming;       /* streaming was asked for */
    bool produces_tokens; /* the endpoint's output has tokens */
    bool tokenizes_input; /* the endpoint's input has tokens */
    bool per_chunk_usage; /* --per-chunk-usage */
    enum tkp_token_source isl_source, osl_source;
    const struct tkp_slo *slos; /* config/plan.h */
    uint32_t slo_count;
};

/* One value per metric of the table, in base units (ns, tokens, bytes, ...; rates per second). */
struct tkp_values {
    double value[TKP_METRIC_COUNT];
    bool has[TKP_METRIC_COUNT];
};

/* Values of an ok request; for any other outcome nothing is set but what metrics.md says holds for
 * all attempts. inter_chunk_latency is a list and not among them: see tkp_chunk_gaps. */
void tkp_values_compute(const struct tkp_metric_context *context, const struct tkp_row *row,
                        struct tkp_values *values);

/* Gaps between neighbouring content chunks, ns; gaps of coalesced chunks (same stamp) are left out.
 * Writes at most capacity gaps, returns how many there are. */
uint32_t tkp_chunk_gaps(const struct tkp_row *row, const uint64_t *chunk_ns, double *gaps,
                        uint32_t capacity);

#endif

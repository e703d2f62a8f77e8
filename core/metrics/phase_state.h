/* SPDX-License-Identifier: Apache-2.0 */
/* What a phase's metrics keep while rows are read. Private to phase_*.c and adjusted.c. */
#ifndef TKP_METRICS_PHASE_STATE_H
#define TKP_METRICS_PHASE_STATE_H

#include <base/histogram.h>
#include <metrics/distinct.h>
#include <metrics/phase_metrics.h>
#include <metrics/series.h>
#include <metrics/steady.h>
#include <metrics/sweep.h>
#include <metrics/tally.h>

/* Sums over rows, from the first reading. */
struct tkp_phase_counts {
    uint64_t ok, errors, cancelled, client_errors, retries;
    uint64_t retry_after, retry_after_max_s;
    uint64_t not_streamed, no_token_count, tokens_pending;
    uint64_t osl_checked, osl_mismatched;
    uint64_t usage_compared, usage_differs;         /* server's counts against the tokenizer's */
    uint64_t server_completion, counted_completion; /* tokens, of requests that have both */
    uint64_t chunks, coalesced_chunks;
    uint64_t gap_requests; /* ok requests with inter-chunk gaps */
    uint64_t prompts_sent;
    uint64_t cached_tokens, prompt_tokens; /* server's */
    uint64_t good, slo_missing;
    uint64_t arrivals; /* first turns */
    uint64_t cap_wait_max_ns;
};

/* First and last of something; first is UINT64_MAX while there is none. */
struct tkp_phase_span {
    uint64_t first_ns, last_ns;
};

struct tkp_phase_metrics {
    const struct tkp_metric_context *context;
    struct tkp_phase_plan plan;
    uint32_t pass;
    bool reading; /* rows were added since the last pass ended */
    bool failed;  /* no memory */
    struct tkp_phase_counts counts;
    struct tkp_phase_span all, ok;                 /* first start, last end */
    struct tkp_phase_span intended, arrived_start; /* of first turns */
    struct tkp_series series[TKP_METRIC_COUNT];
    struct tkp_series steady[TKP_STEADY_COUNT];
    uint32_t wanted[TKP_METRIC_COUNT]; /* later readings: the series that want values */
    uint32_t wanted_count;
    bool wants_gaps, wants_steady;
    struct tkp_sweep sweeps[TKP_SWEEP_COUNT];
    struct tkp_steady window;
    uint64_t not_sent; /* conversations that were due and never sent */
    uint64_t steady_ok, steady_input_tokens, steady_output_tokens; /* second reading */
    struct tkp_tally tally;
    struct tkp_distinct prompts;
    struct tkp_histogram later_lag_ns; /* closed loop: client_lag but for each slot's first request,
                                          which all begin at once */
    double *gaps;                      /* of one row */
    uint32_t gap_capacity;
    const struct tkp_phase_metrics *const *parts; /* of the sum of several; else NULL */
    uint32_t part_count;
};

/* phase_total.c: how long the phase went on, by its ok requests and by all of them. */
uint64_t tkp_phase_ok_ns(const struct tkp_phase_metrics *metrics);
uint64_t tkp_phase_all_ns(const struct tkp_phase_metrics *metrics);

/* phase_run.c: run metrics in base units. */
struct tkp_run_values {
    double value[TKP_RUN_METRIC_COUNT];
    bool has[TKP_RUN_METRIC_COUNT];
};
void tkp_phase_run_values(const struct tkp_phase_metrics *metrics, struct tkp_run_values *values);
void tkp_phase_fill_facts(const struct tkp_phase_metrics *metrics, struct tkp_phase_facts *facts);

/* Length of a span; 0 when it is empty. */
static inline uint64_t tkp_phase_span_ns(const struct tkp_phase_span *span)
{
    return span->last_ns > span->first_ns ? span->last_ns - span->first_ns : 0;
}

#endif

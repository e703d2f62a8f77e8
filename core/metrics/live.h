/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live figures while a run goes: counts and histograms with one writer, the recorder thread, which
 * publishes a consistent copy at each tick. Readers take the last copy under a mutex that the
 * workers never touch.
 */
#ifndef TKP_METRICS_LIVE_H
#define TKP_METRICS_LIVE_H

#include <metrics/values.h>

struct tkp_live_figures {
    uint64_t at_ns; /* when it was published */
    uint32_t phase;
    uint64_t ok, errors, cancelled; /* of this phase */
    uint64_t errors_by_outcome[TKP_OUTCOME_COUNT];
    double requests_per_s, output_tokens_per_s; /* over the last few seconds */
    /* Percentiles from histograms (<= 0.1 %), ns; NaN when there is none. */
    double ttft_p50_ns, ttft_p99_ns, itl_p50_ns, itl_p99_ns, latency_p50_ns, latency_p99_ns;
};

/* Those of a phase of which no request has ended. */
struct tkp_live_figures tkp_live_nothing(uint32_t phase);

struct tkp_live;
struct tkp_live *tkp_live_create(const struct tkp_metric_context *context);
void tkp_live_destroy(struct tkp_live *live);
/* [recorder] A row of a later phase starts the figures anew; rows of earlier ones no longer count.
 */
void tkp_live_row(struct tkp_live *live, const struct tkp_row *row, const uint64_t *chunk_ns,
                  uint32_t chunk_count);
void tkp_live_tick(struct tkp_live *live, uint64_t now_ns);
/* [any cold thread] */
void tkp_live_read(struct tkp_live *live, struct tkp_live_figures *figures);

#endif

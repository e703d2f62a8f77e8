/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All metrics of one phase, exact, from its rows read several times: the first reading builds
 * histograms, moments and counts; the next ones pick the order statistics that percentiles need
 * (selection.h) and follow the load over time (sweep.h). Two readings do for up to 65,536 requests,
 * and at most a few more for any number. Memory is bounded whatever the number of requests: about
 * 0.5 MiB per metric at the most, 4 MiB per time sweep, 8 MiB for distinct prompts. [main]
 *
 *     do
 *         for each row of the phase: tkp_phase_metrics_add(metrics, row, chunk_ns);
 *     while (tkp_phase_metrics_next_pass(metrics));
 *     tkp_phase_metrics_result(metrics, ...);
 */
#ifndef TKP_METRICS_PHASE_METRICS_H
#define TKP_METRICS_PHASE_METRICS_H

#include <base/arena.h>
#include <config/plan.h>
#include <metrics/values.h>
#include <metrics/verdict.h>
#include <tokperf/exporter.h>

struct tkp_phase_metrics;

/* The context is borrowed; its token sources may be chosen as late as the first ok row. */
tokperf_status tkp_phase_metrics_create(const struct tkp_metric_context *context,
                                        const struct tkp_phase_plan *phase,
                                        struct tkp_phase_metrics **metrics,
                                        struct tokperf_error *error) TOKPERF_MUST_USE;
/* Before the first row: these are the metrics of several phases together, and get the rows of each.
 * Durations are the time in which one of the parts went on; what describes one load (rates offered
 * and achieved, the steady window, requests in flight over time) is left out. parts: borrowed. */
void tkp_phase_metrics_make_total(struct tkp_phase_metrics *metrics,
                                  const struct tkp_phase_metrics *const *parts, uint32_t count);
void tkp_phase_metrics_destroy(struct tkp_phase_metrics *metrics);
/* One row of the phase; the same rows in each reading. chunk_ns: see tkp_chunk_times. */
void tkp_phase_metrics_add(struct tkp_phase_metrics *metrics, const struct tkp_row *row,
                           const uint64_t *chunk_ns);
/* What the run itself says of the phase: conversations that were due and never sent. */
void tkp_phase_metrics_not_sent(struct tkp_phase_metrics *metrics, uint64_t count);
/* ok requests of the first reading whose answer a tokenizer has not come to yet. */
uint64_t tkp_phase_metrics_uncounted(const struct tkp_phase_metrics *metrics);
/* Ends a reading. true: read all rows once more. A caller that stops while it is true gets
 * percentiles from histograms, marked as such, and no adj_* ones. After false another reading does
 * no harm. */
bool tkp_phase_metrics_next_pass(struct tkp_phase_metrics *metrics) TOKPERF_MUST_USE;
/* Everything of struct tokperf_phase but its name; memory comes from arena. Of *facts those that
 * come from rows are written; those marked (run) in verdict.h are left as they are. */
tokperf_status tkp_phase_metrics_result(struct tkp_phase_metrics *metrics, struct tkp_arena *arena,
                                        struct tokperf_phase *result, struct tkp_phase_facts *facts,
                                        struct tokperf_error *error) TOKPERF_MUST_USE;
/* The same so far, during the first reading, and changes nothing: percentiles come from histograms
 * and say so, and what needs further readings (over time, steady_*, adj_*, support) is left out. */
tokperf_status tkp_phase_metrics_peek(const struct tkp_phase_metrics *metrics,
                                      struct tkp_arena *arena, struct tokperf_phase *result,
                                      struct tkp_phase_facts *facts,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

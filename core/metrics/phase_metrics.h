/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All metrics of one phase, exact, from its rows in two passes: the first builds histograms,
 * moments and counts, the second collects only the values of the buckets that hold a percentile's
 * neighbours (selected, not sorted). Memory does not grow with the number of requests, except for
 * what the time sweep needs (stated in the .c). [main]
 */
#ifndef TKP_METRICS_PHASE_METRICS_H
#define TKP_METRICS_PHASE_METRICS_H

#include <base/arena.h>
#include <config/plan.h>
#include <metrics/values.h>
#include <tokperf/exporter.h>

struct tkp_phase_metrics;

tokperf_status tkp_phase_metrics_create(const struct tkp_metric_context *context,
                                        const struct tkp_phase_plan *phase,
                                        struct tkp_phase_metrics **metrics,
                                        struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_phase_metrics_destroy(struct tkp_phase_metrics *metrics);
/* pass 0 for all rows, then tkp_phase_metrics_next_pass(), then pass 1 for the same rows in the
 * same order. chunk_ns: row->chunk_count times. */
void tkp_phase_metrics_add(struct tkp_phase_metrics *metrics, const struct tkp_row *row,
                           const uint64_t *chunk_ns);
void tkp_phase_metrics_next_pass(struct tkp_phase_metrics *metrics);
/* Everything of struct tokperf_phase but the name; memory comes from arena. Facts of the row that a
 * verdict needs are in *facts. */
struct tkp_phase_facts;
tokperf_status tkp_phase_metrics_result(struct tkp_phase_metrics *metrics, struct tkp_arena *arena,
                                        struct tokperf_phase *result, struct tkp_phase_facts *facts,
                                        struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error-adjusted band: a latency metric as if every failed request had taken for ever. Nearest
 * rank, since there is nothing between a number and infinity. Pure. [any]
 */
#ifndef TKP_METRICS_ADJUSTED_H
#define TKP_METRICS_ADJUSTED_H

#include <metrics/percentile.h>
#include <metrics/series.h>

/* The finite ranks that the band needs of `ok` sorted values, for tkp_series_select; returns how
 * many, at most TKP_PERCENTILE_COUNT. */
uint32_t tkp_adjusted_ranks(uint64_t ok, uint64_t errors, uint64_t *ranks);
/* Percentiles, min and count of metric `id` (an adj_* one) in its display unit, and
 * unbounded_from. */
void tkp_adjusted_fill(const struct tkp_series *series, uint64_t errors, enum tkp_metric_id id,
                       struct tokperf_metric *metric);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The error-adjusted band. Pure; any thread. */
#include <metrics/adjusted.h>

uint32_t tkp_adjusted_ranks(uint64_t ok, uint64_t errors, uint64_t *ranks)
{
    uint32_t count = 0;
    if (!errors)
        return 0;
    for (uint32_t i = 0; i < TKP_PERCENTILE_COUNT; i++) {
        uint64_t rank = tkp_percentile_nearest(tkp_percentiles[i].per_mille, ok + errors);
        if (rank < ok)
            ranks[count++] = rank;
    }
    return count;
}

void tkp_adjusted_fill(const struct tkp_series *series, uint64_t errors, enum tkp_metric_id id,
                       struct tokperf_metric *metric)
{
    uint64_t ok = series->moments.count;
    for (uint32_t i = 0; i < TKP_PERCENTILE_COUNT; i++) {
        const struct tkp_percentile *p = &tkp_percentiles[i];
        uint64_t rank = tkp_percentile_nearest(p->per_mille, ok + errors);
        double value;
        if (rank >= ok) {
            metric->unbounded_from = p->name;
            break;
        }
        if (tkp_series_rank(series, rank, &value))
            tkp_metric_put(metric, p->stat, tkp_metric_shown(id, value));
    }
    if (ok)
        tkp_metric_put(metric, TOKPERF_STAT_MIN, tkp_metric_shown(id, series->moments.min));
    tkp_metric_put(metric, TOKPERF_STAT_COUNT, (double)(ok + errors));
}

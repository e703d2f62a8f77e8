/* SPDX-License-Identifier: Apache-2.0 */
/* Places of percentiles. Pure; any thread. */
#include <metrics/percentile.h>

#include <tokperf/exporter.h>

enum { WHOLE = 1000 }; /* per mille of everything */

const struct tkp_percentile tkp_percentiles[TKP_PERCENTILE_COUNT] = {
    {TOKPERF_STAT_P1, 10, "p1"},    {TOKPERF_STAT_P5, 50, "p5"},
    {TOKPERF_STAT_P10, 100, "p10"}, {TOKPERF_STAT_P25, 250, "p25"},
    {TOKPERF_STAT_P50, 500, "p50"}, {TOKPERF_STAT_P75, 750, "p75"},
    {TOKPERF_STAT_P90, 900, "p90"}, {TOKPERF_STAT_P95, 950, "p95"},
    {TOKPERF_STAT_P99, 990, "p99"}, {TOKPERF_STAT_P999, 999, "p99.9"},
};

uint64_t tkp_percentile_place(uint32_t per_mille, uint64_t count, double *weight)
{
    uint64_t place = per_mille * (count - 1); /* in thousandths of a rank */
    *weight = (double)(place % WHOLE) / WHOLE;
    return place / WHOLE;
}

double tkp_percentile_between(double low, double high, double weight)
{
    double width = high - low;
    return weight < 0.5 ? low + width * weight : high - width * (1 - weight);
}

uint64_t tkp_percentile_nearest(uint32_t per_mille, uint64_t count)
{
    return (per_mille * count + WHOLE - 1) / WHOLE - 1;
}

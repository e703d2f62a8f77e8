/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The percentiles that are reported, and where they lie among sorted values. In whole per mille, so
 * that a place is exact for any count. Pure. [any]
 */
#ifndef TKP_METRICS_PERCENTILE_H
#define TKP_METRICS_PERCENTILE_H

#include <stdint.h>

enum { TKP_PERCENTILE_COUNT = 10 };
struct tkp_percentile {
    uint32_t stat;      /* TOKPERF_STAT_P1 ... */
    uint32_t per_mille; /* 1 to 999 */
    const char *name;   /* "p99.9" */
};
extern const struct tkp_percentile tkp_percentiles[TKP_PERCENTILE_COUNT]; /* ascending */

/* Linear interpolation, numpy's default: the value is (1 - *weight) of the 0-based order statistic
 * returned and *weight of the next one. count > 0. */
uint64_t tkp_percentile_place(uint32_t per_mille, uint64_t count, double *weight);
/* Between the two order statistics, monotonic in weight and exact at both ends. */
double tkp_percentile_between(double low, double high, double weight);
/* Nearest rank: the 0-based rank of the least value with at least per_mille at or below it. */
uint64_t tkp_percentile_nearest(uint32_t per_mille, uint64_t count);

#endif

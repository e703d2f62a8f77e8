/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the values of a series are spread, in a few buckets for display: log-spaced from the least
 * value to the greatest, made anew from the series' histogram each time, so that they follow the
 * data. A bucket's edges are those of the histogram's buckets: its count is exact. [any]
 */
#ifndef TKP_METRICS_DISPLAY_H
#define TKP_METRICS_DISPLAY_H

#include <base/arena.h>
#include <metrics/series.h>

enum { TKP_DISPLAY_BUCKETS = 30 }; /* at most */

/* From arena. *buckets is NULL when there is nothing to show: no values, or one was lost for want
 * of memory. false: no memory. */
bool tkp_display_buckets(const struct tkp_series *series, struct tkp_arena *arena,
                         const struct tokperf_buckets **buckets);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All values of one metric: moments from the first reading, order statistics from the readings
 * after it. Memory does not depend on how many values there are. One thread.
 */
#ifndef TKP_METRICS_SERIES_H
#define TKP_METRICS_SERIES_H

#include <base/histogram.h>
#include <metrics/moments.h>
#include <metrics/selection.h>
#include <metrics/table.h>

struct tkp_series {
    enum tkp_metric_id id;
    double key_start, key_steps; /* of the metric: a key is the value's steps from the start */
    uint64_t exact_limit; /* with more values percentiles come from the histogram; 0: no limit */
    struct tkp_moments moments;
    struct tkp_histogram histogram; /* of keys */
    struct tkp_selection *selection;
    double *kept; /* instead of a second reading: the values of the first one; or NULL */
    uint64_t kept_most;
    bool failed; /* no memory */
};

void tkp_series_init(struct tkp_series *series, enum tkp_metric_id id, uint64_t exact_limit);
void tkp_series_finish(struct tkp_series *series);
/* First reading: a finite value. */
void tkp_series_count(struct tkp_series *series, double value);
/* Before the first reading: keeps its values, unless they are more than `most` or there is no
 * memory. Then tkp_series_select() settles all and no reading follows. */
void tkp_series_keep(struct tkp_series *series, uint64_t most);
/* After the first reading: asks for the order statistics of all percentiles, and of extra_ranks
 * (those at or past the count are left out). Returns whether another reading is needed. */
bool tkp_series_select(struct tkp_series *series, const uint64_t *extra_ranks,
                       uint32_t extra_count);
/* Further readings, and what ends one: whether yet another is needed. */
void tkp_series_collect(struct tkp_series *series, double value);
bool tkp_series_end_reading(struct tkp_series *series);

/* A percentile in base units; false when there are no values. *exact is cleared when it is the
 * histogram's. */
bool tkp_series_percentile(const struct tkp_series *series, uint32_t per_mille, double *value,
                           bool *exact);
/* An order statistic that was asked for; false when it is not exact or not there. */
bool tkp_series_rank(const struct tkp_series *series, uint64_t rank, double *value);

#endif

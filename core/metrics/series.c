/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of one metric. The histogram counts keys: the value in steps of its unit, rounded down, so
 * that order is kept. One thread.
 */
#include <metrics/series.h>

#include <metrics/percentile.h>

#include <math.h>
#include <stdlib.h>

/* Percentages may be below 0, but not below -100: their keys start there. */
static double key_start(enum tkp_metric_id id)
{
    return id == TKP_METRIC_OSL_MISMATCH_DIFF_PCT ? -100 : 0;
}

static uint64_t key_of(const struct tkp_series *series, double value)
{
    double key = (value - series->key_start) * series->key_steps;
    const double last = 9e18; /* below 2^63 */
    return key <= 0 ? 0 : (uint64_t)(key < last ? key : last);
}

static double value_of(const struct tkp_series *series, double key)
{
    double value = key / series->key_steps + series->key_start;
    return fmin(fmax(value, series->moments.min), series->moments.max);
}

void tkp_series_init(struct tkp_series *series, enum tkp_metric_id id, uint64_t exact_limit)
{
    *series = (struct tkp_series){.id = id,
                                  .key_start = key_start(id),
                                  .key_steps = tkp_metric_def(id)->key_steps,
                                  .exact_limit = exact_limit};
    tkp_histogram_init(&series->histogram);
}

static void drop_kept(struct tkp_series *series)
{
    free(series->kept);
    series->kept = NULL;
    series->kept_most = 0;
}

void tkp_series_finish(struct tkp_series *series)
{
    tkp_histogram_finish(&series->histogram);
    tkp_selection_destroy(series->selection);
    series->selection = NULL;
    drop_kept(series);
}

void tkp_series_keep(struct tkp_series *series, uint64_t most)
{
    series->kept = malloc(most * sizeof *series->kept);
    series->kept_most = series->kept ? most : 0;
}

void tkp_series_count(struct tkp_series *series, double value)
{
    if (series->moments.count < series->kept_most)
        series->kept[series->moments.count] = value;
    else if (series->kept)
        drop_kept(series);
    tkp_moments_add(&series->moments, value);
    series->failed |= !tkp_histogram_count(&series->histogram, key_of(series, value));
}

/* Reads the kept values as often as the selection asks for; whether it wants any other reading. */
static bool read_kept(struct tkp_series *series)
{
    while (tkp_selection_needs_reading(series->selection, &series->failed))
        for (uint64_t i = 0; i < series->moments.count; i++)
            tkp_selection_add(series->selection, key_of(series, series->kept[i]), series->kept[i]);
    drop_kept(series);
    return false;
}

static int compare_ranks(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Adds a rank if the values reach to it. */
static void want(const struct tkp_series *series, uint64_t rank, uint64_t *ranks, uint32_t *count)
{
    if (rank < series->moments.count && *count < TKP_SELECTION_MAX_RANKS)
        ranks[(*count)++] = rank;
}

bool tkp_series_select(struct tkp_series *series, const uint64_t *extra_ranks, uint32_t extra_count)
{
    uint64_t ranks[TKP_SELECTION_MAX_RANKS], n = series->moments.count;
    uint32_t count = 0, unique = 0;
    if (!n || series->failed || (series->exact_limit && n > series->exact_limit))
        return false;
    for (uint32_t i = 0; i < TKP_PERCENTILE_COUNT; i++) {
        double weight;
        uint64_t rank = tkp_percentile_place(tkp_percentiles[i].per_mille, n, &weight);
        want(series, rank, ranks, &count);
        want(series, rank + 1, ranks, &count);
    }
    for (uint32_t i = 0; i < extra_count; i++)
        want(series, extra_ranks[i], ranks, &count);
    qsort(ranks, count, sizeof *ranks, compare_ranks);
    for (uint32_t i = 0; i < count; i++)
        if (!unique || ranks[unique - 1] != ranks[i])
            ranks[unique++] = ranks[i];
    bool whole = tkp_metric_def(series->id)->key_steps <= 1;
    series->selection = tkp_selection_create(&series->histogram, ranks, unique, whole);
    series->failed |= !series->selection;
    if (series->selection && series->kept)
        return read_kept(series);
    return tkp_series_end_reading(series);
}

void tkp_series_collect(struct tkp_series *series, double value)
{
    if (series->selection && tkp_selection_is_reading(series->selection))
        tkp_selection_add(series->selection, key_of(series, value), value);
}

bool tkp_series_end_reading(struct tkp_series *series)
{
    return series->selection && tkp_selection_needs_reading(series->selection, &series->failed);
}

bool tkp_series_rank(const struct tkp_series *series, uint64_t rank, double *value)
{
    return series->selection && tkp_selection_value(series->selection, rank, value);
}

bool tkp_series_percentile(const struct tkp_series *series, uint32_t per_mille, double *value,
                           bool *exact)
{
    uint64_t n = series->moments.count;
    if (!n)
        return false;
    double weight, low = 0, high = 0;
    uint64_t rank = tkp_percentile_place(per_mille, n, &weight);
    if (tkp_series_rank(series, rank, &low) &&
        (weight <= 0 || tkp_series_rank(series, rank + 1, &high))) {
        *value = weight <= 0 ? low : tkp_percentile_between(low, high, weight);
        return true;
    }
    *exact = false;
    *value = value_of(series, tkp_histogram_quantile(&series->histogram, per_mille / 1000.0));
    return true;
}

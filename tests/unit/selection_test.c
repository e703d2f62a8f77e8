/* SPDX-License-Identifier: Apache-2.0 */
/* Moments and percentiles of a series against sorting everything, as numpy's default does. */
#include <metrics/percentile.h>
#include <metrics/series.h>

#include <near.h>
#include <base/rng.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 42, MANY = 200000 };

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* numpy.percentile(values, q), method linear. */
static double reference(const double *sorted, size_t count, double q)
{
    double place = q / 100 * (double)(count - 1);
    size_t low = (size_t)floor(place);
    size_t high = low + 1 < count ? low + 1 : low;
    return sorted[low] + (sorted[high] - sorted[low]) * (place - (double)low);
}

/* Feeds the values until no reading is wanted; returns how many there were. */
static int read_all(struct tkp_series *series, const double *values, size_t count,
                    const uint64_t *ranks, uint32_t rank_count)
{
    int readings = 1;
    for (size_t i = 0; i < count; i++)
        tkp_series_count(series, values[i]);
    bool more = tkp_series_select(series, ranks, rank_count);
    for (; more; readings++) {
        for (size_t i = 0; i < count; i++)
            tkp_series_collect(series, values[i]);
        more = tkp_series_end_reading(series);
    }
    return readings;
}

static void check_series(enum tkp_metric_id id, const double *values, size_t count)
{
    struct tkp_series series;
    double *sorted = malloc(count * sizeof *sorted);
    long double total = 0, squares = 0; /* no rounding to speak of */
    uint64_t ranks[] = {count / 3, count - 1, count, 0};
    assert_non_null(sorted);
    memcpy(sorted, values, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare);
    tkp_series_init(&series, id, 0);
    (void)read_all(&series, values, count, ranks, 4);
    for (uint32_t i = 0; i < TKP_PERCENTILE_COUNT; i++) {
        double value, expected = reference(sorted, count, tkp_percentiles[i].per_mille / 10.0);
        bool exact = true;
        assert_true(tkp_series_percentile(&series, tkp_percentiles[i].per_mille, &value, &exact));
        assert_true(exact);
        assert_near(value, expected, fabs(expected) * 1e-12);
    }
    double value;
    assert_true(tkp_series_rank(&series, count / 3, &value) && value == sorted[count / 3]);
    assert_true(tkp_series_rank(&series, count - 1, &value) && value == sorted[count - 1]);
    assert_false(tkp_series_rank(&series, count, &value));
    for (size_t i = 0; i < count; i++)
        total += values[i];
    double mean = (double)(total / count);
    for (size_t i = 0; i < count; i++)
        squares += ((long double)values[i] - mean) * (values[i] - mean);
    double std = (double)sqrtl(squares / count);
    assert_near(tkp_moments_mean(&series.moments), mean, fabs(mean) * 1e-12);
    assert_near(tkp_moments_std(&series.moments), std, (std + fabs(mean)) * 1e-9);
    assert_true(series.moments.min == sorted[0] && series.moments.max == sorted[count - 1]);
    tkp_series_finish(&series);
    free(sorted);
}

/* Shapes of values: whole ns, few different ones, fractions, all equal, percentages below 0. */
static double draw(int shape, uint64_t index)
{
    double uniform = tkp_rng_uniform(SEED, 1000 + (uint64_t)shape, index);
    switch (shape) {
    case 0:
        return floor(exp(uniform * 25));
    case 1:
        return floor(uniform * 7);
    case 2:
        return 1e7 + uniform * 1e5;
    case 3:
        return 123456.75;
    default:
        return uniform * 150 - 100;
    }
}

/* A metric of the right kind for each shape. */
static const enum tkp_metric_id ids[] = {
    TKP_METRIC_REQUEST_LATENCY, TKP_METRIC_OUTPUT_SEQUENCE_LENGTH, TKP_METRIC_INTER_TOKEN_LATENCY,
    TKP_METRIC_INTER_TOKEN_LATENCY, TKP_METRIC_OSL_MISMATCH_DIFF_PCT};

static void equals_sorting(void **state)
{
    (void)state;
    static double values[5000];
    for (int shape = 0; shape < 5; shape++)
        for (size_t count = 1; count <= 5000; count = count < 40 ? count + 1 : count * 7 / 3) {
            for (size_t i = 0; i < count; i++)
                values[i] = draw(shape, count * 10000 + i);
            check_series(ids[shape], values, count);
        }
}

/* More values in the wanted buckets than are kept: they are split until they fit. */
static void narrows_when_there_are_many(void **state)
{
    (void)state;
    static double values[MANY];
    for (int shape = 0; shape < 5; shape++) {
        for (size_t i = 0; i < MANY; i++)
            values[i] = shape == 0 ? 2e7 + floor(draw(2, i) / 10) : draw(shape, i);
        check_series(ids[shape], values, MANY);
    }
    struct tkp_series series;
    for (size_t i = 0; i < MANY; i++)
        values[i] = draw(2, i);
    tkp_series_init(&series, TKP_METRIC_INTER_TOKEN_LATENCY, 0);
    assert_int_equal(read_all(&series, values, MANY, NULL, 0), 3);
    tkp_series_finish(&series);
}

static void says_when_it_is_the_histograms(void **state)
{
    (void)state;
    struct tkp_series series;
    double value;
    bool exact = true;
    tkp_series_init(&series, TKP_METRIC_INTER_CHUNK_LATENCY, 1000);
    assert_false(tkp_series_percentile(&series, 500, &value, &exact));
    for (int i = 1; i <= 1001; i++)
        tkp_series_count(&series, i * 1e6);
    assert_false(tkp_series_select(&series, NULL, 0));
    assert_true(tkp_series_percentile(&series, 500, &value, &exact));
    assert_false(exact);
    assert_near(value, 501e6, 501e6 * 0.001);
    assert_false(tkp_series_rank(&series, 0, &value));
    tkp_series_finish(&series);
}

/* Rows may be missing from a later reading (a damaged log): no value is invented. */
static void another_stream_is_noticed(void **state)
{
    (void)state;
    struct tkp_series series;
    double value;
    bool exact = true;
    tkp_series_init(&series, TKP_METRIC_INTER_TOKEN_LATENCY, 0);
    for (int i = 0; i < 10; i++)
        tkp_series_count(&series, 100 + 0.5 * i);
    assert_true(tkp_series_select(&series, NULL, 0));
    assert_false(tkp_series_end_reading(&series));
    assert_true(tkp_series_percentile(&series, 500, &value, &exact));
    assert_false(exact);
    tkp_series_finish(&series);
}

/* Far from 0 with a small spread: the textbook formula loses all digits here. */
static void variance_is_stable(void **state)
{
    (void)state;
    struct tkp_moments m = {0};
    for (int i = 0; i < 1000000; i++)
        tkp_moments_add(&m, 1e12 + (i % 2));
    assert_near(tkp_moments_std(&m), 0.5, 1e-6);
    assert_near(tkp_moments_sum(&m), 1e18 + 500000, 0);
    assert_near(tkp_moments_mean(&m), 1e12 + 0.5, 0);
}

static void nearest_rank(void **state)
{
    (void)state;
    assert_int_equal(tkp_percentile_nearest(990, 100), 98);
    assert_int_equal(tkp_percentile_nearest(990, 101), 99);
    assert_int_equal(tkp_percentile_nearest(10, 1), 0);
    assert_int_equal(tkp_percentile_nearest(500, 2), 0);
    assert_int_equal(tkp_percentile_nearest(500, 3), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_sorting),
        cmocka_unit_test(narrows_when_there_are_many),
        cmocka_unit_test(says_when_it_is_the_histograms),
        cmocka_unit_test(another_stream_is_noticed),
        cmocka_unit_test(variance_is_stable),
        cmocka_unit_test(nearest_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

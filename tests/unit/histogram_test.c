/* SPDX-License-Identifier: Apache-2.0 */
/* Histograms against sorted arrays: buckets, quantiles, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/histogram.h>
#include <base/rng.h>
#include <math.h>
#include <stdlib.h>

enum { VALUES = 5000 };

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Exactly numpy's default method: linear interpolation between order statistics. */
static double sorted_quantile(const uint64_t *sorted, size_t count, double fraction)
{
    double position = fraction * (double)(count - 1);
    size_t rank = (size_t)position;
    double value = (double)sorted[rank];
    if (rank + 1 < count)
        value += (position - (double)rank) * ((double)sorted[rank + 1] - value);
    return value;
}

static void buckets_are_narrow_and_gapless(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 200000; i++) {
        uint64_t value = tkp_rng_bits(1, 1, i) >> (i % 64), low, high, next, ignored;
        tkp_histogram_bucket(value, &low, &high);
        assert_true(low <= value && (value < high || high == UINT64_MAX));
        if (value < 2048)
            assert_true(high == low + 1);
        assert_true((double)(high - low) <= fmax(1, 0.001 * (double)low));
        if (high < UINT64_MAX) {
            tkp_histogram_bucket(high, &next, &ignored);
            assert_true(next == high);
        }
    }
}

struct shape {
    unsigned shift; /* values below 2^(64 - shift) */
    uint64_t spread;
};

static void quantiles_match_sorted_arrays(void **state)
{
    (void)state;
    static const struct shape shapes[] = {{55, 0}, {54, 0}, {40, 0}, {30, 0}, {4, 0}, {0, 64}};
    static const double fractions[] = {0, 0.001, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1};
    static const size_t counts[] = {1, 2, 3, 10, VALUES};
    static uint64_t values[VALUES];
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
            struct tkp_histogram h;
            tkp_histogram_init(&h);
            for (size_t i = 0; i < counts[c]; i++) {
                unsigned shift = shapes[s].spread ? (unsigned)(i % shapes[s].spread) : 0;
                values[i] = tkp_rng_bits(2, s, i) >> (shapes[s].shift + shift);
                assert_true(tkp_histogram_count(&h, values[i]));
            }
            qsort(values, counts[c], sizeof values[0], compare);
            assert_true(h.min == values[0] && h.max == values[counts[c] - 1]);
            for (size_t f = 0; f < sizeof fractions / sizeof fractions[0]; f++) {
                double want = sorted_quantile(values, counts[c], fractions[f]);
                double got = tkp_histogram_quantile(&h, fractions[f]);
                double slack = shapes[s].shift >= 54 ? 1e-9 : 0.0005 * want;
                if (fabs(got - want) > slack)
                    fail_msg("shape %zu, %zu values, %g: %.17g instead of %.17g", s, counts[c],
                             fractions[f], got, want);
            }
            tkp_histogram_finish(&h);
        }
}

static void rank_buckets_hold_the_order_statistic(void **state)
{
    (void)state;
    static uint64_t values[VALUES];
    struct tkp_histogram h;
    tkp_histogram_init(&h);
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = tkp_rng_bits(3, 1, i) >> (i % 40 + 10);
        assert_true(tkp_histogram_count(&h, values[i]));
    }
    qsort(values, VALUES, sizeof values[0], compare);
    uint64_t low, high, below;
    for (uint64_t rank = 0; rank < VALUES; rank++) {
        assert_true(tkp_histogram_rank_bucket(&h, rank, &low, &high, &below));
        assert_true(low <= values[rank] && values[rank] < high);
        assert_true(below <= rank);
        assert_true(below == 0 || values[below - 1] < low);
        assert_true(values[below] >= low);
    }
    assert_false(tkp_histogram_rank_bucket(&h, VALUES, &low, &high, &below));
    tkp_histogram_finish(&h);
}

static void the_ends_of_the_range_count(void **state)
{
    (void)state;
    struct tkp_histogram h;
    tkp_histogram_init(&h);
    assert_true(tkp_histogram_quantile(&h, 0.5) == 0);
    assert_true(h.min == UINT64_MAX);
    assert_true(tkp_histogram_count(&h, 1));
    tkp_histogram_clear(&h);
    assert_true(h.count == 0 && h.max == 0 && h.min == UINT64_MAX);
    assert_true(tkp_histogram_count(&h, 7));
    assert_true(tkp_histogram_quantile(&h, 0.9) == 7);
    assert_true(tkp_histogram_count(&h, UINT64_MAX));
    assert_true(h.max == UINT64_MAX && h.count == 2);
    assert_true(tkp_histogram_quantile(&h, -1) == 7);
    assert_true(tkp_histogram_quantile(&h, 2) <= 18446744073709551616.0);
    tkp_histogram_finish(&h);
    tkp_histogram_finish(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_narrow_and_gapless),
        cmocka_unit_test(quantiles_match_sorted_arrays),
        cmocka_unit_test(rank_buckets_hold_the_order_statistic),
        cmocka_unit_test(the_ends_of_the_range_count),
    };
    return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}

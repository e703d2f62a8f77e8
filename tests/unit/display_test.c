/* SPDX-License-Identifier: Apache-2.0 */
/* Display buckets against the values themselves: they follow the data and lose none of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/rng.h>
#include <math.h>
#include <metrics/display.h>

enum { VALUES = 4000 };

struct shown {
    struct tkp_series series;
    struct tkp_arena arena;
    const struct tokperf_buckets *buckets;
};

static void show(struct shown *s, enum tkp_metric_id id, const double *values, uint32_t count)
{
    tkp_arena_init(&s->arena, 0);
    tkp_series_init(&s->series, id, 0);
    for (uint32_t i = 0; i < count; i++)
        tkp_series_count(&s->series, values[i]);
    assert_true(tkp_display_buckets(&s->series, &s->arena, &s->buckets));
}

static void drop(struct shown *s)
{
    tkp_series_finish(&s->series);
    tkp_arena_finish(&s->arena);
}

/* How many values, in display units, lie between two bounds. */
static uint64_t between(enum tkp_metric_id id, const double *values, uint32_t count, double low,
                        double high)
{
    uint64_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        double value = tkp_metric_shown(id, values[i]);
        found += value >= low && value < high;
    }
    return found;
}

static void check(enum tkp_metric_id id, const double *values, uint32_t count)
{
    struct shown s;
    uint64_t sum = 0;
    show(&s, id, values, count);
    assert_non_null(s.buckets);
    assert_in_range(s.buckets->count, 1, TKP_DISPLAY_BUCKETS);
    for (uint32_t i = 0; i < s.buckets->count; i++) {
        double low = s.buckets->bounds[i], high = s.buckets->bounds[i + 1];
        assert_true(isfinite(low) && isfinite(high) && low < high);
        assert_int_equal(s.buckets->counts[i], between(id, values, count, low, high));
        sum += s.buckets->counts[i];
    }
    assert_int_equal(sum, count);
    assert_true(s.buckets->counts[0] > 0 && s.buckets->counts[s.buckets->count - 1] > 0);
    drop(&s);
}

static void nothing_to_show(void **state)
{
    (void)state;
    struct shown s;
    show(&s, TKP_METRIC_REQUEST_LATENCY, NULL, 0);
    assert_null(s.buckets);
    drop(&s);
}

static void one_value(void **state)
{
    (void)state;
    static const double latency[] = {1500000}, zero[] = {0, 0, 0}, huge[] = {4611686018427387905.0};
    struct shown s;
    show(&s, TKP_METRIC_REQUEST_LATENCY, latency, 1);
    assert_int_equal(s.buckets->count, 1);
    assert_true(s.buckets->bounds[0] == 1.5 && s.buckets->counts[0] == 1);
    drop(&s);
    check(TKP_METRIC_REQUEST_LATENCY, latency, 1);
    check(TKP_METRIC_CAP_WAIT, zero, 3);
    check(TKP_METRIC_CAP_WAIT, huge, 1);
}

static void small_whole_numbers_have_a_bucket_each(void **state)
{
    (void)state;
    static const double tokens[] = {3, 1, 2, 2, 5, 0};
    struct shown s;
    show(&s, TKP_METRIC_OUTPUT_SEQUENCE_LENGTH, tokens, 6);
    assert_int_equal(s.buckets->count, 6);
    for (uint32_t i = 0; i <= 6; i++)
        assert_true(s.buckets->bounds[i] == i);
    drop(&s);
    check(TKP_METRIC_OUTPUT_SEQUENCE_LENGTH, tokens, 6);
}

static void zeros_and_huge_ones_together(void **state)
{
    (void)state;
    static const double mixed[] = {0, 0, 1, 1e6, 1e9, 3600e9, 8e18};
    static const double percent[] = {-100, -50, 0, 0, 12.5, 400};
    check(TKP_METRIC_CAP_WAIT, mixed, 7);
    check(TKP_METRIC_OSL_MISMATCH_DIFF_PCT, percent, 6);
}

static void many_values_of_any_size(void **state)
{
    (void)state;
    static double values[VALUES];
    for (uint64_t spread = 1; spread <= 40; spread += 13) {
        for (uint64_t i = 0; i < VALUES; i++)
            values[i] = (double)(tkp_rng_bits(7, spread, i) >> (24 + i % spread));
        check(TKP_METRIC_TIME_TO_FIRST_TOKEN, values, VALUES);
    }
    struct shown s;
    show(&s, TKP_METRIC_TIME_TO_FIRST_TOKEN, values, VALUES);
    assert_int_equal(s.buckets->count, TKP_DISPLAY_BUCKETS);
    drop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_to_show),
        cmocka_unit_test(one_value),
        cmocka_unit_test(small_whole_numbers_have_a_bucket_each),
        cmocka_unit_test(zeros_and_huge_ones_together),
        cmocka_unit_test(many_values_of_any_size),
    };
    return cmocka_run_group_tests_name("display", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics weighted by time against a curve drawn moment by moment. */
#include <metrics/sweep.h>

#include <near.h>
#include <base/rng.h>
#include <stdlib.h>

enum { SPAN = 5000, MANY = 400000 };

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* One value per ns of [0, SPAN). */
static struct tkp_sweep_stats brute(const int64_t *changes)
{
    static double curve[SPAN];
    struct tkp_sweep_stats s = {.avg = 0};
    int64_t now = 0;
    for (int t = 0; t < SPAN; t++) {
        now += changes[t];
        curve[t] = (double)now;
        s.avg += (double)now / SPAN;
    }
    for (int t = 0; t < SPAN; t++)
        s.std += (curve[t] - s.avg) * (curve[t] - s.avg) / SPAN;
    s.std = sqrt(s.std);
    qsort(curve, SPAN, sizeof *curve, compare);
    s.min = curve[0];
    s.max = curve[SPAN - 1];
    s.p50 = curve[SPAN / 2 - 1];
    s.p90 = curve[SPAN * 90 / 100 - 1];
    s.p95 = curve[SPAN * 95 / 100 - 1];
    s.p99 = curve[SPAN * 99 / 100 - 1];
    return s;
}

static void check(const struct tkp_sweep_stats *a, const struct tkp_sweep_stats *b, double slack)
{
    assert_near(a->avg, b->avg, fabs(b->avg) * 1e-9);
    assert_near(a->std, b->std, slack + 1e-9);
    assert_near(a->min, b->min, slack);
    assert_near(a->max, b->max, slack);
    assert_near(a->p50, b->p50, slack);
    assert_near(a->p90, b->p90, slack);
    assert_near(a->p95, b->p95, slack);
    assert_near(a->p99, b->p99, slack);
}

static void equals_the_curve(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 50; round++) {
        int64_t changes[SPAN + 1] = {0};
        struct tkp_sweep sweep = {0};
        struct tkp_sweep_stats stats, expected;
        const uint64_t base = 1000, requests = 1 + round * 3;
        bool failed = false;
        tkp_sweep_expect(&sweep, 2 * requests);
        assert_true(tkp_sweep_begin(&sweep, base, base + SPAN));
        for (uint64_t i = 0; i < requests; i++) {
            uint64_t a = tkp_rng_below(round, 2000, 2 * i, SPAN);
            uint64_t b = a + tkp_rng_below(round, 2000, 2 * i + 1, SPAN - a + 1);
            changes[a] += 3;
            changes[b] -= 3;
            tkp_sweep_change(&sweep, base + b, -3);
            tkp_sweep_change(&sweep, base + a, 3);
        }
        expected = brute(changes);
        assert_true(tkp_sweep_result(&sweep, &stats, &failed));
        assert_false(failed);
        check(&stats, &expected, 0);
        tkp_sweep_finish(&sweep);
    }
}

/* 8 slots, always busy but for 1 us between requests: the rounded curve says 8 as the exact one. */
static void many_changes_are_rounded(void **state)
{
    (void)state;
    const uint64_t step = 1000000, end = MANY / 8 * step + 8;
    struct tkp_sweep sweep = {0};
    struct tkp_sweep_stats stats;
    bool failed = false;
    tkp_sweep_expect(&sweep, 2 * MANY);
    assert_true(tkp_sweep_begin(&sweep, 0, end));
    for (uint64_t i = 0; i < MANY; i++) {
        uint64_t start = i / 8 * step + i % 8;
        tkp_sweep_change(&sweep, start, 1);
        tkp_sweep_change(&sweep, start + step - 1000, -1);
    }
    assert_null(sweep.changes);
    assert_true(tkp_sweep_result(&sweep, &stats, &failed));
    assert_near(stats.avg, 8 * 0.999, 1e-4);
    assert_near(stats.p50, 8, 0);
    assert_near(stats.max, 8, 0);
    tkp_sweep_finish(&sweep);
}

static void nothing_gives_nothing(void **state)
{
    (void)state;
    struct tkp_sweep sweep = {0};
    struct tkp_sweep_stats stats;
    bool failed = false;
    assert_true(tkp_sweep_begin(&sweep, UINT64_MAX, 0));
    tkp_sweep_change(&sweep, 5, 1);
    assert_false(tkp_sweep_result(&sweep, &stats, &failed));
    assert_false(failed);
    tkp_sweep_finish(&sweep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_curve),
        cmocka_unit_test(many_changes_are_rounded),
        cmocka_unit_test(nothing_gives_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Support of percentiles against sums of binomials and the anchors of MLPerf's estimate. */
#include <metrics/support.h>

#include <near.h>

/* I_p(a, b) for whole a, b: the chance of at least a successes in a + b - 1 tries. */
static double by_sum(int a, int b, double p)
{
    int n = a + b - 1;
    double sum = 0;
    for (int k = a; k <= n; k++)
        sum += exp(lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) + k * log(p) +
                   (n - k) * log1p(-p));
    return sum;
}

static void beta_is_a_tail_of_the_binomial(void **state)
{
    (void)state;
    static const double ps[] = {0.001, 0.1, 0.5, 0.9, 0.99, 0.999};
    for (int a = 1; a <= 300; a = a * 2 + 1)
        for (int b = 1; b <= 300; b = b * 2 + 1)
            for (size_t i = 0; i < sizeof ps / sizeof *ps; i++)
                assert_near(tkp_incomplete_beta(a, b, ps[i]), by_sum(a, b, ps[i]), 1e-10);
    assert_near(tkp_incomplete_beta(0.5, 0.5, 0.5), 0.5, 1e-14);
    assert_near(tkp_incomplete_beta(3, 4, 0), 0, 0);
    assert_near(tkp_incomplete_beta(3, 4, 1), 1, 0);
}

static void anchors(void **state)
{
    (void)state;
    static const struct {
        double p;
        uint64_t needed;
    } floors[] = {{0.5, 11},   {0.75, 24},  {0.8, 31},     {0.9, 64},      {0.95, 130},
                  {0.97, 219}, {0.99, 662}, {0.999, 6636}, {0.9999, 66381}};
    for (size_t i = 0; i < sizeof floors / sizeof *floors; i++) {
        assert_int_equal(tkp_support_needed(floors[i].p), floors[i].needed);
        assert_int_equal(tkp_support_t(floors[i].p, floors[i].needed), 1);
        assert_int_equal(tkp_support_t(floors[i].p, floors[i].needed - 1), 0);
    }
    assert_int_equal(tkp_support_h_min(0.99, 0), 459);
    assert_int_equal(tkp_support_t(0.99, 10000), 77);
    assert_int_equal(tkp_support_t(0.99, 0), 0);
    assert_int_equal(tkp_support_t(0.99, 1), 0);
}

/* The largest t with n >= h_min(t) + t, by its definition. */
static void t_is_the_largest(void **state)
{
    (void)state;
    static const double ps[] = {0.5, 0.9, 0.99};
    for (size_t i = 0; i < sizeof ps / sizeof *ps; i++)
        for (uint64_t n = 2; n < 1500; n = n * 5 / 3 + 1) {
            uint64_t expected = 0;
            for (uint64_t t = 1; t < n; t++)
                if (n >= tkp_support_h_min(ps[i], t) + t)
                    expected = t;
            assert_int_equal(tkp_support_t(ps[i], n), expected);
        }
}

static void holds_for_many_samples(void **state)
{
    (void)state;
    const uint64_t n = 10000000;
    uint64_t t = tkp_support_t(0.99, n);
    /* Normal approximation: n (1 - p) minus 2.326 standard deviations. */
    assert_near((double)t, 1e5 - 2.3263 * sqrt(1e5 * 0.99), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beta_is_a_tail_of_the_binomial),
        cmocka_unit_test(anchors),
        cmocka_unit_test(t_is_the_largest),
        cmocka_unit_test(holds_for_many_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

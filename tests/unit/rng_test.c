/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random numbers: the same for the same place, uniform, independent of their neighbours, with the
 * moments they promise. All is deterministic, so that bounds of five standard errors cannot flake.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DRAWS = 200000, CELLS = 256 };

static void values_are_fixed_for_ever(void **state)
{
    (void)state;
    /* Written down once: a change would silently change every seeded run. */
    assert_true(tkp_rng_bits(0, 0, 0) == UINT64_C(0xdf8718f780431758));
    assert_true(tkp_rng_bits(42, TKP_RNG_ARRIVAL, 7) == UINT64_C(0xe95953f78f7c272d));
    assert_true(tkp_rng_permute(42, TKP_RNG_SAMPLING, 5, 1000) == 499);
    assert_true(tkp_rng_bits(1, 2, 3) == tkp_rng_bits(1, 2, 3));
}

/* Chi-square over cells: mean cells - 1, standard deviation sqrt(2 * (cells - 1)). */
static void assert_even(const uint64_t *counts, unsigned cells, uint64_t total)
{
    double chi = 0, want = (double)total / cells;
    for (unsigned i = 0; i < cells; i++)
        chi += ((double)counts[i] - want) * ((double)counts[i] - want) / want;
    if (fabs(chi - (cells - 1)) > 5 * sqrt(2.0 * (cells - 1)))
        fail_msg("chi-square %g", chi);
}

static void every_byte_is_uniform(void **state)
{
    (void)state;
    static const uint64_t seeds[] = {0, 1, 42, UINT64_MAX};
    for (size_t s = 0; s < 4; s++)
        for (unsigned byte = 0; byte < 8; byte++) {
            uint64_t by_index[CELLS] = {0}, by_stream[CELLS] = {0}, by_seed[CELLS] = {0};
            for (uint64_t i = 0; i < DRAWS; i++) {
                by_index[tkp_rng_bits(seeds[s], 1, i) >> (8 * byte) & 255]++;
                by_stream[tkp_rng_bits(seeds[s], i, 1) >> (8 * byte) & 255]++;
                by_seed[tkp_rng_bits(seeds[s] + i, 1, 1) >> (8 * byte) & 255]++;
            }
            assert_even(by_index, CELLS, DRAWS);
            assert_even(by_stream, CELLS, DRAWS);
            assert_even(by_seed, CELLS, DRAWS);
        }
}

static void neighbours_are_independent(void **state)
{
    (void)state;
    uint64_t flips[3][64] = {{0}};
    double product = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        uint64_t here = tkp_rng_bits(9, 1, i);
        uint64_t others[3] = {tkp_rng_bits(9, 1, i + 1), tkp_rng_bits(9, 2, i),
                              tkp_rng_bits(8, 1, i)};
        for (int k = 0; k < 3; k++)
            for (int bit = 0; bit < 64; bit++)
                flips[k][bit] += (here ^ others[k]) >> bit & 1;
        product += (tkp_rng_uniform(9, 1, i) - 0.5) * (tkp_rng_uniform(9, 1, i + 1) - 0.5);
    }
    double bound = 5 * sqrt(DRAWS / 4.0);
    for (int k = 0; k < 3; k++)
        for (int bit = 0; bit < 64; bit++)
            assert_true(fabs((double)flips[k][bit] - DRAWS / 2.0) < bound);
    assert_true(fabs(product / DRAWS) < 5 / 12.0 / sqrt(DRAWS));
}

static void uniform_and_exponential(void **state)
{
    (void)state;
    double sum = 0, exponential = 0, squares = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        double u = tkp_rng_uniform(3, 4, i), e = tkp_rng_exponential(3, 4, i);
        assert_true(u >= 0 && u < 1 && e >= 0 && isfinite(e));
        sum += u;
        exponential += e;
        squares += e * e;
    }
    assert_true(fabs(sum / DRAWS - 0.5) < 5 / sqrt(12.0 * DRAWS));
    assert_true(fabs(exponential / DRAWS - 1) < 5 / sqrt(DRAWS));
    assert_true(fabs(squares / DRAWS - 2) < 5 * sqrt(20.0 / DRAWS)); /* var of e^2: 24 - 4 */
}

static void normal_moments(void **state)
{
    (void)state;
    double moments[5] = {0};
    uint64_t beyond_two = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        double x = tkp_rng_normal(5, 6, i), power = 1;
        for (int k = 1; k <= 4; k++)
            moments[k] += (power *= x) / DRAWS;
        beyond_two += fabs(x) > 2;
    }
    static const double want[5] = {0, 0, 1, 0, 3};
    static const double variance[5] = {0, 1, 2, 15, 96}; /* of x^k: E x^2k - (E x^k)^2 */
    for (int k = 1; k <= 4; k++)
        assert_true(fabs(moments[k] - want[k]) < 5 * sqrt(variance[k] / DRAWS));
    assert_true(fabs((double)beyond_two / DRAWS - 0.0455003) < 5 * sqrt(0.0455 / DRAWS));
}

static void below_is_even_and_bounded(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {1, 2, 3, 7, 256, 1000003, UINT64_C(3) << 62, UINT64_MAX};
    for (size_t b = 0; b < sizeof bounds / sizeof bounds[0]; b++) {
        double sum = 0;
        for (uint64_t i = 0; i < DRAWS / 10; i++) {
            uint64_t drawn = tkp_rng_below(7, 8, i, bounds[b]);
            assert_true(drawn < bounds[b]);
            sum += ((double)drawn + 0.5) / (double)bounds[b];
        }
        assert_true(fabs(sum / (DRAWS / 10) - 0.5) < 5 / sqrt(12.0 * DRAWS / 10));
    }
    uint64_t counts[CELLS] = {0};
    for (uint64_t i = 0; i < DRAWS; i++)
        counts[tkp_rng_below(7, 8, i, CELLS)]++;
    assert_even(counts, CELLS, DRAWS);
}

static void permutations_are_bijections(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1, 2, 3, 4, 5, 10, 16, 17, 100, 255, 1024, 1025, 5000};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            unsigned char *seen = calloc(sizes[s], 1);
            assert_non_null(seen);
            for (uint64_t i = 0; i < sizes[s]; i++) {
                uint64_t to = tkp_rng_permute(seed, 2, i, sizes[s]);
                assert_true(to < sizes[s]);
                assert_int_equal(seen[to]++, 0);
            }
            free(seen);
        }
    assert_true(tkp_rng_permute(1, 2, UINT64_MAX - 1, UINT64_MAX) < UINT64_MAX);
}

/* Each of the 24 orders of four comes about equally often, and no element is preferred at a place.
 */
static void permutations_are_random(void **state)
{
    (void)state;
    enum { SEEDS = 24000 };
    uint64_t orders[256] = {0};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        uint64_t order = 0;
        for (uint64_t i = 0; i < 4; i++)
            order = order << 2 | tkp_rng_permute(seed, 2, i, 4);
        orders[order]++;
    }
    int kinds = 0;
    for (int i = 0; i < 256; i++) {
        kinds += orders[i] > 0;
        assert_true(!orders[i] || fabs((double)orders[i] - SEEDS / 24.0) < 5 * sqrt(SEEDS / 24.0));
    }
    assert_int_equal(kinds, 24);
    static const unsigned sizes[] = {2, 3, 7, 32, 100, 128, CELLS}; /* odd and even bit counts */
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t counts[CELLS] = {0};
        for (uint64_t seed = 0; seed < DRAWS; seed++)
            counts[tkp_rng_permute(seed, 2, 1, sizes[i])]++;
        assert_even(counts, sizes[i], DRAWS);
    }
}

static void uuids(void **state)
{
    (void)state;
    char a[37], b[37];
    tkp_rng_uuid(1, TKP_RNG_REQUEST_ID, 0, a);
    tkp_rng_uuid(1, TKP_RNG_REQUEST_ID, 1, b);
    assert_string_not_equal(a, b);
    for (uint64_t i = 0; i < 1000; i++) {
        tkp_rng_uuid(1, TKP_RNG_REQUEST_ID, i, a);
        assert_int_equal(strlen(a), 36);
        assert_int_equal(strspn(a, "0123456789abcdef-"), 36);
        assert_true(a[8] == '-' && a[13] == '-' && a[18] == '-' && a[23] == '-');
        assert_true(a[14] == '4' && strchr("89ab", a[19]));
    }
    assert_true(tkp_rng_fresh_seed() != tkp_rng_fresh_seed());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_fixed_for_ever),
        cmocka_unit_test(every_byte_is_uniform),
        cmocka_unit_test(neighbours_are_independent),
        cmocka_unit_test(uniform_and_exponential),
        cmocka_unit_test(normal_moments),
        cmocka_unit_test(below_is_even_and_bounded),
        cmocka_unit_test(permutations_are_bijections),
        cmocka_unit_test(permutations_are_random),
        cmocka_unit_test(uuids),
    };
    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}

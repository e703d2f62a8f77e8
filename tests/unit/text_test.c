/* SPDX-License-Identifier: Apache-2.0 */
/* Text: strict numbers, units, shortest doubles, the closest name, spans. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/clock.h>
#include <base/rng.h>
#include <base/text.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"+7", true, 7},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"0x10", false, 0},
        {"12a", false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = 0;
        if (tkp_text_to_int(cases[i].text, &value) != cases[i].ok || value != cases[i].value)
            fail_msg("'%s' gave %lld", cases[i].text, (long long)value);
    }
}

static void doubles(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        double value;
    } cases[] = {
        {"0", true, 0},           {"1.5", true, 1.5},  {"-2e3", true, -2000}, {"+.5", true, 0.5},
        {"1E-2", true, 0.01},     {"5.", false, 0},    {".", false, 0},       {"", false, 0},
        {"1e", false, 0},         {"1e+", false, 0},   {"nan", false, 0},     {"inf", false, 0},
        {"-inf", false, 0},       {"0x1p3", false, 0}, {"0x10", false, 0},    {" 1", false, 0},
        {"1 ", false, 0},         {"1,5", false, 0},   {"1e999", false, 0},   {"1e-999", true, 0},
        {"5e-324", true, 5e-324},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double value = 0;
        if (tkp_text_to_double(cases[i].text, &value) != cases[i].ok ||
            memcmp(&value, &cases[i].value, sizeof value))
            fail_msg("'%s' gave %g", cases[i].text, value);
    }
}

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t value_ns;
    } cases[] = {
        {"1.5", true, 1500000000},
        {"250ms", true, 250000000},
        {"10us", true, 10000},
        {"2s", true, 2000000000},
        {"5m", true, 300000000000},
        {"1h", true, 3600000000000},
        {"0", true, 0},
        {"7ns", true, 7},
        {"0.1", true, 100000000},
        {"0.000000001", true, 1},
        {"1e3ms", true, 1000000000},
        {"16777217.000000001", true, UINT64_C(16777217000000001)},
        {"-1", false, 0},
        {"1 s", false, 0},
        {"s", false, 0},
        {"", false, 0},
        {"1d", false, 0},
        {"1S", false, 0},
        {"1e300", false, 0},
        {"18446744073709551615ns", false, 0}, /* would be "never" */
        {"18446744073709551614ns", true, UINT64_MAX - 1},
        {"6000000h", false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t value_ns = 0;
        if (tkp_text_to_duration(cases[i].text, &value_ns) != cases[i].ok ||
            value_ns != cases[i].value_ns)
            fail_msg("'%s' gave %llu", cases[i].text, (unsigned long long)value_ns);
    }
}

static void sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        uint64_t value_bytes;
    } cases[] = {
        {"64", true, 64},
        {"64KiB", true, 65536},
        {"1MiB", true, 1048576},
        {"2GiB", true, 1u << 31},
        {"3B", true, 3},
        {"5KB", true, 5000},
        {"5kB", true, 5000},
        {"1MB", true, 1000000},
        {"18446744073709551615", true, UINT64_MAX},
        {"", false, 0},
        {"KiB", false, 0},
        {"1.5MiB", false, 0},
        {"-1", false, 0},
        {"1 MiB", false, 0},
        {"1mib", false, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t value = 0;
        if (tkp_text_to_bytes(cases[i].text, &value) != cases[i].ok ||
            value != cases[i].value_bytes)
            fail_msg("'%s' gave %llu", cases[i].text, (unsigned long long)value);
    }
    uint64_t value;
    assert_false(tkp_text_to_bytes("18446744073709551616", &value));
    assert_false(tkp_text_to_bytes("17179869184GiB", &value)); /* 2^64 */
}

static void shortest_doubles(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "0"},
        {0.1, "0.1"},
        {1e30, "1e+30"},
        {-2.5, "-2.5"},
        {100000, "100000"},
        {999999999999999.0, "999999999999999"},
        {1e15, "1e+15"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {DBL_MAX, "1.7976931348623157e+308"},
    };
    char out[32];
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t n = tkp_text_from_double(out, sizeof out, cases[i].value);
        assert_string_equal(out, cases[i].text);
        assert_int_equal(n, strlen(out));
    }
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t bits = tkp_rng_bits(1, 1, i);
        double value, back;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        assert_true(tkp_text_from_double(out, sizeof out, value) < sizeof out);
        assert_true(tkp_text_to_double(out, &back));
        assert_memory_equal(&value, &back, sizeof value);
    }
}

static void closest_names(void **state)
{
    (void)state;
    static const char *const names[] = {"concurrency", "request-rate", "url",
                                        "model",       "seed",         NULL};
    static const struct {
        const char *word, *want;
    } cases[] = {
        {"concurency", "concurrency"},
        {"concurrencies", "concurrency"},
        {"request_rate", "request-rate"},
        {"rqeuest-rate", "request-rate"},
        {"ulr", "url"}, /* one swap */
        {"modle", "model"},
        {"sed", "seed"},
        {"seed", "seed"},
        {"xyz", NULL},
        {"", NULL},
        {"ur", NULL}, /* too short to be a slip of anything */
        {"temperature", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *found = tkp_text_closest(cases[i].word, names);
        if ((found == NULL) != (cases[i].want == NULL) ||
            (found && strcmp(found, cases[i].want) != 0))
            fail_msg("'%s' gave '%s'", cases[i].word, found ? found : "nothing");
    }
    char long_word[300];
    memset(long_word, 'a', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    assert_null(tkp_text_closest(long_word, names));
    assert_null(tkp_text_closest("a", (const char *const[]){long_word, NULL}));
}

static void spans(void **state)
{
    (void)state;
    assert_true(tkp_span_is(tkp_span("abc"), "abc"));
    assert_false(tkp_span_is(tkp_span("abc"), "ab"));
    assert_false(tkp_span_is(tkp_span("abc"), "abC"));
    assert_true(tkp_span_is_nocase(tkp_span("Content-Type"), "content-type"));
    assert_false(tkp_span_is_nocase(tkp_span("Content"), "content-type"));
    assert_true(tkp_span_equal((struct tokperf_span){NULL, 0}, tkp_span("")));
    assert_true(tkp_span_is(tkp_span_trim(tkp_span(" \t a b\t ")), "a b"));
    assert_int_equal(tkp_span_trim(tkp_span(" \t ")).len, 0);
    char out[4];
    assert_int_equal(tkp_text_copy(out, sizeof out, tkp_span("abcdef")), 6);
    assert_string_equal(out, "abc");
    assert_int_equal(tkp_text_copy(out, sizeof out, (struct tokperf_span){NULL, 0}), 0);
    assert_string_equal(out, "");
    assert_int_equal(tkp_text_copy(NULL, 0, tkp_span("ab")), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(doubles),
        cmocka_unit_test(durations),
        cmocka_unit_test(sizes),
        cmocka_unit_test(shortest_doubles),
        cmocka_unit_test(closest_names),
        cmocka_unit_test(spans),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}

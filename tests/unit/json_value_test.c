/* SPDX-License-Identifier: Apache-2.0 */
/* What JSON strings and numbers mean: unescaping, comparing, converting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/json_scan.h>
#include <base/text.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FFFD         "\xef\xbf\xbd"

static void strings_unescape(void **state)
{
    (void)state;
    static const struct {
        const char *text, *plain;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
        {"\\u0041\\u00e9\\u20AC", "A\xc3\xa9\xe2\x82\xac"},
        {"\\ud83d\\ude00!", "\xf0\x9f\x98\x80!"},
        {"\\uDBFF\\uDFFF", "\xf4\x8f\xbf\xbf"},
        {"\\ud83d", FFFD},
        {"\\ud83dx", FFFD "x"},
        {"\\ud83d\\n", FFFD "\n"},
        {"\\ud83d\\u0041", FFFD "A"},
        {"\\ud83d\\ud83d\\ude00", FFFD "\xf0\x9f\x98\x80"},
        {"\\ude00", FFFD},
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"a\xff"
         "b",
         "a" FFFD "b"},
        {"\xe2\x82", FFFD},
        {"\xed\xa0\x80", FFFD FFFD FFFD},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tokperf_span text = tkp_span(cases[i].text);
        size_t want = strlen(cases[i].plain);
        for (size_t capacity = 0; capacity <= 3 * text.len; capacity++) {
            char *out = malloc(capacity ? capacity : 1);
            uint64_t len = 99;
            assert_non_null(out);
            tokperf_status status = tkp_json_unescape(text, out, capacity, &len);
            assert_int_equal(status, capacity < want ? TOKPERF_E_LIMIT : TOKPERF_OK);
            assert_int_equal(len, capacity < want ? 0 : want);
            assert_memory_equal(out, cases[i].plain, len);
            free(out);
        }
        assert_true(tkp_json_equals(text, 1, tkp_span(cases[i].plain)));
    }
    char out[10];
    uint64_t len;
    assert_int_equal(tkp_json_unescape((struct tokperf_span){NULL, 0}, out, 10, &len), TOKPERF_OK);
    static const char *const broken[] = {"\\", "\\x", "\\u", "\\u12", "\\u12G4", "a\\"};
    for (size_t i = 0; i < COUNT(broken); i++) {
        assert_int_equal(tkp_json_unescape(tkp_span(broken[i]), out, 10, &len), TOKPERF_E_PARSE);
        assert_false(tkp_json_equals(tkp_span(broken[i]), 1, tkp_span("a")));
    }
}

static void strings_compare(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t escaped;
        const char *plain;
        uint32_t want;
    } cases[] = {
        {"content", 0, "content", 1},
        {"content", 0, "contents", 0},
        {"content", 0, "conten", 0},
        {"\\u0063ontent", 1, "content", 1},
        {"a\\nb", 1, "a\nb", 1},
        {"a\\nb", 1, "a\nc", 0},
        {"a\\n", 1, "a", 0},
        {"a\\n", 1, "a\nb", 0},
        {"", 0, "", 1},
        {"", 0, "a", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(
            tkp_json_equals(tkp_span(cases[i].text), cases[i].escaped, tkp_span(cases[i].plain)),
            cases[i].want);
}

static void integers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        tokperf_status status;
        int64_t value;
    } cases[] = {
        {"0", TOKPERF_OK, 0},
        {"-0", TOKPERF_OK, 0},
        {"42", TOKPERF_OK, 42},
        {"9223372036854775807", TOKPERF_OK, INT64_MAX},
        {"-9223372036854775808", TOKPERF_OK, INT64_MIN},
        {"9223372036854775808", TOKPERF_E_INVALID, 0},
        {"1.0", TOKPERF_E_INVALID, 0},
        {"1e3", TOKPERF_E_INVALID, 0},
        {"1000000000000000000000000000000000", TOKPERF_E_LIMIT, 0},
        {"", TOKPERF_E_INVALID, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t value = 0;
        assert_int_equal(tkp_json_to_int(tkp_span(cases[i].text), &value), cases[i].status);
        assert_true(value == cases[i].value);
    }
    int64_t value;
    assert_int_not_equal(tkp_json_to_int((struct tokperf_span){"1\0", 2}, &value), TOKPERF_OK);
}

static void doubles(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        tokperf_status status;
        double value;
    } cases[] = {
        {"0", TOKPERF_OK, 0},
        {"-1.5e3", TOKPERF_OK, -1500},
        {"-7", TOKPERF_OK, -7},
        {"48", TOKPERF_OK, 48},
        {"48x", TOKPERF_E_INVALID, 0},
        {"999999999999999", TOKPERF_OK, 999999999999999.0},
        {"1234567890123456", TOKPERF_OK, 1234567890123456.0},
        {"0.1", TOKPERF_OK, 0.1},
        {"123456789.123456789", TOKPERF_OK, 123456789.123456789},
        {"9007199254740993", TOKPERF_OK, 9007199254740992.0},
        {"1e22", TOKPERF_OK, 1e22},
        {"1e23", TOKPERF_OK, 1e23},
        {"1.7976931348623157e308", TOKPERF_OK, 1.7976931348623157e308},
        {"1e-400", TOKPERF_OK, 0},
        {"1e309", TOKPERF_E_INVALID, 0},
        {"x", TOKPERF_E_INVALID, 0},
        {"", TOKPERF_E_INVALID, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        double value = 0;
        assert_int_equal(tkp_json_to_double(tkp_span(cases[i].text), &value), cases[i].status);
        assert_memory_equal(&value, &cases[i].value, sizeof value);
    }
    char digits[5000];
    memset(digits, '1', sizeof digits);
    double value;
    struct tokperf_span span = {digits, sizeof digits};
    assert_int_equal(tkp_json_to_double(span, &value), TOKPERF_E_LIMIT);
    span.len = 300;
    assert_int_equal(tkp_json_to_double(span, &value), TOKPERF_OK);
    span = (struct tokperf_span){"12345", 2}; /* not NUL-terminated where it ends */
    assert_int_equal(tkp_json_to_double(span, &value), TOKPERF_OK);
    assert_true(value == 12);
}

static void the_service_is_complete(void **state)
{
    (void)state;
    const struct tokperf_json_v1 *json = &tkp_json_service;
    assert_int_equal(json->struct_size, sizeof *json);
    assert_true(json->open && json->next && json->skip && json->error_text && json->equals &&
                json->unescape && json->to_int && json->to_double);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_unescape),
        cmocka_unit_test(strings_compare),
        cmocka_unit_test(integers),
        cmocka_unit_test(doubles),
        cmocka_unit_test(the_service_is_complete),
    };
    return cmocka_run_group_tests_name("json_value", tests, NULL, NULL);
}

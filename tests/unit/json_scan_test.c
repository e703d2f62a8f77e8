/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON scanner against the grammar of RFC 8259. Every text is scanned from a heap copy of its
 * exact size, so that AddressSanitizer sees a read past the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/json_scan.h>
#include <base/text.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct text {
    const char *data;
    size_t len;
};
#define TEXT(literal)               \
    {                               \
        literal, sizeof literal - 1 \
    }

/* A document with every kind of token, escape and number; its prefixes are all incomplete. */
static const char everything[] =
    " {\"id\" : \"chatcmpl-123456789abcdef\" , \"a\\u00e9\\n\\\"\":[ 1,-0.5e+3 ,0, 10.25E-2,"
    "true,false , null,[],{ },[[{\"k\":[\"\"]}]]], \"long\":\"0123456789abcdef0123456789\\\\abcdef"
    "0123456789abcdef\\ud83d\\ude00\",\"utf8\":\"\xe2\x82\xac caf\xc3\xa9\"} ";

static char *exact(const char *data, size_t len)
{
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, data, len);
    return copy;
}

/* Walks to END or ERROR and returns it. Counts the tokens; there are at most len + 1. */
static uint32_t walk(struct tokperf_json *scan, const char *data, size_t len)
{
    uint32_t token;
    size_t tokens = 0;
    tkp_json_open(scan, data, len);
    while ((token = tkp_json_next(scan)) > TOKPERF_JSON_ERROR) {
        assert_true(++tokens <= len);
        assert_true(scan->depth <= TOKPERF_JSON_MAX_DEPTH);
        if (token == TOKPERF_JSON_KEY || token == TOKPERF_JSON_STRING ||
            token == TOKPERF_JSON_NUMBER)
            assert_true(scan->text.data >= data && scan->text.data + scan->text.len <= data + len);
    }
    assert_true(scan->error_offset <= len);
    assert_int_equal(tkp_json_next(scan), token); /* both repeat */
    return token;
}

/* The same by skip() at once: it must come to the same verdict at the same place. */
static uint32_t skip_over(struct tokperf_json *scan, const char *data, size_t len)
{
    tkp_json_open(scan, data, len);
    tokperf_status status = tkp_json_skip(scan, NULL);
    uint32_t token = tkp_json_next(scan);
    assert_int_equal(status == TOKPERF_OK || token == TOKPERF_JSON_ERROR, 1);
    return token;
}

static void assert_verdict(const char *data, size_t len, uint32_t want)
{
    char *copy = exact(data, len);
    struct tokperf_json walked, skipped;
    uint32_t token = walk(&walked, copy, len);
    if (token != want)
        fail_msg("'%.*s': token %u instead of %u: %s at %llu", (int)len, data, token, want,
                 tkp_json_error_text(&walked), (unsigned long long)walked.error_offset);
    assert_int_equal(skip_over(&skipped, copy, len), want);
    assert_int_equal(skipped.error, walked.error);
    assert_int_equal(skipped.error_offset, walked.error_offset);
    free(copy);
}

static void valid_texts_are_accepted(void **state)
{
    (void)state;
    static const struct text texts[] = {
        TEXT("0"),
        TEXT("-0"),
        TEXT("1"),
        TEXT("-1"),
        TEXT("123"),
        TEXT("0.1"),
        TEXT("1e5"),
        TEXT("1E+5"),
        TEXT("1e-05"),
        TEXT("0e0"),
        TEXT("-0.0e-0"),
        TEXT("1e99999"),
        TEXT("12345678901234567890123456789012345678901234567890"),
        TEXT("true"),
        TEXT("false"),
        TEXT("null"),
        TEXT("\"\""),
        TEXT("\"a\""),
        TEXT(" \t\r\n1 \n"),
        TEXT("[]"),
        TEXT("{}"),
        TEXT("[ ]"),
        TEXT("{ }"),
        TEXT("[1]"),
        TEXT("[1,2]"),
        TEXT("[ 1 , 2 ]"),
        TEXT("[[]]"),
        TEXT("[[],[]]"),
        TEXT("[{}]"),
        TEXT("{\"\":0}"),
        TEXT("{\"a\":1}"),
        TEXT("{ \"a\" : 1 , \"b\" : [ ] }"),
        TEXT("{\"a\":1,\"a\":2}"),
        TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
        TEXT("\"\\u0000\""),
        TEXT("\"\\uFFFF\\uabCD\""),
        TEXT("\"\\ud800\""),
        TEXT("\"\\udc00\\ud800\""), /* i_: unpaired surrogates */
        TEXT("\"\x7f\""),
        TEXT("\"\xff\xc0\x80\""), /* i_: not UTF-8, passed on */
        TEXT("\"\xef\xbb\xbf\""),
        TEXT("\"/\""),
        TEXT("\"0123456789abcdef\""),
        TEXT("\"0123456789abcde\""),
        TEXT("\"0123456789abcdefg\""),
        TEXT("[null,true,false,0,\"\",[],{}]"),
        TEXT("{\"a\":{\"b\":{\"c\":[{\"d\":null}]}}}"),
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_verdict(texts[i].data, texts[i].len, TOKPERF_JSON_END);
    assert_verdict(everything, sizeof everything - 1, TOKPERF_JSON_END);
}

/* Wrong at its offset, for one reason. */
static const struct {
    struct text text;
    uint64_t offset;
    const char *says;
} faults[] = {
    {TEXT(""), 0, "ends before"},
    {TEXT(" "), 1, "ends before"},
    {TEXT("["), 1, "ends before"},
    {TEXT("{"), 1, "ends before"},
    {TEXT("\""), 1, "ends before"},
    {TEXT("-"), 1, "ends before"},
    {TEXT("tru"), 3, "ends before"},
    {TEXT("\"a\\"), 3, "ends before"},
    {TEXT("\"\\u12"), 5, "ends before"},
    {TEXT("{\"a\""), 4, "ends before"},
    {TEXT("{\"a\":"), 5, "ends before"},
    {TEXT("[1,"), 3, "ends before"},
    {TEXT("[1 "), 3, "ends before"},
    {TEXT("1."), 2, "ends before"},
    {TEXT("1e"), 2, "ends before"},
    {TEXT("1e+"), 3, "ends before"},
    {TEXT("]"), 0, "a value is expected"},
    {TEXT("}"), 0, "a value is expected"},
    {TEXT(","), 0, "a value is expected"},
    {TEXT(":"), 0, "a value is expected"},
    {TEXT("[,1]"), 1, "a value is expected"},
    {TEXT("[1,]"), 3, "a value is expected"},
    {TEXT("[1,,2]"), 3, "a value is expected"},
    {TEXT("{\"a\":}"), 5, "a value is expected"},
    {TEXT("'a'"), 0, "a value is expected"},
    {TEXT("+1"), 0, "a value is expected"},
    {TEXT(".5"), 0, "a value is expected"},
    {TEXT("NaN"), 0, "a value is expected"},
    {TEXT("Infinity"), 0, "a value is expected"},
    {TEXT("True"), 0, "a value is expected"},
    {TEXT("/**/1"), 0, "a value is expected"},
    {TEXT("\xef\xbb\xbf{}"), 0, "a value is expected"}, /* a byte order mark */
    {TEXT("\0"), 0, "a value is expected"},
    {TEXT("\f1"), 0, "a value is expected"}, /* a form feed is no space */
    {TEXT("\xc2\xa0"), 0, "a value is expected"},
    {TEXT("{1:2}"), 1, "a key in double quotes"},
    {TEXT("{a:1}"), 1, "a key in double quotes"},
    {TEXT("{,}"), 1, "a key in double quotes"},
    {TEXT("{\"a\":1,}"), 7, "a key in double quotes"},
    {TEXT("{]"), 1, "a key in double quotes"},
    {TEXT("{\"a\" 1}"), 5, "a colon"},
    {TEXT("{\"a\",1}"), 4, "a colon"},
    {TEXT("{\"a\"}"), 4, "a colon"},
    {TEXT("{\"a\"::1}"), 5, "a value is expected"},
    {TEXT("{\"a\":1 \"b\":2}"), 7, "a comma or '}'"},
    {TEXT("{\"a\":1]"), 6, "a comma or '}'"},
    {TEXT("[1 2]"), 3, "a comma or ']'"},
    {TEXT("[1}"), 2, "a comma or ']'"},
    {TEXT("[\"a\":1]"), 4, "a comma or ']'"},
    {TEXT("[1\0]"), 2, "a comma or ']'"},
    {TEXT("1 2"), 2, "something follows"},
    {TEXT("{}}"), 2, "something follows"},
    {TEXT("[]]"), 2, "something follows"},
    {TEXT("\"a\"\"b\""), 3, "something follows"},
    {TEXT("1,"), 1, "something follows"},
    {TEXT("1\0"), 1, "something follows"},
    {TEXT("{}#"), 2, "something follows"},
    {TEXT("0x1"), 1, "something follows"},
    {TEXT("truE"), 3, "only true, false and null"},
    {TEXT("nul1"), 3, "only true, false and null"},
    {TEXT("falze"), 3, "only true, false and null"},
    {TEXT("[nan]"), 2, "only true, false and null"},
    {TEXT("truex"), 4, "something follows"},
    {TEXT("-a"), 1, "a digit"},
    {TEXT("--1"), 1, "a digit"},
    {TEXT("-.5"), 1, "a digit"},
    {TEXT("[1.]"), 3, "a digit"},
    {TEXT("[1.e1]"), 3, "a digit"},
    {TEXT("[1e]"), 3, "a digit"},
    {TEXT("[1e+]"), 4, "a digit"},
    {TEXT("[1e1.5]"), 4, "a comma or ']'"},
    {TEXT("01"), 0, "may not begin with zero"},
    {TEXT("-012"), 1, "may not begin with zero"},
    {TEXT("00"), 0, "may not begin with zero"},
    {TEXT("\"a\nb\""), 2, "a control character"},
    {TEXT("\"\0\""), 1, "a control character"},
    {TEXT("\"\x1f\""), 1, "a control character"},
    {TEXT("\"0123456789abcdefghij\tk\""), 21, "a control character"},
    {TEXT("\"\\n\t\""), 3, "a control character"},
    {TEXT("{\"a\tb\":1}"), 3, "a control character"},
    {TEXT("\"\\a\""), 2, "the escape"},
    {TEXT("\"\\'\""), 2, "the escape"},
    {TEXT("\"\\x41\""), 2, "the escape"},
    {TEXT("\"\\\0\""), 2, "the escape"},
    {TEXT("\"\\U0041\""), 2, "the escape"},
    {TEXT("\"\\u12g4\""), 5, "four hexadecimal digits"},
    {TEXT("\"\\u\""), 3, "four hexadecimal digits"},
    {TEXT("\"\\u 123\""), 3, "four hexadecimal digits"},
    {TEXT("\"\\u123\""), 6, "four hexadecimal digits"},
    {TEXT("\"\\u\x10\x11\x12\x13\""), 3, "four hexadecimal digits"}, /* | 32 makes digits */
};

static void faults_have_a_place_and_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct tokperf_json scan;
        assert_verdict(faults[i].text.data, faults[i].text.len, TOKPERF_JSON_ERROR);
        walk(&scan, faults[i].text.data, faults[i].text.len);
        if (scan.error_offset != faults[i].offset ||
            !strstr(tkp_json_error_text(&scan), faults[i].says))
            fail_msg("'%s': %s at %llu", faults[i].text.data, tkp_json_error_text(&scan),
                     (unsigned long long)scan.error_offset);
        assert_int_equal(tkp_json_skip(&scan, NULL), TOKPERF_E_PARSE);
    }
}

static void every_prefix_ends_early(void **state)
{
    (void)state;
    size_t len = sizeof everything - 2; /* without the space at the end */
    for (size_t n = 0; n < len; n++) {
        struct tokperf_json scan;
        assert_verdict(everything, n, TOKPERF_JSON_ERROR);
        walk(&scan, everything, n);
        if (scan.error_offset != n || !strstr(tkp_json_error_text(&scan), "ends before"))
            fail_msg("prefix %zu: %s at %llu", n, tkp_json_error_text(&scan),
                     (unsigned long long)scan.error_offset);
    }
}

/* A quote, a backslash or a control byte at each place of strings around the 16-byte step. */
static void strings_of_every_length(void **state)
{
    (void)state;
    for (size_t len = 0; len < 70; len++)
        for (size_t at = 0; at <= len; at++) {
            char text[80];
            memset(text, 'x', sizeof text);
            text[0] = '"';
            text[len + 1] = '"';
            if (at < len)
                text[at + 1] = '\x80';
            assert_verdict(text, len + 2, TOKPERF_JSON_END);
            if (at == len)
                continue;
            text[at + 1] = '\x1f';
            assert_verdict(text, len + 2, TOKPERF_JSON_ERROR);
            text[at + 1] = '"';
            assert_verdict(text, len + 2, TOKPERF_JSON_ERROR);
            if (at + 1 < len) {
                text[at + 1] = '\\';
                text[at + 2] = 'n';
                assert_verdict(text, len + 2, TOKPERF_JSON_END);
            }
        }
}

static void tokens_come_in_order(void **state)
{
    (void)state;
    static const struct {
        uint32_t token;
        const char *text;
        uint32_t escaped, depth;
    } want[] = {
        {TOKPERF_JSON_OBJECT_BEGIN, NULL, 0, 1}, {TOKPERF_JSON_KEY, "a", 0, 1},
        {TOKPERF_JSON_ARRAY_BEGIN, NULL, 0, 2},  {TOKPERF_JSON_NUMBER, "-1.5e3", 0, 2},
        {TOKPERF_JSON_STRING, "x\\ny", 1, 2},    {TOKPERF_JSON_STRING, "", 0, 2},
        {TOKPERF_JSON_TRUE, NULL, 0, 2},         {TOKPERF_JSON_FALSE, NULL, 0, 2},
        {TOKPERF_JSON_NULL, NULL, 0, 2},         {TOKPERF_JSON_ARRAY_END, NULL, 0, 1},
        {TOKPERF_JSON_KEY, "\\u0062", 1, 1},     {TOKPERF_JSON_OBJECT_BEGIN, NULL, 0, 2},
        {TOKPERF_JSON_OBJECT_END, NULL, 0, 1},   {TOKPERF_JSON_OBJECT_END, NULL, 0, 0},
        {TOKPERF_JSON_END, NULL, 0, 0},
    };
    static const char text[] =
        "{\"a\": [-1.5e3,\"x\\ny\",\"\",true,false,null], \"\\u0062\" :{}}\n";
    struct tokperf_json scan;
    tkp_json_open(&scan, text, sizeof text - 1);
    for (size_t i = 0; i < COUNT(want); i++) {
        assert_int_equal(tkp_json_next(&scan), want[i].token);
        assert_int_equal(scan.depth, want[i].depth);
        if (!want[i].text)
            continue;
        assert_true(tkp_span_is(scan.text, want[i].text));
        if (want[i].token != TOKPERF_JSON_NUMBER)
            assert_int_equal(scan.escaped, want[i].escaped);
    }
    assert_string_equal(tkp_json_error_text(&scan), "no error");
}

static void depth_is_bounded(void **state)
{
    (void)state;
    for (int object = 0; object < 2; object++)
        for (int depth = 126; depth <= 130; depth++) {
            char text[130 * 7 + 1];
            size_t len = 0;
            for (int i = 0; i < depth; i++)
                len += (size_t)snprintf(text + len, sizeof text - len, "%s",
                                        object && i % 3 ? "{\"a\":" : "[");
            text[len++] = '1';
            for (int i = depth - 1; i >= 0; i--)
                text[len++] = object && i % 3 ? '}' : ']';
            assert_verdict(text, len, depth <= 128 ? TOKPERF_JSON_END : TOKPERF_JSON_ERROR);
        }
    char brackets[100000];
    memset(brackets, '[', sizeof brackets);
    struct tokperf_json scan;
    assert_int_equal(walk(&scan, brackets, sizeof brackets), TOKPERF_JSON_ERROR);
    assert_int_equal(scan.error_offset, 128);
    assert_non_null(strstr(tkp_json_error_text(&scan), "nested"));
}

static void skip_gives_the_raw_value(void **state)
{
    (void)state;
    static const char text[] = "{\"a\" : [1, {\"b\":\"]\"} ] ,\"c\":\"q\\\"\",\"d\": -1 }";
    static const char *const raws[] = {"[1, {\"b\":\"]\"} ]", "\"q\\\"\"", "-1"};
    struct tokperf_json scan;
    struct tokperf_span raw;
    tkp_json_open(&scan, text, sizeof text - 1);
    assert_int_equal(tkp_json_next(&scan), TOKPERF_JSON_OBJECT_BEGIN);
    for (size_t i = 0; i < COUNT(raws); i++) {
        assert_int_equal(tkp_json_skip(&scan, &raw), TOKPERF_E_STATE); /* a key comes first */
        assert_int_equal(tkp_json_next(&scan), TOKPERF_JSON_KEY);
        assert_int_equal(tkp_json_skip(&scan, &raw), TOKPERF_OK);
        assert_true(tkp_span_is(raw, raws[i]));
    }
    assert_int_equal(tkp_json_skip(&scan, &raw), TOKPERF_E_STATE);
    assert_int_equal(tkp_json_next(&scan), TOKPERF_JSON_OBJECT_END);
    assert_int_equal(tkp_json_skip(&scan, &raw), TOKPERF_E_STATE);
    assert_int_equal(tkp_json_next(&scan), TOKPERF_JSON_END);
}

static void skip_walks_an_array(void **state)
{
    (void)state;
    static const char text[] = " [ 1 , [2,3] ,null ] ";
    static const char *const raws[] = {"1", "[2,3]", "null"};
    struct tokperf_json scan;
    struct tokperf_span raw;
    tkp_json_open(&scan, text, sizeof text - 1);
    assert_int_equal(tkp_json_next(&scan), TOKPERF_JSON_ARRAY_BEGIN);
    for (size_t i = 0; i < COUNT(raws); i++) {
        assert_int_equal(tkp_json_skip(&scan, &raw), TOKPERF_OK);
        assert_true(tkp_span_is(raw, raws[i]));
    }
    assert_int_equal(tkp_json_skip(&scan, &raw), TOKPERF_E_STATE);
    assert_int_equal(tkp_json_next(&scan), TOKPERF_JSON_ARRAY_END);
    assert_int_equal(tkp_json_next(&scan), TOKPERF_JSON_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_texts_are_accepted),
        cmocka_unit_test(faults_have_a_place_and_a_reason),
        cmocka_unit_test(every_prefix_ends_early),
        cmocka_unit_test(strings_of_every_length),
        cmocka_unit_test(tokens_come_in_order),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(skip_gives_the_raw_value),
        cmocka_unit_test(skip_walks_an_array),
    };
    return cmocka_run_group_tests_name("json_scan", tests, NULL, NULL);
}

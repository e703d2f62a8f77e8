/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer: punctuation, escapes, numbers, both layouts, and that it reads back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/buffer.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <math.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

static void open_writer(struct tokperf_json_writer *w, struct tkp_buffer *b, uint32_t flags)
{
    tkp_buffer_init(b, 1 << 20);
    struct tokperf_sink sink = tkp_buffer_sink(b);
    json->open(w, &sink, flags);
}

static void write_sample(struct tokperf_json_writer *w)
{
    json->object_begin(w);
    json->key(w, TOKPERF_SPAN("a"));
    json->integer(w, INT64_MIN);
    json->key(w, TOKPERF_SPAN("b"));
    json->array_begin(w);
    json->boolean(w, 1);
    json->boolean(w, 0);
    json->null(w);
    json->array_begin(w);
    json->array_end(w);
    json->object_begin(w);
    json->object_end(w);
    json->array_end(w);
    tkp_json_write_pair(w, "c", "text");
    tkp_json_write_pair(w, "left out", NULL);
    json->key(w, TOKPERF_SPAN("d"));
    json->raw(w, TOKPERF_SPAN("{\"r\":1}"));
    json->object_end(w);
}

static void one_line(void **state)
{
    (void)state;
    struct tkp_buffer b;
    struct tokperf_json_writer w;
    open_writer(&w, &b, 0);
    write_sample(&w);
    assert_string_equal(tkp_buffer_text(&b),
                        "{\"a\":-9223372036854775808,\"b\":[true,false,null,[],{}],"
                        "\"c\":\"text\",\"d\":{\"r\":1}}");
    tkp_buffer_finish(&b);
}

static void indented(void **state)
{
    (void)state;
    struct tkp_buffer b;
    struct tokperf_json_writer w;
    open_writer(&w, &b, TOKPERF_JSON_INDENT);
    write_sample(&w);
    assert_string_equal(tkp_buffer_text(&b), "{\n"
                                             "  \"a\": -9223372036854775808,\n"
                                             "  \"b\": [\n"
                                             "    true,\n"
                                             "    false,\n"
                                             "    null,\n"
                                             "    [],\n"
                                             "    {}\n"
                                             "  ],\n"
                                             "  \"c\": \"text\",\n"
                                             "  \"d\": {\"r\":1}\n"
                                             "}");
    tkp_buffer_finish(&b);
}

static void strings(void **state)
{
    (void)state;
    static const struct {
        struct tokperf_span text;
        const char *want;
    } cases[] = {
        {{NULL, 0}, "\"\""},
        {{"plain", 5}, "\"plain\""},
        {{"q\"b\\/", 5}, "\"q\\\"b\\\\/\""},
        {{"\b\f\n\r\t", 5}, "\"\\b\\f\\n\\r\\t\""},
        {{"\0\x1f\x7f", 3}, "\"\\u0000\\u001f\x7f\""},
        {{"\xc3\xa9\xf0\x9f\x98\x80", 6}, "\"\xc3\xa9\xf0\x9f\x98\x80\""},
        {{"a\xff"
          "b",
          3},
         "\"a\xef\xbf\xbd"
         "b\""},
        {{"\xe2\x82", 2}, "\"\xef\xbf\xbd\""},
        {{"\xed\xa0\x80", 3}, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tkp_buffer b;
        struct tokperf_json_writer w;
        open_writer(&w, &b, 0);
        json->string(&w, cases[i].text);
        assert_string_equal(tkp_buffer_text(&b), cases[i].want);
        tkp_buffer_finish(&b);
    }
}

static void numbers(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *want;
    } cases[] = {
        {0, "0"},
        {12, "12"},
        {-3, "-3"},
        {0.1, "0.1"},
        {1e14, "100000000000000"},
        {1e15, "1e+15"},
        {1e300, "1e+300"},
        {1e-7, "1e-07"},
        {(double)NAN, "null"},
        {(double)INFINITY, "null"},
        {-(double)INFINITY, "null"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tkp_buffer b;
        struct tokperf_json_writer w;
        open_writer(&w, &b, 0);
        json->number(&w, cases[i].value);
        assert_string_equal(tkp_buffer_text(&b), cases[i].want);
        struct tokperf_json scan;
        tkp_json_open(&scan, b.data, b.len);
        assert_int_equal(tkp_json_skip(&scan, NULL), TOKPERF_OK);
        assert_int_equal(tkp_json_next(&scan), TOKPERF_JSON_END);
        tkp_buffer_finish(&b);
    }
}

static void any_bytes_read_back(void **state)
{
    (void)state;
    char text[256], out[3 * 512];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    struct tkp_buffer b;
    struct tokperf_json_writer w;
    open_writer(&w, &b, 0);
    json->string(&w, (struct tokperf_span){text, sizeof text});
    struct tokperf_json scan;
    tkp_json_open(&scan, b.data, b.len);
    assert_int_equal(tkp_json_next(&scan), TOKPERF_JSON_STRING);
    uint64_t len;
    assert_int_equal(tkp_json_unescape(scan.text, out, sizeof out, &len), TOKPERF_OK);
    assert_true(tkp_text_is_utf8(out, len));
    assert_memory_equal(out, text, 128);
    assert_memory_equal(out + 128, "\xef\xbf\xbd", 3);
    tkp_buffer_finish(&b);
}

static void deep_nesting_keeps_commas(void **state)
{
    (void)state;
    struct tkp_buffer b;
    struct tokperf_json_writer w;
    open_writer(&w, &b, 0);
    for (int i = 0; i < TOKPERF_JSON_MAX_DEPTH; i++) {
        json->array_begin(&w);
        json->integer(&w, 1);
    }
    for (int i = 0; i < TOKPERF_JSON_MAX_DEPTH; i++) {
        json->integer(&w, 2);
        json->array_end(&w);
    }
    json->array_end(&w); /* one too many is left out */
    struct tokperf_json scan;
    tkp_json_open(&scan, b.data, b.len);
    assert_int_equal(tkp_json_skip(&scan, NULL), TOKPERF_OK);
    assert_int_equal(tkp_json_next(&scan), TOKPERF_JSON_END);
    tkp_buffer_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line),
        cmocka_unit_test(indented),
        cmocka_unit_test(strings),
        cmocka_unit_test(numbers),
        cmocka_unit_test(any_bytes_read_back),
        cmocka_unit_test(deep_nesting_keeps_commas),
    };
    return cmocka_run_group_tests_name("json_write", tests, NULL, NULL);
}

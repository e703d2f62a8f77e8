/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes through the JSON scanner: walking and skipping agree, what comes out lies inside the
 * input, and unescaped strings are UTF-8 that the writer brings back.
 */
#include <base/buffer.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "json_scan: %s\n", what);
    abort();
}

/* Unescaped text written again must read back the same. */
static void check_string(struct tokperf_span text)
{
    size_t capacity = 3 * text.len + 1;
    char *first = malloc(2 * capacity);
    uint64_t len = 0, again_len = 0;
    if (!first)
        return;
    require(tkp_json_unescape(text, first, capacity, &len) == TOKPERF_OK, "a string is refused");
    require(tkp_text_is_utf8(first, len), "unescaped text is not UTF-8");
    require(tkp_json_equals(text, 1, (struct tokperf_span){first, len}), "not equal to itself");
    struct tkp_buffer b;
    struct tokperf_json_writer w;
    struct tokperf_json scan;
    tkp_buffer_init(&b, SIZE_MAX - 1);
    struct tokperf_sink sink = tkp_buffer_sink(&b);
    tkp_json_writer_service.open(&w, &sink, 0);
    tkp_json_writer_service.string(&w, (struct tokperf_span){first, len});
    tkp_json_open(&scan, b.data, b.len);
    require(tkp_json_next(&scan) == TOKPERF_JSON_STRING, "a written string is refused");
    tkp_json_unescape(scan.text, first + capacity, capacity, &again_len);
    require(len == again_len && !memcmp(first, first + capacity, len), "a string has changed");
    tkp_buffer_finish(&b);
    free(first);
}

static void check_number(struct tokperf_span text)
{
    double real;
    int64_t integer;
    tokperf_status as_int = tkp_json_to_int(text, &integer);
    tokperf_status as_double = tkp_json_to_double(text, &real);
    if (as_int == TOKPERF_OK)
        require(as_double == TOKPERF_OK && real == (double)integer, "two values of one number");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct tokperf_json walked, skipped;
    tkp_json_open(&walked, text, size);
    uint32_t token;
    while ((token = tkp_json_next(&walked)) > TOKPERF_JSON_ERROR) {
        if (token != TOKPERF_JSON_KEY && token != TOKPERF_JSON_STRING &&
            token != TOKPERF_JSON_NUMBER)
            continue;
        require(walked.text.data >= text && walked.text.data + walked.text.len <= text + size,
                "a token lies outside the input");
        if (token == TOKPERF_JSON_NUMBER)
            check_number(walked.text);
        else
            check_string(walked.text);
    }
    tkp_json_open(&skipped, text, size);
    tokperf_status status = tkp_json_skip(&skipped, NULL);
    require(tkp_json_next(&skipped) == token, "skip and next disagree");
    require(skipped.error == walked.error && skipped.error_offset == walked.error_offset,
            "skip and next fail in different places");
    require(status == TOKPERF_OK || token == TOKPERF_JSON_ERROR, "skip fails alone");
    return 0;
}

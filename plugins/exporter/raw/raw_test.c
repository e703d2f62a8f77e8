/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of requests with what was sent and what came. */
#include "../test/exporter_fixture.h"
#include "events.h"

#include <string.h>
#include <tokperf/endpoint.h>

static struct tokperf_span span(const char *text)
{
    return (struct tokperf_span){text, strlen(text)};
}

static struct tokperf_raw sample(void)
{
    return (struct tokperf_raw){
        .struct_size = sizeof(struct tokperf_raw),
        .framing = TOKPERF_FRAMING_SSE,
        .request_head = span("POST /v1/x?key=<redacted> HTTP/1.1\r\nHost: h:1\r\n"
                             "Authorization: <redacted>\r\nX-Empty:\r\n\r\n"),
        .request_body = span("{\"a\":\n[1, 2]}"),
        .content_type = span("text/event-stream"),
    };
}

/* Exports the sample run, the first record with raw; its line. */
static const char *first_line(const struct tokperf_raw *raw, char *line, size_t capacity)
{
    struct sample_run run;
    sample_run_init(&run);
    run.records[0].raw = raw;
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    const char *text = exporter_file("profile_export_raw.jsonl");
    size_t len = strcspn(text, "\n");
    assert_true(len < capacity);
    memcpy(line, text, len);
    line[len] = '\0';
    return line;
}

#define assert_holds(line, part) assert_non_null(strstr(line, part))

static void a_stream(void **state)
{
    (void)state;
    static const char answer[] =
        ": hello\n\ndata: one\r\n\r\nevent: x\ndata:two\ndata\n\n\n\ndata: 3";
    static const struct tokperf_piece pieces[] = {{100, 5}, {200, 30}, {300, sizeof answer - 1}};
    struct tokperf_raw raw = sample();
    char line[4096];
    raw.answer_body = span(answer);
    raw.pieces = pieces;
    raw.piece_count = 3;
    first_line(&raw, line, sizeof line);
    assert_holds(line, "\"metadata\":{\"session_num\":");
    assert_holds(line, "\"start_perf_ns\":");
    assert_holds(
        line, "\"method\":\"POST\",\"path\":\"/v1/x?key=<redacted>\",\"payload\":{\"a\": [1, 2]},"
              "\"request_headers\":{\"Host\":\"h:1\",\"Authorization\":\"<redacted>\","
              "\"X-Empty\":\"\"}");
    assert_holds(
        line,
        "\"responses\":[{\"perf_ns\":200,\"packets\":[{\"name\":\"comment\",\"value\":\"hello\"}]},"
        "{\"perf_ns\":200,\"packets\":[{\"name\":\"data\",\"value\":\"one\"}]},"
        "{\"perf_ns\":300,\"packets\":[{\"name\":\"event\",\"value\":\"x\"},"
        "{\"name\":\"data\",\"value\":\"two\"},{\"name\":\"data\",\"value\":\"\"}]},"
        "{\"perf_ns\":300,\"packets\":[{\"name\":\"data\",\"value\":\"3\"}]}]");
    assert_null(strstr(line, "_cut"));
}

static void other_framings(void **state)
{
    (void)state;
    static const struct tokperf_piece pieces[] = {{100, 3}, {200, 9}};
    struct tokperf_raw raw = sample();
    char line[4096];
    raw.answer_body = span("{1}\n\n{22}");
    raw.content_type = span("application/x-ndjson");
    raw.framing = TOKPERF_FRAMING_NDJSON;
    raw.pieces = pieces;
    raw.piece_count = 2;
    first_line(&raw, line, sizeof line);
    assert_holds(line,
                 "\"responses\":[{\"perf_ns\":200,\"content_type\":\"application/x-ndjson\","
                 "\"text\":\"{1}\"},{\"perf_ns\":200,\"content_type\":\"application/x-ndjson\","
                 "\"text\":\"{22}\"}]");
    raw.framing = TOKPERF_FRAMING_WHOLE;
    raw.piece_count = 0; /* no time is known */
    raw.content_type = span("");
    first_line(&raw, line, sizeof line);
    assert_holds(line, "\"responses\":[{\"text\":\"{1}\\n\\n{22}\"}]");
}

static void bytes_that_are_not_utf8(void **state)
{
    (void)state;
    struct tokperf_raw raw = sample();
    char line[4096];
    raw.framing = TOKPERF_FRAMING_WHOLE;
    raw.request_body = span("{\"a\":\"\xff\"}");
    raw.answer_body = span("\xc3(\xe2\x82\xac");
    raw.flags = TOKPERF_RAW_ANSWER_CUT;
    first_line(&raw, line, sizeof line);
    assert_holds(line, "\"payload\":\"{\\\"a\\\":\\\"\xef\xbf\xbd\\\"}\"");
    assert_holds(line, "\"text\":\"\xef\xbf\xbd(\xe2\x82\xac\"");
    assert_holds(line, "\"response_cut\":true");
    assert_null(strstr(line, "request_cut"));
}

static void a_request_of_which_nothing_was_kept(void **state)
{
    (void)state;
    char line[4096];
    first_line(NULL, line, sizeof line);
    assert_holds(line, "\"status\":200");
    assert_null(strstr(line, "payload"));
    assert_null(strstr(line, "responses"));
}

static void messages_are_cut_like_a_stream(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        uint32_t count;
    } samples[] = {{"", 0},       {"\n\n\r\n", 0},   {"data: x", 1},        {"data: x\n", 1},
                   {"a\r\rb", 2}, {"a\n\nb\n\n", 2}, {"a\r\n\r\nb\r\n", 2}, {"a\nb\nc\n\n\n", 1}};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct raw_events events = {span(samples[i].body), 0};
        struct tokperf_span message;
        uint64_t end_bytes = 0, before = 0;
        uint32_t count = 0;
        while (raw_next_event(&events, &message, &end_bytes)) {
            assert_true(message.len > 0 && end_bytes > before && end_bytes <= events.body.len);
            before = end_bytes;
            count++;
        }
        assert_int_equal(count, samples[i].count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXPORTER_TEST(a_stream),
        EXPORTER_TEST(other_framings),
        EXPORTER_TEST(bytes_that_are_not_utf8),
        EXPORTER_TEST(a_request_of_which_nothing_was_kept),
        cmocka_unit_test(messages_are_cut_like_a_stream),
        EXPORTER_TEST(test_full_disk),
        EXPORTER_TEST(test_empty_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

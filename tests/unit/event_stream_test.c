/* SPDX-License-Identifier: Apache-2.0 */
/* Event streams and line streams: each whole, split at every byte, byte by byte: same events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <worker/lines.h>

enum { TEXT_BYTES = 4096 };

/* expected: per event "name|data;"; the one that only the end gives follows "last:". */
struct stream_case {
    const char *name, *bytes, *expected;
};

/* The conformance rows follow the examples and rules of HTML, 9.2.5 and 9.2.6. */
static const struct stream_case event_cases[] = {
    {"one", "data: a\n\n", "|a;"},
    {"no space", "data:a\n\n", "|a;"},
    {"only one space is dropped", "data:  a\n\n", "| a;"},
    {"crlf", "data: a\r\n\r\ndata: b\r\n\r\n", "|a;|b;"},
    {"crlf lines joined", "data: a\r\ndata: b\r\n\r\n", "|a\nb;"},
    {"cr", "data: a\r\rdata: b\r\r", "|a;|b;"},
    {"mixed ends", "data: a\r\n\ndata: b\n\rdata: c\r\r\n", "|a;|b;|c;"},
    {"lines joined", "data: a\ndata: b\ndata: c\n\n", "|a\nb\nc;"},
    {"empty data lines", "data\n\ndata\ndata\n\ndata:", "|;|\n;last:|;"},
    {"byte order mark",
     "\xef\xbb\xbf"
     "data: a\n\n\xef\xbb\xbf"
     "data: b\n\n",
     "|a;"},
    {"mark alone", "\xef\xbb\xbf\n\ndata: a\n\n", "|a;"},
    {"half a mark",
     "\xef\xbb"
     "data: a\n\ndata: b\n\n",
     "|b;"},
    {"comments", ": hi\ndata: a\n:\n: there\ndata: b\n\n: bye\n\n", "|a\nb;"},
    {"names", "event: x\ndata: a\n\nevent: y\n\ndata: b\n\n", "x|a;|b;"},
    {"name between", "data: a\nevent: ping\ndata: b\n\n", "ping|a\nb;"},
    {"name between long lines", "data: a\nevent: ping\ndata: bbbbbbbbbbbbbbbbbbbbbbbb\n\n",
     "ping|a\nbbbbbbbbbbbbbbbbbbbbbbbb;"},
    {"name twice", "event: one\nevent: two\ndata: a\n\n", "two|a;"},
    {"name taken back", "event: one\nevent\ndata: a\n\n", "|a;"},
    {"id and retry", "id: 1\nretry: 10\ndata: a\nid\n\n", "|a;"},
    {"unknown fields", "datax: a\nDATA: b\n data: c\ndata : d\nfoo\ndata: e\n\n", "|e;"},
    {"colons in data", "data: a:b: c\n\n", "|a:b: c;"},
    {"stock example", "data: YHOO\ndata: +2\ndata: 10\n\n", "|YHOO\n+2\n10;"},
    {"three blocks",
     ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
     "data:  third event",
     "|first event;|second event;last:| third event;"},
    {"done without line end", "data: {}\n\ndata: [DONE]", "|{};last:|[DONE];"},
    {"done without blank line", "data: {}\n\ndata: [DONE]\n", "|{};last:|[DONE];"},
    {"done with half an end", "data: {}\r\n\r\ndata: [DONE]\r\n\r", "|{};|[DONE];"},
    {"nothing after it", "data: a\n\n:", "|a;"},
    {"chat",
     "data: {\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
     "\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\n\n"
     "data: {\"choices\":[{\"delta\":{\"content\":\" caf\\u00e9 \xf0\x9f\x98\x80\"}}]}\n\n"
     "data: [DONE]\n\n",
     "|{\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
     "\"delta\":{\"role\":\"assistant\",\"content\":null}}]};"
     "|{\"choices\":[{\"delta\":{\"content\":\" caf\\u00e9 \xf0\x9f\x98\x80\"}}]};|[DONE];"},
    {"messages",
     "event: message_start\ndata: {\"type\":\"message_start\"}\n\nevent: ping\n"
     "data: {\"type\": \"ping\"}\n\n",
     "message_start|{\"type\":\"message_start\"};ping|{\"type\": \"ping\"};"},
};

static const struct stream_case line_cases[] = {
    {"lines", "{\"a\":1}\n{\"b\":2}\n", "|{\"a\":1};|{\"b\":2};"},
    {"crlf and empty lines", "\r\na\r\n\n\r\nb\r\n", "|a;|b;"},
    {"no last end", "a\nbcd", "|a;last:|bcd;"},
    {"only an end", "\n", ""},
    {"last is a CR", "a\n\r", "|a;"},
};

static void add_event(char *text, struct tokperf_span name, struct tokperf_span data)
{
    size_t len = strlen(text);
    snprintf(text + len, TEXT_BYTES - len, "%.*s|%.*s;", (int)name.len, name.len ? name.data : "",
             (int)data.len, data.len ? data.data : "");
}

static void feed_events(struct tkp_event_stream *s, char *piece, size_t len, char *text)
{
    struct tkp_stream_event event;
    char *at = piece;
    while (tkp_event_stream_next(s, &at, piece + len, &event) == TKP_EVENT_READY)
        add_event(text, event.name, event.data);
    assert_ptr_equal(at, piece + len);
}

static void feed_lines(struct tkp_lines *lines, char *piece, size_t len, char *text)
{
    struct tokperf_span line;
    char *at = piece;
    while (tkp_lines_next(lines, &at, piece + len, &line) == TKP_EVENT_READY)
        add_event(text, (struct tokperf_span){0}, line);
    assert_ptr_equal(at, piece + len);
}

union reader {
    struct tkp_event_stream events;
    struct tkp_lines lines;
};

/* Feeds a copy of the exact size that is gone afterwards: what is needed later must be held. */
static void feed(union reader *r, bool lines, const char *bytes, size_t len, char *text)
{
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    if (lines)
        feed_lines(&r->lines, copy, len, text);
    else
        feed_events(&r->events, copy, len, text);
    memset(copy, '#', len);
    free(copy);
}

static void read_last(union reader *r, bool lines, char *text)
{
    struct tkp_stream_event event = {0};
    enum tkp_event_step step =
        lines ? tkp_lines_last(&r->lines, &event.data) : tkp_event_stream_last(&r->events, &event);
    if (step != TKP_EVENT_READY)
        return;
    size_t len = strlen(text);
    snprintf(text + len, TEXT_BYTES - len, "last:");
    add_event(text, event.name, event.data);
}

/* Pieces of `step` bytes after a first one of `split`. */
static void check(const struct stream_case *c, bool lines, size_t split, size_t step)
{
    struct tkp_spill_pool pool;
    union reader r;
    char text[TEXT_BYTES] = "";
    size_t len = strlen(c->bytes);
    tkp_spill_pool_init(&pool, 1 << 20);
    if (lines)
        tkp_lines_begin(&r.lines, &pool);
    else
        tkp_event_stream_begin(&r.events, &pool);
    feed(&r, lines, c->bytes, split, text);
    for (size_t at = split; at < len; at += step)
        feed(&r, lines, c->bytes + at, step < len - at ? step : len - at, text);
    read_last(&r, lines, text);
    if (strcmp(text, c->expected) != 0)
        fail_msg("%s, first piece %zu, then %zu: '%s' instead of '%s'", c->name, split, step, text,
                 c->expected);
    if (lines)
        tkp_lines_finish(&r.lines);
    else
        tkp_event_stream_finish(&r.events);
    tkp_spill_pool_finish(&pool);
}

static void check_all(const struct stream_case *cases, size_t count, bool lines)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(cases[i].bytes);
        for (size_t split = 0; split <= len; split++)
            check(&cases[i], lines, split, len);
        for (size_t step = 1; step <= 3; step++)
            check(&cases[i], lines, 0, step);
    }
}

static void events_are_the_same_however_they_come(void **state)
{
    (void)state;
    check_all(event_cases, sizeof event_cases / sizeof event_cases[0], false);
}

static void lines_are_the_same_however_they_come(void **state)
{
    (void)state;
    check_all(line_cases, sizeof line_cases / sizeof line_cases[0], true);
}

static void a_whole_event_is_not_copied(void **state)
{
    (void)state;
    struct tkp_spill_pool pool;
    struct tkp_event_stream s;
    struct tkp_stream_event event;
    char bytes[] = "data: abc\n\ndata: def\ndata: ghi\n\n";
    char *at = bytes;
    tkp_spill_pool_init(&pool, 0); /* no memory at all */
    tkp_event_stream_begin(&s, &pool);
    assert_int_equal(tkp_event_stream_next(&s, &at, bytes + sizeof bytes - 1, &event),
                     TKP_EVENT_READY);
    assert_ptr_equal(event.data.data, bytes + 6);
    assert_int_equal(tkp_event_stream_next(&s, &at, bytes + sizeof bytes - 1, &event),
                     TKP_EVENT_READY);
    assert_int_equal(event.data.len, 7);
    assert_int_equal(tkp_event_stream_next(&s, &at, bytes + sizeof bytes - 1, &event),
                     TKP_EVENT_MORE);
    tkp_event_stream_finish(&s);
}

/* Feeds 64 KiB pieces of one byte value until the reader stops or 32 MiB went in. */
static size_t feed_until_full(union reader *r, bool lines, enum tkp_event_step *step)
{
    static char piece[65536];
    struct tkp_stream_event event;
    size_t fed = 0;
    for (*step = TKP_EVENT_MORE; *step == TKP_EVENT_MORE && fed < (32u << 20);
         fed += sizeof piece) {
        char *at = piece;
        memset(piece, 'x', sizeof piece);
        *step = lines ? tkp_lines_next(&r->lines, &at, piece + sizeof piece, &event.data)
                      : tkp_event_stream_next(&r->events, &at, piece + sizeof piece, &event);
    }
    return fed;
}

static void events_and_lines_are_bounded(void **state)
{
    (void)state;
    struct tkp_spill_pool pool;
    union reader r;
    enum tkp_event_step step;
    tkp_spill_pool_init(&pool, 64u << 20);
    tkp_event_stream_begin(&r.events, &pool);
    assert_in_range(feed_until_full(&r, false, &step), TKP_EVENT_MAX_BYTES, 17u << 20);
    assert_int_equal(step, TKP_EVENT_TOO_LONG);
    tkp_event_stream_finish(&r.events);
    tkp_lines_begin(&r.lines, &pool);
    assert_in_range(feed_until_full(&r, true, &step), TKP_EVENT_MAX_BYTES, 17u << 20);
    assert_int_equal(step, TKP_EVENT_TOO_LONG);
    tkp_lines_finish(&r.lines);
    tkp_spill_pool_finish(&pool);

    tkp_spill_pool_init(&pool, 1u << 20);
    tkp_event_stream_begin(&r.events, &pool);
    assert_in_range(feed_until_full(&r, false, &step), 1u << 20, 2u << 20);
    assert_int_equal(step, TKP_EVENT_NO_MEMORY);
    tkp_event_stream_finish(&r.events);
    tkp_spill_pool_finish(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_the_same_however_they_come),
        cmocka_unit_test(lines_are_the_same_however_they_come),
        cmocka_unit_test(a_whole_event_is_not_copied),
        cmocka_unit_test(events_and_lines_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

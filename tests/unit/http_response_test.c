/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP/1.1 response parser: each response whole, split at every byte, and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <worker/http_response.h>

enum { TEXT_BYTES = 1024 };

/* What reading a response gave, as one text: comparing texts compares everything. */
struct outcome {
    char text[TEXT_BYTES];
    char body[TEXT_BYTES];
    size_t body_len;
    bool ended;
};

struct response_case {
    const char *name, *bytes, *expected;
    bool head_request;
};

static const char *const end_names[] = {[TKP_HTTP_END_BEFORE_STATUS] = "before_status",
                                        [TKP_HTTP_END_IN_HEAD] = "in_head",
                                        [TKP_HTTP_END_SHORT] = "short",
                                        [TKP_HTTP_END_CUT] = "cut",
                                        [TKP_HTTP_END_CLOSED] = "closed",
                                        [TKP_HTTP_END_AFTER] = "after"};

static void add_text(struct outcome *out, const char *text)
{
    size_t len = strlen(out->text);
    snprintf(out->text + len, sizeof out->text - len, "%s", text);
}

static void add_head(struct outcome *out, const struct tkp_http_response *r)
{
    char text[2 * TKP_ROW_MESSAGE_BYTES];
    snprintf(text, sizeof text, "%u type=%u keep=%d note=%s", r->status, r->content, r->keep_alive,
             r->noted ? tkp_row_error_message(r->noted) : "");
    add_text(out, text);
}

/* Feeds one piece from memory of its exact size, so that sanitizers see a read past it. */
static void feed(struct tkp_http_response *r, const char *bytes, size_t len, struct outcome *out)
{
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    char *at = copy, *end = copy + len;
    struct tokperf_span body;
    enum tkp_http_step step = TKP_HTTP_BODY;
    while (!out->ended && (step = tkp_http_response_next(r, &at, end, &body)) != TKP_HTTP_MORE) {
        if (step == TKP_HTTP_HEAD) {
            add_head(out, r);
        } else if (step == TKP_HTTP_BODY) {
            assert_true(body.len > 0 && out->body_len + body.len < TEXT_BYTES);
            memcpy(out->body + out->body_len, body.data, body.len);
            out->body_len += body.len;
        } else {
            add_text(out, " [");
            add_text(out, out->body);
            add_text(out, step == TKP_HTTP_DONE ? "] done" : "] bad: ");
            add_text(out, step == TKP_HTTP_BAD ? r->error : "");
            out->ended = true;
        }
    }
    free(copy);
}

static void end(struct tkp_http_response *r, struct outcome *out)
{
    if (out->ended)
        return;
    add_text(out, " [");
    add_text(out, out->body);
    add_text(out, "] ");
    add_text(out, end_names[tkp_http_response_end(r)]);
}

/* Reads the bytes in pieces that end at `split` (0: whole), or of one byte when `single`. */
static void read_split(const struct response_case *c, size_t split, bool single,
                       struct outcome *out)
{
    struct tkp_spill_pool pool;
    struct tkp_http_response r;
    struct tkp_row_error error = {0};
    struct tkp_row row = {.error = &error};
    size_t len = strlen(c->bytes);
    tkp_spill_pool_init(&pool, 1 << 20);
    tkp_http_response_begin(&r, &pool, c->head_request, &row);
    *out = (struct outcome){0};
    if (single) {
        for (size_t i = 0; i < len; i++)
            feed(&r, c->bytes + i, 1, out);
    } else {
        feed(&r, c->bytes, split, out);
        feed(&r, c->bytes + split, len - split, out);
    }
    feed(&r, "", 0, out);
    end(&r, out);
    tkp_http_response_finish(&r);
    tkp_spill_pool_finish(&pool);
}

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static const struct response_case cases[] = {
    {"length", OK_HEAD "Content-Type: application/json\r\nContent-Length: 5\r\n\r\nhello",
     "200 type=3 keep=1 note= [hello] done", false},
    {"another type", OK_HEAD "Content-Type: text/html; charset=utf-8\r\nContent-Length: 0\r\n\r\n",
     "200 type=4 keep=1 note=its content type is text/html [] done", false},
    {"a coding before a type",
     OK_HEAD "Content-Encoding: gzip\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n",
     "200 type=4 keep=1 note=its content coding is gzip [] done", false},
    {"a coding behind a type",
     OK_HEAD "Content-Type: text/html\r\nContent-Encoding: br\r\nContent-Length: 0\r\n\r\n",
     "200 type=4 keep=1 note=its content coding is br [] done", false},
    {"no coding", OK_HEAD "Content-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
     "200 type=0 keep=1 note= [] done", false},
    {"header values that are empty",
     OK_HEAD "Content-Type:\r\nContent-Encoding:\r\nX-Empty: \r\nContent-Length: 1\r\n\r\nx",
     "200 type=0 keep=1 note= [x] done", false},
    {"the type of an error",
     "HTTP/1.1 500 No\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n",
     "500 type=4 keep=1 note= [] done", false},
    {"length 0", OK_HEAD "Content-Length: 0\r\n\r\n", "200 type=0 keep=1 note= [] done", false},
    {"bare line feeds", "HTTP/1.1 200\nContent-Length:2\n\nhi", "200 type=0 keep=1 note= [hi] done",
     false},
    {"no reason", "HTTP/1.1 404 \r\ncontent-length: 1\r\n\r\nx", "404 type=0 keep=1 note= [x] done",
     false},
    {"close", OK_HEAD "Connection: foo , Close\r\nContent-Length: 1\r\n\r\nx",
     "200 type=0 keep=0 note= [x] done", false},
    {"1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "200 type=0 keep=0 note= [x] done",
     false},
    {"1.0 keep-alive", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx",
     "200 type=0 keep=1 note= [x] done", false},
    {"until close", OK_HEAD "Content-Type: text/event-stream; charset=utf-8\r\n\r\ndata: x\n\n",
     "200 type=1 keep=0 note= [data: x\n\n] closed", false},
    {"chunks",
     OK_HEAD "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n",
     "200 type=0 keep=1 note= [abc0123456789] done", false},
    {"extensions and trailers",
     OK_HEAD
     "Transfer-Encoding: chunked\r\n\r\n3 ;a=b;c=\"d\"\r\nabc\r\n0;x\r\nT: 1\r\nU: 2\r\n\r\n",
     "200 type=0 keep=1 note= [abc] done", false},
    {"chunked wins over length",
     OK_HEAD "Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
     "200 type=0 keep=0 note= [a] done", false},
    {"informational",
     "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\nContent-Length: 9\r\n"
     "\r\n" OK_HEAD "Content-Length: 1\r\n\r\nx",
     "200 type=0 keep=1 note= [x] done", false},
    {"only informational", "HTTP/1.1 100 Continue\r\n\r\n", " [] before_status", false},
    {"204", "HTTP/1.1 204 No Content\r\n\r\n", "204 type=0 keep=1 note= [] done", false},
    {"304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
     "304 type=0 keep=1 note= [] done", false},
    {"HEAD", OK_HEAD "Content-Length: 7\r\n\r\n", "200 type=0 keep=1 note= [] done", true},
    {"location", "HTTP/1.1 307 T\r\nLocation: http://a/b\r\nContent-Length: 0\r\n\r\n",
     "307 type=0 keep=1 note=http://a/b [] done", false},
    {"retry after", "HTTP/1.1 429 T\r\nretry-after: 17 \r\nContent-Length: 0\r\n\r\n",
     "429 type=0 keep=1 note=17 [] done", false},
    {"ndjson", OK_HEAD "Content-Type: application/x-ndjson\r\nContent-Length: 1\r\n\r\n\n",
     "200 type=2 keep=1 note= [\n] done", false},
    {"empty value and folded line", OK_HEAD "X:\r\nY: a\r\n b\r\nContent-Length: 1\r\n\r\nx",
     "200 type=0 keep=1 note= [x] done", false},
    {"more than the message", OK_HEAD "Content-Length: 1\r\n\r\nxyz",
     "200 type=0 keep=1 note= [x] done", false},
    {"nothing", "", " [] before_status", false},
    {"half a status line", "HTTP/1.1 20", " [] before_status", false},
    {"half a head", OK_HEAD "Content-Le", " [] in_head", false},
    {"short", OK_HEAD "Content-Length: 10\r\n\r\nabc", "200 type=0 keep=1 note= [abc] short",
     false},
    {"cut in a chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
     "200 type=0 keep=1 note= [ab] cut", false},
    {"the same length twice", OK_HEAD "Content-Length: 1\r\nContent-Length: 01\r\n\r\nx",
     "200 type=0 keep=1 note= [x] done", false},
    {"list of one length", OK_HEAD "Content-Length: 1, 1\r\n\r\nx",
     "200 type=0 keep=1 note= [x] done", false},
    {"cut before the last chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
     "200 type=0 keep=1 note= [ab] cut", false},
    {"cut in the trailers", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\nT: 1\r\n",
     "200 type=0 keep=1 note= [] cut", false},
};

static const struct response_case bad_cases[] = {
    {"TLS", "\x15\x03\x01", "does not begin with an HTTP status line", false},
    {"HTTP/2", "HTTP/2 200\r\n\r\n", "does not begin", false},
    {"HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", "another version", false},
    {"short status", "HTTP/1.1 20 OK\r\n\r\n", "status code of three digits", false},
    {"no number", "HTTP/1.1 abc OK\r\n\r\n", "status code of three digits", false},
    {"status below 100", "HTTP/1.1 099 OK\r\n\r\n", "status code of three digits", false},
    {"glued status", "HTTP/1.1 2000 OK\r\n\r\n", "status code of three digits", false},
    {"two lengths", OK_HEAD "Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", "given twice",
     false},
    {"list of lengths", OK_HEAD "Content-Length: 1, 2\r\n\r\nx", "given twice", false},
    {"list of a length and a word", OK_HEAD "Content-Length: 1, x\r\n\r\nx", "not a number", false},
    {"negative length", OK_HEAD "Content-Length: -1\r\n\r\n", "not a number", false},
    {"empty length", OK_HEAD "Content-Length:\r\n\r\n", "is empty", false},
    {"huge length", OK_HEAD "Content-Length: 18446744073709551616\r\n\r\n", "too large", false},
    {"gzip", OK_HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", "else than chunked", false},
    {"twice chunked", OK_HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     "else than chunked", false},
    {"space before colon", OK_HEAD "Content-Length : 1\r\n\r\nx", "no name followed by a colon",
     false},
    {"no colon", OK_HEAD "nonsense\r\n\r\n", "no name followed by a colon", false},
    {"no name", OK_HEAD ": x\r\n\r\n", "no name followed by a colon", false},
    {"folded first", OK_HEAD " x\r\n\r\n", "begins with a space", false},
    {"folded length", OK_HEAD "Content-Length: 1\r\n 2\r\n\r\n", "is folded", false},
    {"bare CR", OK_HEAD "X: a\rb\r\n\r\n", "carriage return", false},
    {"upgrade", "HTTP/1.1 101 Switching\r\n\r\n", "switches protocols", false},
    {"no chunk size", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n\r\n", "no size", false},
    {"bad chunk size", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5x\r\n", "something else", false},
    {"huge chunk size", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n",
     "too large", false},
    {"chunk too long", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
     "does not end with CRLF", false},
    {"LF after chunk size", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\na\r\n", "something else",
     false},
    {"LF after chunk", OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1\r\na\n", "end with CRLF",
     false},
};

static void check_good(const struct response_case *c, size_t split, bool single)
{
    struct outcome out;
    read_split(c, split, single, &out);
    if (strcmp(out.text, c->expected) != 0)
        fail_msg("%s, split at %zu, single %d: '%s' instead of '%s'", c->name, split, single,
                 out.text, c->expected);
}

static void reads_whole_and_split_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t split = 0; split <= strlen(cases[i].bytes); split++)
            check_good(&cases[i], split, false);
        check_good(&cases[i], 0, true);
    }
}

static void check_bad(const struct response_case *c, size_t split, bool single)
{
    struct outcome out;
    read_split(c, split, single, &out);
    if (!strstr(out.text, " bad: ") || !strstr(out.text, c->expected))
        fail_msg("%s, split at %zu: '%s' lacks '%s'", c->name, split, out.text, c->expected);
}

static void refuses_with_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
        for (size_t split = 0; split <= strlen(bad_cases[i].bytes); split++)
            check_bad(&bad_cases[i], split, false);
        check_bad(&bad_cases[i], 0, true);
    }
}

/* Feeds `unit` until the parser refuses or `limit` bytes went in; returns how many did. */
static size_t feed_until_bad(const char *begin, const char *unit, size_t limit)
{
    struct tkp_spill_pool pool;
    struct tkp_http_response r;
    struct outcome out = {0};
    tkp_spill_pool_init(&pool, 1 << 20);
    tkp_http_response_begin(&r, &pool, false, NULL);
    feed(&r, begin, strlen(begin), &out);
    size_t fed = 0;
    while (!out.ended && fed < limit) {
        feed(&r, unit, strlen(unit), &out);
        fed += strlen(unit);
    }
    tkp_http_response_finish(&r);
    tkp_spill_pool_finish(&pool);
    return fed;
}

static void bounds_heads_and_extensions(void **state)
{
    (void)state;
    assert_in_range(feed_until_bad(OK_HEAD, "x", 100000), 65000, 66000);
    assert_in_range(feed_until_bad(OK_HEAD, "X-A: b\r\n", 100000), 65000, 66000);
    assert_in_range(feed_until_bad("", "HTTP/1.1 100 C\r\n\r\n", 100000), 65000, 66000);
    assert_in_range(feed_until_bad(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n1", ";abc", 100000),
                    16000, 17000);
    assert_in_range(
        feed_until_bad(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n", "T: 1\r\n", 100000),
        65000, 66000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_whole_and_split_anywhere),
        cmocka_unit_test(refuses_with_a_reason),
        cmocka_unit_test(bounds_heads_and_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

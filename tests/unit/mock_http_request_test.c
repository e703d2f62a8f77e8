/* SPDX-License-Identifier: Apache-2.0 */
/* The request parser of tokperf-mock: what is accepted, what is refused, and that the result does
 * not depend on how the bytes arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "http_request.h"

struct row {
    const char *bytes;
    enum tkp_mock_parse result;
    int status;       /* of a bad request */
    const char *path; /* of a good one */
    const char *body;
    bool keep_alive;
    size_t left; /* bytes of the next request */
};

#define POST    "POST /p HTTP/1.1\r\n"
#define CHUNKED POST "Transfer-Encoding: Chunked\r\n\r\n"

static const struct row rows[] = {
    {"GET / HTTP/1.1\r\n\r\n", TKP_MOCK_PARSE_DONE, 0, "/", "", true, 0},
    {"GET /a?b=c HTTP/1.1\r\nConnection: x, Close\r\n\r\n", TKP_MOCK_PARSE_DONE, 0, "/a", "", false,
     0},
    {"GET / HTTP/1.0\r\n\r\n", TKP_MOCK_PARSE_DONE, 0, "/", "", false, 0},
    {"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", TKP_MOCK_PARSE_DONE, 0, "/", "", true, 0},
    {"\r\nGET http://h/x HTTP/1.1\n\n", TKP_MOCK_PARSE_DONE, 0, "/x", "", true, 0},
    {POST "content-length: 3\r\n\r\nabcGET", TKP_MOCK_PARSE_DONE, 0, "/p", "abc", true, 3},
    {POST "content-length: 3\r\ncontent-length:3\r\n\r\nabc", TKP_MOCK_PARSE_DONE, 0, "/p", "abc",
     true, 0},
    {CHUNKED "3\r\nabc\r\n00a;x=\"y\"\r\n0123456789\r\n0\r\nt: v\r\n\r\nGE", TKP_MOCK_PARSE_DONE, 0,
     "/p", "abc0123456789", true, 2},
    {POST "content-length: 3\r\n\r\nab", TKP_MOCK_PARSE_MORE, 0, NULL, NULL, false, 0},
    {CHUNKED "3\r\nabc\r\n0\r\n", TKP_MOCK_PARSE_MORE, 0, NULL, NULL, false, 0},
    {"GET / HTTP/1.1\r\nx: y\r\n", TKP_MOCK_PARSE_MORE, 0, NULL, NULL, false, 0},
    {"GET /\r\n\r\n", TKP_MOCK_PARSE_BAD, 400, NULL, NULL, false, 0},
    {"\x16\x03\x01\x02", TKP_MOCK_PARSE_BAD, 400, NULL, NULL, false, 0}, /* TLS, no line end */
    {"GET / HTTP/1.2\r\n\r\n", TKP_MOCK_PARSE_BAD, 505, NULL, NULL, false, 0},
    {"GET  / HTTP/1.1\r\n\r\n", TKP_MOCK_PARSE_BAD, 505, NULL, NULL, false, 0},
    {"GET http://h HTTP/1.1\r\n\r\n", TKP_MOCK_PARSE_BAD, 400, NULL, NULL, false, 0},
    {POST "a : b\r\n\r\n", TKP_MOCK_PARSE_BAD, 400, NULL, NULL, false, 0},
    {POST "content-length:\r\n\r\n", TKP_MOCK_PARSE_BAD, 400, NULL, NULL, false, 0},
    {POST "content-length: +3\r\n\r\n", TKP_MOCK_PARSE_BAD, 400, NULL, NULL, false, 0},
    {POST "content-length: 67108865\r\n\r\n", TKP_MOCK_PARSE_BAD, 413, NULL, NULL, false, 0},
    {POST "transfer-encoding: gzip, chunked\r\n\r\n", TKP_MOCK_PARSE_BAD, 501, NULL, NULL, false,
     0},
    {POST "transfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n", TKP_MOCK_PARSE_BAD, 400, NULL,
     NULL, false, 0},
    {CHUNKED "\r\n", TKP_MOCK_PARSE_BAD, 400, NULL, NULL, false, 0},
    {CHUNKED "0x3\r\n", TKP_MOCK_PARSE_BAD, 400, NULL, NULL, false, 0},
    {CHUNKED "3\r\nabcd\r\n", TKP_MOCK_PARSE_BAD, 400, NULL, NULL, false, 0},
    {CHUNKED "4000001\r\n", TKP_MOCK_PARSE_BAD, 413, NULL, NULL, false, 0},
};

static void assert_slice(struct tkp_mock_slice slice, const char *want)
{
    assert_int_equal(slice.len, strlen(want));
    assert_memory_equal(slice.data, want, slice.len);
}

/* Parses the row's bytes, given in two parts cut at `cut`. */
static void check_row(const struct row *row, size_t cut)
{
    struct tkp_mock_http_parser parser = {0};
    struct tkp_mock_http_request request = {0};
    struct tkp_mock_buffer buffer;
    size_t len = strlen(row->bytes);
    tkp_mock_buffer_init(&buffer, 4096);
    tkp_mock_buffer_add(&buffer, row->bytes, cut);
    enum tkp_mock_parse result = tkp_mock_http_parse(&parser, &buffer, &request);
    if (result == TKP_MOCK_PARSE_MORE) {
        tkp_mock_buffer_add(&buffer, row->bytes + cut, len - cut);
        result = tkp_mock_http_parse(&parser, &buffer, &request);
    }
    assert_int_equal(result, row->result);
    if (result == TKP_MOCK_PARSE_BAD) {
        assert_int_equal(request.status, row->status);
        assert_non_null(request.trouble);
    } else if (result == TKP_MOCK_PARSE_DONE) {
        assert_slice(request.path, row->path);
        assert_slice(request.body, row->body);
        assert_int_equal(request.keep_alive, row->keep_alive);
        assert_int_equal(parser.consumed, len - row->left);
    }
    tkp_mock_buffer_finish(&buffer);
}

static void test_every_cut_gives_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t cut = 1; cut <= strlen(rows[i].bytes); cut++) {
            check_row(&rows[i], cut);
        }
    }
}

static void test_head_is_bounded(void **state)
{
    (void)state;
    struct tkp_mock_http_parser parser = {0};
    struct tkp_mock_http_request request = {0};
    struct tkp_mock_buffer buffer;
    tkp_mock_buffer_init(&buffer, (size_t)2 * TKP_MOCK_HEAD_BYTES_MAX);
    tkp_mock_buffer_add_text(&buffer, "GET / HTTP/1.1\r\nx: ");
    while (buffer.len <= TKP_MOCK_HEAD_BYTES_MAX) {
        assert_int_equal(tkp_mock_http_parse(&parser, &buffer, &request), TKP_MOCK_PARSE_MORE);
        tkp_mock_buffer_add_text(&buffer, "0123456789012345678901234567890123456789");
    }
    assert_int_equal(tkp_mock_http_parse(&parser, &buffer, &request), TKP_MOCK_PARSE_BAD);
    assert_int_equal(request.status, 431);
    tkp_mock_buffer_finish(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut_gives_the_same),
        cmocka_unit_test(test_head_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A request's way through tokperf-mock without its sockets: parsed, read, answered piece by piece.
 * Once warm it allocates nothing; the linker puts a counter in front of the allocator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "http_request.h"
#include "inference.h"

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);

static size_t allocations;

void *__wrap_malloc(size_t bytes)
{
    allocations++;
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    allocations++;
    return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    allocations++;
    return __real_realloc(old, bytes);
}

struct bench {
    struct tkp_mock_options options;
    struct tkp_mock_buffer in;
    struct tkp_mock_buffer out;
    struct tkp_mock_answer answer;
    struct tkp_mock_workspace workspace;
    uint64_t content_pieces;
};

#define BODY_HEAD "{\"messages\":[{\"role\":\"user\",\"content\":\"a b c\"}]"
static const char *const bodies[] = {BODY_HEAD "}", BODY_HEAD ",\"stream\":true}"};

static void init_bench(struct bench *bench)
{
    *bench = (struct bench){.options = {.tokens_per_chunk = 1,
                                        .osl_tokens = 20,
                                        .tool_calls = 1,
                                        .reasoning_tokens = 2,
                                        .ttft_ms = 10,
                                        .itl_ms = 2,
                                        .stamp = true,
                                        .models = {"m"}}};
    tkp_mock_buffer_init(&bench->in, 1 << 20);
    tkp_mock_buffer_init(&bench->out, 1 << 20);
    tkp_mock_answer_init(&bench->answer);
    tkp_mock_workspace_init(&bench->workspace);
}

static void finish_bench(struct bench *bench)
{
    tkp_mock_buffer_finish(&bench->in);
    tkp_mock_buffer_finish(&bench->out);
    tkp_mock_answer_finish(&bench->answer);
    tkp_mock_workspace_finish(&bench->workspace);
}

/* Starts the answer to one of the bodies; the request arrived at 1000 ns. */
static void ask(struct bench *bench, const char *body, enum tkp_mock_fault fault)
{
    struct tkp_mock_http_parser parser = {0};
    struct tkp_mock_http_request request;
    struct tkp_mock_inference inference;
    const char *param;
    char error[256];
    bench->in.len = 0;
    bench->out.len = 0;
    tkp_mock_buffer_add_format(&bench->in, "POST / HTTP/1.1\r\ncontent-length: %zu\r\n\r\n%s",
                               strlen(body), body);
    assert_int_equal(tkp_mock_http_parse(&parser, &bench->in, &request), TKP_MOCK_PARSE_DONE);
    assert_true(tkp_mock_inference_read(&inference, TKP_MOCK_API_CHAT, request.body.data,
                                        request.body.len, error, sizeof error, &param));
    tkp_mock_answer_begin(&bench->answer, &(struct tkp_mock_question){.options = &bench->options,
                                                                      .inference = &inference,
                                                                      .arrival_ns = 1000,
                                                                      .api = TKP_MOCK_API_CHAT,
                                                                      .keep_alive = true,
                                                                      .fault = fault});
}

/* Takes all pieces into out; checks when each is due. */
static enum tkp_mock_then take_all(struct bench *bench)
{
    struct tkp_mock_piece piece;
    bench->content_pieces = 0;
    do {
        uint64_t due_ns = bench->answer.due_ns;
        piece = tkp_mock_answer_next(&bench->answer, &bench->workspace, &bench->out);
        if (piece.content && bench->answer.streamed) {
            assert_int_equal(due_ns, 1000 + 10000000 + bench->content_pieces * 2000000);
            assert_true(piece.stamped);
            assert_memory_equal(bench->out.data + piece.stamp_at + TKP_MOCK_STAMP_WIDTH, "}}", 2);
        }
        bench->content_pieces += piece.content;
    } while (piece.then == TKP_MOCK_THEN_MORE);
    assert_false(bench->out.failed);
    tkp_mock_buffer_add(&bench->out, "", 1);
    return piece.then;
}

static void test_nothing_is_allocated_once_warm(void **state)
{
    (void)state;
    struct bench bench;
    init_bench(&bench);
    for (int round = 0; round < 20; round++) {
        if (round == 2) {
            allocations = 0;
        }
        for (size_t i = 0; i < 2; i++) {
            ask(&bench, bodies[i], TKP_MOCK_FAULT_NONE);
            assert_int_equal(take_all(&bench), TKP_MOCK_THEN_DONE);
            assert_int_equal(bench.content_pieces, i == 0 ? 1 : 27);
        }
        assert_true(round > 0 || allocations > 0); /* the counter counts */
    }
    assert_int_equal(allocations, 0);
    finish_bench(&bench);
}

static void test_faults_end_a_stream(void **state)
{
    (void)state;
    static const struct {
        enum tkp_mock_fault fault;
        enum tkp_mock_then then;
        uint64_t pieces; /* with content, of 27 */
        const char *has;
        const char *lacks;
    } rows[] = {
        {TKP_MOCK_FAULT_NONE, TKP_MOCK_THEN_DONE, 27, "[DONE]\n\n\r\n0\r\n\r\n", "error"},
        {TKP_MOCK_FAULT_STREAM_ERROR, TKP_MOCK_THEN_DONE, 13, "{\"error\":", "tool_calls"},
        {TKP_MOCK_FAULT_TRUNCATE, TKP_MOCK_THEN_DONE, 13, "\r\n0\r\n\r\n", "[DONE]"},
        {TKP_MOCK_FAULT_RESET, TKP_MOCK_THEN_RESET, 13, "HTTP/1.1 200 OK", "\r\n0\r\n\r\n"},
        {TKP_MOCK_FAULT_STALL, TKP_MOCK_THEN_STALL, 13, "HTTP/1.1 200 OK", "\r\n0\r\n\r\n"},
        {TKP_MOCK_FAULT_SHORT_LENGTH, TKP_MOCK_THEN_CLOSE, 13, "content-length: ", "chunked"},
        {TKP_MOCK_FAULT_BAD_JSON, TKP_MOCK_THEN_DONE, 27, "\"cu\n\n", "error"},
        {TKP_MOCK_FAULT_EMPTY, TKP_MOCK_THEN_DONE, 0, "[DONE]", "the river"},
        {TKP_MOCK_FAULT_NOT_STREAMED, TKP_MOCK_THEN_DONE, 1, "chat.completion\"", "data:"},
        {TKP_MOCK_FAULT_HTTP_429, TKP_MOCK_THEN_DONE, 0, "retry-after: 1\r\n", "data:"},
        {TKP_MOCK_FAULT_HALF_HEADERS, TKP_MOCK_THEN_CLOSE, 0, "content-ty", "content-type"},
    };
    struct bench bench;
    init_bench(&bench);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ask(&bench, bodies[1], rows[i].fault);
        assert_int_equal(take_all(&bench), rows[i].then);
        assert_int_equal(bench.content_pieces, rows[i].pieces);
        if (strstr(bench.out.data, rows[i].has) == NULL ||
            strstr(bench.out.data, rows[i].lacks) != NULL) {
            fail_msg("row %zu: %s", i, bench.out.data);
        }
    }
    finish_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_allocated_once_warm),
        cmocka_unit_test(test_faults_end_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* tokperf-mock's reading of request bodies, and the plan of tokens that follows from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "inference.h"
#include "plan.h"

struct row {
    const char *body;
    bool chat;
    const char *trouble; /* part of the sentence, NULL for a good body */
    uint64_t prompt_tokens;
    uint64_t max_tokens;
};

#define MESSAGE(text) "\"messages\":[{\"role\":\"user\",\"content\":\"" text "\"}]"

static const struct row rows[] = {
    {"{" MESSAGE("a b") "}", true, NULL, 2, 0},
    {" {" MESSAGE(" \\n a\\u0020b\\tc\\u00a0d ") " , \"x\":[1,-2.5e+3,{\"y\":null}]}\n", true, NULL,
     3, 0},
    {"{" MESSAGE("\xe6\x97\xa5 \xf0\x9f\x9a\x80x") ",\"max_tokens\":12}", true, NULL, 2, 12},
    {"{" MESSAGE("a") ",\"max_completion_tokens\":3,\"max_tokens\":12}", true, NULL, 1, 3},
    {"{\"prompt\":[\"a b\",\"c\"]}", false, NULL, 3, 0},
    {"{\"prompt\":[[1,2],[3]]}", false, NULL, 3, 0},
    {"{\"prompt\":\"\"}", false, NULL, 0, 0},
    {"{\"prompt\":{}}", false, "'prompt' must be", 0, 0},
    {"{\"prompt\":[[[1]]]}", false, "'prompt' must be", 0, 0},
    {"{" MESSAGE("a") "}", false, "'prompt' is missing", 0, 0},
    {"{\"prompt\":\"a\"}", true, "'messages' is missing", 0, 0},
    {"{" MESSAGE("a") ",\"model\":7}", true, "'model' must be a string", 0, 0},
    {"{" MESSAGE("a") ",\"max_tokens\":1e99}", true, "'max_tokens'", 0, 0},
    {"{" MESSAGE("a") ",\"max_tokens\":01}", true, "byte", 0, 0},
    {"{" MESSAGE("a") ",\"x\":tru}", true, "true or false", 0, 0},
    {"{" MESSAGE("a") ",\"x\":+1}", true, "expected a value", 0, 0},
    {"{" MESSAGE("\xed\xa0\x80") "}", true, "UTF-8", 0, 0},
    {"{" MESSAGE("\xc0\xaf") "}", true, "UTF-8", 0, 0},
    {"{" MESSAGE("\xf4\x90\x80\x80") "}", true, "UTF-8", 0, 0},
    {"{" MESSAGE("\\u12g4") "}", true, "hexadecimal", 0, 0},
    {"{" MESSAGE("a"), true, "ends early", 0, 0},
    {"{\"a\" 1}", true, "colon", 0, 0},
    {"{\"a\":1 \"b\":2}", true, "comma", 0, 0},
    {"", true, "expected an object", 0, 0},
};

static void test_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct tkp_mock_inference inference;
        const char *param;
        char error[256] = "";
        bool good = tkp_mock_inference_read(&inference, row->chat, row->body, strlen(row->body),
                                            error, sizeof error, &param);
        if (good != (row->trouble == NULL) || (!good && strstr(error, row->trouble) == NULL)) {
            fail_msg("%s: got '%s'", row->body, error);
        }
        if (good) {
            assert_int_equal(inference.prompt_tokens, row->prompt_tokens);
            assert_int_equal(inference.max_tokens, row->max_tokens);
        }
    }
}

/* Every part of a good body that ends early is refused, and read no further than its end. */
static void test_cut_bodies(void **state)
{
    (void)state;
    const char *body = rows[1].body;
    for (size_t len = 0; len + 2 < strlen(body); len++) {
        struct tkp_mock_inference inference;
        const char *param;
        char error[256];
        char copy[256];
        memset(copy, '}', sizeof copy);
        memcpy(copy, body, len);
        assert_false(
            tkp_mock_inference_read(&inference, true, copy, len, error, sizeof error, &param));
    }
}

static void test_plan_covers_every_token_once(void **state)
{
    (void)state;
    for (uint64_t per_chunk = 1; per_chunk <= 7; per_chunk++) {
        struct tkp_mock_options options = {.osl_tokens = 11,
                                           .reasoning_tokens = 5,
                                           .tool_calls = 2,
                                           .tokens_per_chunk = per_chunk};
        for (uint64_t limit = 1; limit <= 30; limit++) {
            struct tkp_mock_inference inference = {.max_tokens = limit};
            struct tkp_mock_plan plan = tkp_mock_plan_make(&options, &inference, true, false);
            uint64_t tokens = 0;
            for (uint64_t i = 0; i < plan.chunks; i++) {
                struct tkp_mock_chunk chunk = tkp_mock_plan_chunk(&plan, i);
                assert_in_range(chunk.tokens, 1, per_chunk);
                tokens += chunk.tokens;
            }
            assert_int_equal(tokens, limit < 26 ? limit : 26);
            assert_int_equal(tokens, tkp_mock_plan_tokens(&plan));
            assert_string_equal(plan.finish_reason, limit < 26 ? "length" : "tool_calls");
        }
    }
}

static void test_other_dialects(void **state)
{
    (void)state;
    static const struct {
        enum tkp_mock_api api;
        const char *body, *trouble;
        uint64_t prompt_tokens, max_tokens, inputs;
        bool stream;
    } dialects[] = {
        {TKP_MOCK_API_EMBEDDINGS, "{\"input\":[\"a b\",\"c\"],\"stream\":true}", NULL, 3, 0, 2,
         false},
        {TKP_MOCK_API_EMBEDDINGS, "{\"input\":\"a b\"}", NULL, 2, 0, 1, false},
        {TKP_MOCK_API_EMBEDDINGS, "{}", "'input' is missing", 0, 0, 0, false},
        {TKP_MOCK_API_OLLAMA_CHAT, "{" MESSAGE("a") ",\"options\":{\"num_predict\":4,\"seed\":1}}",
         NULL, 1, 4, 0, true},
        {TKP_MOCK_API_OLLAMA_GENERATE, "{\"prompt\":\"a\",\"stream\":false}", NULL, 1, 0, 0, false},
        {TKP_MOCK_API_OLLAMA_GENERATE, "{\"prompt\":\"a\",\"options\":[]}", "'options' must be", 0,
         0, 0, true},
        {TKP_MOCK_API_TGI,
         "{\"inputs\":\"a b\",\"parameters\":{\"max_new_tokens\":7},\"stream\":true}", NULL, 2, 7,
         0, false},
        {TKP_MOCK_API_TGI_STREAM, "{\"inputs\":\"a\",\"parameters\":null}", NULL, 1, 0, 0, true},
        {TKP_MOCK_API_TGI_STREAM, "{\"parameters\":{}}", "'inputs' is missing", 0, 0, 0, true},
    };
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++) {
        struct tkp_mock_inference got;
        char error[256] = "";
        const char *param;
        const char *body = dialects[i].body;
        bool good = tkp_mock_inference_read(&got, dialects[i].api, body, strlen(body), error,
                                            sizeof error, &param);
        assert_int_equal(good, dialects[i].trouble == NULL);
        if (dialects[i].trouble != NULL) {
            assert_non_null(strstr(error, dialects[i].trouble));
            continue;
        }
        assert_int_equal(got.prompt_tokens, dialects[i].prompt_tokens);
        assert_int_equal(got.max_tokens, dialects[i].max_tokens);
        assert_int_equal(got.inputs, dialects[i].inputs);
        assert_int_equal(got.stream, dialects[i].stream);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_cut_bodies),
        cmocka_unit_test(test_other_dialects),
        cmocka_unit_test(test_plan_covers_every_token_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

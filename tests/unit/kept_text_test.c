/* SPDX-License-Identifier: Apache-2.0 */
/* Runs of kept text: what was put comes out, damage ends the reading. */
#include <record/kept_text.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static size_t put(char *at, uint32_t tag, const char *bytes)
{
    size_t len = strlen(bytes);
    tkp_kept_put_head(at, tag, (uint32_t)len);
    memcpy(at + TKP_KEPT_HEAD_BYTES, bytes, len);
    return TKP_KEPT_HEAD_BYTES + len;
}

static void test_runs(void **state)
{
    (void)state;
    char data[64];
    size_t len = put(data, TKP_KEPT_OUTPUT | TKP_KEPT_ENCODED, "a\\n");
    len += put(data + len, TKP_KEPT_REASONING, "");
    len += put(data + len, TKP_KEPT_TOOL_CALL, "f");
    struct tokperf_span texts = {data, len};
    struct tkp_kept_run run;
    assert_true(tkp_kept_next(&texts, &run));
    assert_int_equal(run.tag, TKP_KEPT_OUTPUT | TKP_KEPT_ENCODED);
    assert_int_equal(run.bytes.len, 3);
    assert_true(tkp_kept_next(&texts, &run));
    assert_int_equal(run.tag, TKP_KEPT_REASONING);
    assert_int_equal(run.bytes.len, 0);
    assert_true(tkp_kept_next(&texts, &run));
    assert_int_equal(run.tag, TKP_KEPT_TOOL_CALL);
    assert_memory_equal(run.bytes.data, "f", 1);
    assert_false(tkp_kept_next(&texts, &run));
    assert_int_equal(texts.len, 0);
}

static void test_damage(void **state)
{
    (void)state;
    char data[32];
    size_t len = put(data, TKP_KEPT_OUTPUT, "text");
    struct tkp_kept_run run;
    for (size_t cut = 0; cut < len; cut++) {
        struct tokperf_span texts = {data, cut};
        assert_false(tkp_kept_next(&texts, &run));
    }
    tkp_kept_put_head(data, TKP_KEPT_OUTPUT, UINT32_MAX);
    struct tokperf_span texts = {data, len};
    assert_false(tkp_kept_next(&texts, &run));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

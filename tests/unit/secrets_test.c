/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets taken out of texts, whole, escaped and cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/secrets.h>
#include <base/text.h>
#include <string.h>

static void assert_copy(const char *text, const char *expected)
{
    char out[256];
    assert_true(tkp_secrets_copy(out, sizeof out, tkp_span(text)));
    assert_string_equal(out, expected);
}

static void replaces_each(void **state)
{
    (void)state;
    const struct tokperf_span list[] = {tkp_span("sk-12345"), tkp_span("sk-1234567"),
                                        tkp_span("a/b+c="), tkp_span("xyz")};
    tkp_secrets_set(list, 4);
    assert_copy("", "");
    assert_copy("nothing here", "nothing here");
    assert_copy("got sk-12345, and sk-1234567!", "got <redacted>, and <redacted>!");
    assert_copy("sk-sk-12345", "sk-<redacted>");
    assert_copy("{\"k\":\"a\\/b+c=\"}", "{\"k\":\"<redacted>\"}");
    assert_copy("xyz is too short to be taken out", "xyz is too short to be taken out");
    tkp_secrets_set(NULL, 0);
    assert_copy("got sk-12345", "got sk-12345");
}

static void hides_what_was_cut(void **state)
{
    (void)state;
    const struct tokperf_span list[] = {tkp_span("sk-12345")};
    tkp_secrets_set(list, 1);
    assert_copy("got sk-123", "got <redacted>");
    assert_copy("got sk-", "got sk-");
    char out[12];
    assert_false(tkp_secrets_copy(out, sizeof out, tkp_span("1234567 sk-12345")));
    assert_string_equal(out, "1234567 ");
    assert_false(tkp_secrets_copy(out, sizeof out, tkp_span("1234567890\xc3\xa4")));
    assert_string_equal(out, "1234567890");
    tkp_secrets_set(NULL, 0);
}

static void finds_the_first(void **state)
{
    (void)state;
    const struct tokperf_span list[] = {tkp_span("sk-12345"), tkp_span("12345678")};
    const struct {
        const char *text;
        uint64_t at, len;
    } samples[] = {{"", 0, 0},
                   {"none", 4, 0},
                   {"sk-12345", 0, 8},
                   {"a sk-1\\2345.", 2, 9},
                   {"12345678sk-12345", 0, 8},
                   {"sk-1 x sk-12", 7, 5}};
    uint64_t len;
    for (int set = 0; set < 2; set++) {
        tkp_secrets_set(set ? list : NULL, set ? 2 : 0);
        for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
            struct tokperf_span text = tkp_span(samples[i].text);
            assert_int_equal(tkp_secrets_find(text, &len), set ? samples[i].at : text.len);
            assert_int_equal(len, set ? samples[i].len : 0);
        }
    }
    tkp_secrets_set(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_each),
        cmocka_unit_test(hides_what_was_cut),
        cmocka_unit_test(finds_the_first),
    };
    return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}

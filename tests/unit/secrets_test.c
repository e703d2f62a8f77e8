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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replaces_each),
        cmocka_unit_test(hides_what_was_cut),
    };
    return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns on PCRE2: classes are the reference's whatever PCRE2's tables know, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/text.h>
#include <string.h>
#include <token/pattern.h>

static void first_matches(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text, *match; /* match NULL: none */
        bool has_old_class;
    } cases[] = {
        {"\\p{L}+", "1ab\u00e9 ", "ab\u00e9", false},
        {"\\p{L}+", "\u1c89\U00010d50\U0002ebf0", "\u1c89\U00010d50\U0002ebf0",
         false}, /* 16, 15.1 */
        {"[^\\p{L}x]+", "\u1c89xy!", "!", false},
        {"\\P{L}+", "\u1c89-\u1c89", "-", false},
        {"\\p{L}", "\U00011de0", NULL, false}, /* of Unicode 17 */
        {"[\\p{Lu}\\p{M}]", "\u1c8a\u1c89", "\u1c89", false},
        {"\\p{M}+", "a\u0897", "\u0897", false},
        {"\\d+", "a\U00010d40", "\U00010d40", false},
        {"\\D", "\U00010d40", NULL, false},
        {"\\p{Han}+", "\u3042\u3007\U0002ebf0", "\u3007\U0002ebf0", false},
        {"\\p{P}", "$.", ".", false},
        {"\\s+", "\u180e\u3000 x", "\u3000 ", false}, /* U+180E is none since Unicode 6.3 */
        {"\\p{Cc}", "a\x01", "\x01", true},
        {"\\p{Thai}+", "a\u0e01", "\u0e01", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tkp_pattern *pattern = NULL;
        struct tokperf_error error = {0};
        if (tkp_pattern_create(tkp_span(cases[i].pattern), &pattern, &error))
            fail_msg("%s: %s", cases[i].pattern, error.message);
        assert_int_equal(tkp_pattern_has_old_class(pattern), cases[i].has_old_class);
        struct tkp_pattern_scratch scratch = {0};
        const char *text = cases[i].text, *begin, *end;
        assert_int_equal(
            tkp_pattern_find(pattern, &scratch, text, text + strlen(text), text, &begin, &end),
            TOKPERF_OK);
        struct tokperf_span found = {begin, begin ? (size_t)(end - begin) : 0};
        if (!cases[i].match != !begin || (begin && !tkp_span_is(found, cases[i].match)))
            fail_msg("case %zu, %s: found '%.*s'", i, cases[i].pattern, (int)found.len,
                     begin ? begin : "");
        tkp_pattern_scratch_finish(&scratch);
        tkp_pattern_destroy(pattern);
    }
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *sentence;
    } cases[] = {
        {"[\\P{L}]", "\\P in a class"}, {"\\p{L", "without a name"},
        {"\\pL", "without a name"},     {"\\p{^L}", "other than a category or a script"},
        {"\\p{Nonsense}", "PCRE2"},     {"[\\p{L}&&[a]]", "class inside of a class"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tkp_pattern *pattern = NULL;
        struct tokperf_error error = {0};
        assert_int_equal(tkp_pattern_create(tkp_span(cases[i].pattern), &pattern, &error),
                         TOKPERF_E_UNSUPPORTED);
        if (!strstr(error.message, cases[i].sentence))
            fail_msg("%s: %s", cases[i].pattern, error.message);
        assert_null(pattern);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_matches),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

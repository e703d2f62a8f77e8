/* SPDX-License-Identifier: Apache-2.0 */
/* The scanners, each by the pieces that its pattern makes of texts where patterns differ. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/buffer.h>
#include <string.h>
#include <token/pattern.h>

/* Pieces parted by bars, stretches between matches in braces. */
static void pieces_of(tkp_scan *scan, const char *text, struct tkp_buffer *out)
{
    const char *end = text + strlen(text);
    tkp_buffer_clear(out);
    for (const char *p = text, *stop; p < end; p = stop) {
        bool is_match;
        stop = scan(p, end, &is_match);
        assert_true(stop > p && stop <= end);
        tkp_buffer_printf(out, is_match ? "%s%.*s" : "%s{%.*s}", p > text ? "|" : "",
                          (int)(stop - p), p);
    }
}

#define A_MACRON "\xc4\x80"     /* U+0100, upper case */
#define ACUTE    "\xcc\x81"     /* U+0301, a mark */
#define CHINESE  "\xe4\xb8\xad" /* U+4E2D */
#define DOT      "\xe3\x83\xbb" /* U+30FB, punctuation among kana */
#define KA       "\xe3\x82\xab" /* U+30AB */
#define LONG_S   "\xc5\xbf"     /* U+017F */
#define DIGIT    "\xd9\xa3"     /* U+0663 */
#define NBSP     "\xc2\xa0"

static const struct {
    tkp_scan *scan;
    const char *text, *pieces;
} cases[] = {
    {tkp_scan_gpt2, "it's IT'S 12 a1!?  b", "it|'s| IT|'|S| 12| a|1|!?| | b"},
    {tkp_scan_gpt2, "a\n\nb \t", "a|\n|\n|b| \t"},
    {tkp_scan_gpt2, "a" NBSP NBSP "b", "a|" NBSP "|" NBSP "|b"},
    {tkp_scan_cl100k, "it's IT'S 1234 a1!?  b", "it|'s| IT|'S| |123|4| a|1|!?| | b"},
    {tkp_scan_cl100k, "x'" LONG_S "y'RE'llo", "x|'" LONG_S "|y|'RE|'ll|o"},
    {tkp_scan_cl100k, "a\r\n \nb\n  ", "a|\r\n \n|b|\n|  "},
    {tkp_scan_cl100k, "!\n\nx  !\ty", "!\n\n|x| | !|\ty"},
    {tkp_scan_cl100k, "(a" CHINESE ACUTE "b", "(a" CHINESE "|" ACUTE "b"},
    {tkp_scan_cl100k, DIGIT "12" DIGIT, DIGIT "12|" DIGIT},
    {tkp_scan_qwen, "1234x", "1|2|3|4|x"},
    {tkp_scan_o200k, "HelloWorld HTTPServer's ABC", "Hello|World| HTTPServer's| ABC"},
    {tkp_scan_o200k, "a/b//\n/x ~!/\n", "a|/b|//\n/|x| ~!/\n"},
    {tkp_scan_o200k, ACUTE "AB" ACUTE "ABc", ACUTE "AB" ACUTE "ABc"},
    {tkp_scan_o200k, A_MACRON "B" CHINESE "Cd", A_MACRON "B" CHINESE "Cd"},
    {tkp_scan_o200k, CHINESE "AB!", CHINESE "|AB|!"},
    {tkp_scan_o200k, ACUTE "AB", ACUTE "|AB"},
    {tkp_scan_o200k, "don'T we'Re 1234", "don'T| we'Re| |123|4"},
    {tkp_scan_tekken, "don't 12", "don|'t| |1|2"},
    {tkp_scan_numbers, "a1234b" DIGIT, "{a}|123|4|{b}|" DIGIT},
    {tkp_scan_number, "12a", "1|2|{a}"},
    {tkp_scan_cjk, "a" CHINESE KA DOT "b", "{a}|" CHINESE KA DOT "|{b}"},
    {tkp_scan_deepseek, "!ab _x (1)", "!ab| _|x| (|{1}|)"},
    {tkp_scan_deepseek, KA DOT KA, KA "|" DOT "|" KA},
    {tkp_scan_deepseek,
     " a" ACUTE "\x01"
     "b\x01\x01",
     " a" ACUTE "|\x01"
     "b|{\x01\x01}"},
    {tkp_scan_deepseek, "a\n \n  b;\n", "a|\n \n| | b|;\n"},
    {tkp_scan_digit, "a12" DIGIT, "{a}|1|2|" DIGIT},
    {tkp_scan_punctuation, "a.,b", "{a}|.|,|{b}"},
    {tkp_scan_space, "a \tb", "{a}| |\t|{b}"},
    {tkp_scan_words, "a_1" ACUTE " ?!x", "a_1" ACUTE "|{ }|?!|x"},
};

static void each_splits_as_its_pattern(void **state)
{
    (void)state;
    struct tkp_buffer out;
    tkp_buffer_init(&out, 1 << 12);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pieces_of(cases[i].scan, cases[i].text, &out);
        assert_string_equal(tkp_buffer_text(&out), cases[i].pieces);
    }
    tkp_buffer_finish(&out);
}

static void patterns_are_known_by_their_text(void **state)
{
    (void)state;
    struct tokperf_span escaped = TOKPERF_SPAN("\\p{N}{1,3}"), other = TOKPERF_SPAN("\\p{N}{1,4}");
    static const char real[] = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| "
                               "?[^\\s\\p{L}\\p{N}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+";
    assert_ptr_equal(tkp_pattern_known(escaped), tkp_scan_numbers);
    assert_null(tkp_pattern_known(other));
    assert_ptr_equal(tkp_pattern_known((struct tokperf_span){real, sizeof real - 1}),
                     tkp_scan_qwen);
}

static void others_run_on_pcre2(void **state)
{
    (void)state;
    struct tkp_pattern *pattern = NULL;
    struct tkp_pattern_scratch scratch = {NULL, NULL, NULL};
    struct tokperf_error error = {0};
    const char text[] = "x \xe1\xa0\x8e\xe4\xb8\xad 7", *begin, *end;
    struct tokperf_span source = TOKPERF_SPAN("\\p{Han}+|\\s|[\\d\\s]");
    assert_int_equal(tkp_pattern_create(source, &pattern, &error), TOKPERF_OK);
    static const size_t places[][2] = {{1, 2}, {5, 8}, {8, 9}, {9, 10}};
    const char *from = text;
    for (size_t i = 0; i < 4; i++, from = end) {
        assert_int_equal(
            tkp_pattern_find(pattern, &scratch, text, text + sizeof text - 1, from, &begin, &end),
            TOKPERF_OK);
        assert_non_null(begin); /* U+180E is no white space */
        assert_int_equal(begin - text, places[i][0]);
        assert_int_equal(end - text, places[i][1]);
    }
    tkp_pattern_scratch_finish(&scratch);
    tkp_pattern_destroy(pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_splits_as_its_pattern),
        cmocka_unit_test(patterns_are_known_by_their_text),
        cmocka_unit_test(others_run_on_pcre2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Normalizers of a tokenizer.json: what each makes of a text, what is refused, where memory ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/text.h>
#include <stdlib.h>
#include <string.h>
#include <token/normalizer.h>

#define NFC    "{\"type\":\"NFC\"}"
#define NFD    "{\"type\":\"NFD\"}"
#define NFKC   "{\"type\":\"NFKC\"}"
#define NFKD   "{\"type\":\"NFKD\"}"
#define LOWER  "{\"type\":\"Lowercase\"}"
#define SPACES "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" {2,}\"},\"content\":\"_\"}"
#define BERT(lower, accents)                                                          \
    "{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":true," \
    "\"strip_accents\":" accents ",\"lowercase\":" lower "}"
#define LLAMA                                                                                 \
    "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"\\u2581\"}," \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\xe2\x96\x81\"}]}"

static const struct {
    const char *json, *text, *wanted;
} text_cases[] = {
    {NFC, "", ""},
    {NFC, "plain ASCII text", "plain ASCII text"},
    {NFC, "e\u0301", "\u00e9"},
    {NFC, "ae\u0301b", "a\u00e9b"},
    {NFC, "\u1e69", "\u1e69"},
    {NFC, "s\u0307\u0323", "\u1e69"},      /* put into order, then composed twice */
    {NFC, "\u1e9b\u0323", "\u1e9b\u0323"}, /* composes forward no further */
    {NFC, "\u212b", "\u00c5"},             /* a singleton */
    {NFC, "\u0958", "\u0915\u093c"},       /* excluded from composition */
    {NFC, "\u1100\u1161\u11a8", "\uac01"}, /* Hangul */
    {NFC, "\uac00\u11a8", "\uac01"},
    {NFC, "\uac01\u11a8", "\uac01\u11a8"}, /* has its final already */
    {NFC, "a\u0315\u0300\u05ae\u0300b", "\u00e0\u05ae\u0300\u0315b"},
    {NFC, "\u0b47\u0300\u0b3e", "\u0b47\u0300\u0b3e"}, /* a mark is in the way */
    {NFC, "\u0b47\u0b3e", "\u0b4b"},                   /* two starters */
    {NFC, "\u0301x", "\u0301x"},
    {NFC, "\U000105d2\u0307", "\U000105d2\u0307"}, /* composes in Unicode 16 */
    {NFC, "\ufb01", "\ufb01"},
    {NFD, "\u1e69", "s\u0323\u0307"},
    {NFD, "\uac01\uac00", "\u1100\u1161\u11a8\u1100\u1161"},
    {NFD, "q\u0307\u0323x", "q\u0323\u0307x"},
    {NFKC, "\ufb01\u2460", "fi1"},
    {NFKC, "\u1e9b\u0323", "\u1e69"},
    {NFKC, "\uff76\uff9e", "\u30ac"}, /* halfwidth ka and voiced mark */
    {NFKD, "\u1e9b\u0323", "s\u0323\u0307"},
    {NFKD, "\u1e9b", "s\u0307"},
    {NFKD, "\u32ff", "\u32ff"}, /* of Unicode 12: inert in the reference */
    {LOWER, "STRASSE \u1e9e \u03a3\u0391\u03a3", "strasse \u00df \u03c3\u03b1\u03c3"},
    {LOWER, "\u0130x", "i\u0307x"},
    {LOWER, "\u0100\u0101\u0102", "\u0101\u0101\u0103"},
    {"{\"type\":\"StripAccents\"}", "e\u0301\u0488.", "e."},
    {"{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":true}", " \u3000a b\u00a0\n", "a b"},
    {"{\"type\":\"Strip\",\"strip_left\":false,\"strip_right\":true}", " a ", " a"},
    {"{\"type\":\"Strip\",\"strip_left\":true,\"strip_right\":false}", " \t", ""},
    {"{\"type\":\"Prepend\",\"prepend\":\"\\u2581\"}", "a", "\u2581a"},
    {"{\"type\":\"Prepend\",\"prepend\":\"\\u2581\"}", "", ""}, /* nothing before nothing */
    {LLAMA, "a  b", "\u2581a\u2581\u2581b"},
    {LLAMA, " ", "\u2581\u2581"},
    {SPACES, "a b  c   ", "a b_c_"},
    {SPACES, "  ", "_"},
    {"{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"\\\\s+\"},\"content\":\" \"}",
     "a\u2028 \t b\n", "a b "},
    {"{\"type\":\"Replace\",\"pattern\":{\"String\":\"aa\"},\"content\":\"\"}", "aaaba", "aba"},
    {BERT("true", "null"), "\u00c9\x01\t\u4e2d\u2b820?", "e  \u4e2d \u2b820?"},
    {BERT("true", "false"), "\u00c9", "\u00e9"},
    {BERT("false", "null"), "\u00c9\u0300", "\u00c9\u0300"},
    {BERT("false", "true"), "\u00c9", "E"},
    {"{\"type\":\"Sequence\",\"normalizers\":[" NFD ",{\"type\":\"StripAccents\"}," LOWER "]}",
     "\u00c9A", "ea"},
};

static void texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof text_cases / sizeof text_cases[0]; i++) {
        struct tkp_normalizer *normalizer = NULL;
        struct tokperf_error error = {0};
        if (tkp_normalizer_create(&normalizer, tkp_span(text_cases[i].json), &error))
            fail_msg("%s: %s", text_cases[i].json, error.message);
        struct tkp_normalizer_scratch scratch;
        tkp_normalizer_scratch_init(&scratch, 1 << 16);
        struct tokperf_span out;
        assert_true(tkp_normalizer_apply(normalizer, &scratch, tkp_span(text_cases[i].text), &out));
        if (!tkp_span_is(out, text_cases[i].wanted))
            fail_msg("case %zu, %s of '%s': '%.*s' instead of '%s'", i, text_cases[i].json,
                     text_cases[i].text, (int)out.len, out.data, text_cases[i].wanted);
        tkp_normalizer_scratch_finish(&scratch);
        tkp_normalizer_destroy(normalizer);
    }
}

static void refusals(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        tokperf_status status;
        const char *sentence; /* a part of it */
    } cases[] = {
        {"{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AA\"}", TOKPERF_E_UNSUPPORTED,
         "'Precompiled'"},
        {"{\"type\":\"Nmt\"}", TOKPERF_E_UNSUPPORTED, "'Nmt'"},
        {"{\"type\":\"NFC\",\"version\":2}", TOKPERF_E_UNSUPPORTED, "'version'"},
        {"{\"type\":\"Sequence\",\"normalizers\":[" NFC ",{\"type\":\"New\"}]}",
         TOKPERF_E_UNSUPPORTED, "'New'"},
        {"{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"[a-c]\"},\"content\":\"\"}",
         TOKPERF_E_UNSUPPORTED, "'[a-c]'"},
        {"{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},\"content\":\"x\"}",
         TOKPERF_E_INVALID, "empty pattern"},
        {"{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"}}", TOKPERF_E_INVALID, "'content'"},
        {"{\"type\":\"Replace\",\"content\":\"a\"}", TOKPERF_E_INVALID, "malformed"},
        {"{\"type\":\"Prepend\"}", TOKPERF_E_INVALID, "'prepend'"},
        {"{\"type\":\"Sequence\"}", TOKPERF_E_INVALID, "'normalizers'"},
        {"{\"type\":\"Sequence\",\"normalizers\":[" NFC, TOKPERF_E_INVALID, "malformed"},
        {"{}", TOKPERF_E_INVALID, "'type'"},
        {"\"NFC\"", TOKPERF_E_INVALID, "not an object"},
        {"", TOKPERF_E_INVALID, "malformed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tkp_normalizer *normalizer;
        struct tokperf_error error = {0};
        tokperf_status status = tkp_normalizer_create(&normalizer, tkp_span(cases[i].json), &error);
        if (status != cases[i].status || !strstr(error.message, cases[i].sentence))
            fail_msg("%s: %d, %s", cases[i].json, (int)status, error.message);
        assert_null(normalizer);
    }
}

static void nothing_to_do(void **state)
{
    (void)state;
    static const char *const chains[] = {"null", "{\"type\":\"Sequence\",\"normalizers\":[]}"};
    for (size_t i = 0; i < 2; i++) {
        struct tkp_normalizer *normalizer;
        assert_int_equal(tkp_normalizer_create(&normalizer, tkp_span(chains[i]), NULL), 0);
        assert_null(normalizer);
    }
    /* Text that is normal already is handed back as it is. */
    struct tkp_normalizer *nfc;
    assert_int_equal(tkp_normalizer_create(&nfc, tkp_span(NFC), NULL), 0);
    struct tkp_normalizer_scratch scratch;
    tkp_normalizer_scratch_init(&scratch, 0);
    struct tokperf_span text = tkp_span("\u00e9t\u00e9 \uac01 \u4e2d q\u0316\u0315"), out;
    assert_true(tkp_normalizer_apply(nfc, &scratch, text, &out));
    assert_ptr_equal(out.data, text.data);
    assert_int_equal(out.len, text.len);
    tkp_normalizer_scratch_finish(&scratch);
    tkp_normalizer_destroy(nfc);
}

static void thirty_two_steps(void **state)
{
    (void)state;
    char json[2048] = "{\"type\":\"Sequence\",\"normalizers\":[" NFC;
    for (int i = 1; i < 33; i++)
        strncat(json, "," NFC, sizeof json - strlen(json) - 1);
    strncat(json, "]}", sizeof json - strlen(json) - 1);
    struct tkp_normalizer *normalizer;
    struct tokperf_error error = {0};
    assert_int_equal(tkp_normalizer_create(&normalizer, tkp_span(json), &error), TOKPERF_E_LIMIT);
    assert_non_null(strstr(error.message, "32"));
}

/* A run of marks is sorted and composed as a whole; the answer's bound is kept. */
static void long_runs(void **state)
{
    (void)state;
    enum { MARKS = 100000 };
    char *text = malloc(4 * MARKS + 1);
    assert_non_null(text);
    size_t len = 0;
    text[len++] = 'e';
    for (int i = 0; i < MARKS; i++, len += 4)
        memcpy(text + len, "\u0301\u0323", 4);
    struct tkp_buffer out;
    tkp_buffer_init(&out, 8 * MARKS);
    struct tkp_normal_scratch scratch = {0};
    assert_true(tkp_normal_append(TKP_NORMAL_NFC, &scratch, text, len, &out));
    assert_int_equal(out.len, 3 + 4 * MARKS - 2); /* one mark below is taken by the letter */
    assert_memory_equal(out.data, "\u1eb9\u0323\u0323", 7);
    assert_memory_equal(out.data + out.len - 4, "\u0301\u0301", 4);
    tkp_buffer_finish(&out);
    tkp_buffer_init(&out, 1000);
    assert_false(tkp_normal_append(TKP_NORMAL_NFC, &scratch, text, len, &out));
    tkp_normal_scratch_finish(&scratch);
    tkp_buffer_finish(&out);
    free(text);
}

static void descriptions(void **state)
{
    (void)state;
    static const struct {
        const char *json, *wanted;
    } cases[] = {
        {"null", "none"},
        {NFC, "NFC"},
        {LLAMA, "Prepend + Replace"},
        {BERT("true", "null"), "BertNormalizer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tkp_normalizer *normalizer;
        assert_int_equal(tkp_normalizer_create(&normalizer, tkp_span(cases[i].json), NULL), 0);
        struct tkp_buffer out;
        tkp_buffer_init(&out, 256);
        tkp_normalizer_describe(normalizer, &out);
        assert_string_equal(tkp_buffer_text(&out), cases[i].wanted);
        tkp_buffer_finish(&out);
        tkp_normalizer_destroy(normalizer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),         cmocka_unit_test(refusals),
        cmocka_unit_test(nothing_to_do), cmocka_unit_test(thirty_two_steps),
        cmocka_unit_test(long_runs),     cmocka_unit_test(descriptions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole tokenizers, small and made by hand: what they give for texts was taken from the reference
 * (npm package tokenizers 0.23.2); what cannot be exact is refused by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/buffer.h>
#include <base/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <token/tokenizer.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct tkp_tokenizer *load(const char *name)
{
    struct tkp_tokenizer *tokenizer = NULL;
    struct tokperf_error error = {0};
    char path[512];
    (void)snprintf(path, sizeof path, "%s/token/%s", TKP_TEST_DATA, name);
    if (tkp_tokenizer_load(path, &tokenizer, &error) != TOKPERF_OK)
        fail_msg("%s", error.message);
    return tokenizer;
}

/* "id id|id", pieces parted by bars. */
static void write_answer(const struct tkp_encoding *e, struct tkp_buffer *out)
{
    tkp_buffer_clear(out);
    for (size_t i = 0; i < e->piece_count; i++)
        for (size_t k = 0; k < e->pieces[i].id_count; k++)
            tkp_buffer_printf(out, "%s%u",
                              k   ? " "
                              : i ? "|"
                                  : "",
                              e->ids[e->pieces[i].first_id + k]);
}

struct expected {
    struct tokperf_span text;
    const char *answer;
};

static void check(const char *name, const struct expected *cases, size_t count)
{
    struct tkp_tokenizer *tokenizer = load(name);
    struct tkp_encoder *encoder = NULL;
    struct tokperf_error error = {0};
    struct tkp_buffer answer;
    tkp_buffer_init(&answer, 1 << 16);
    assert_int_equal(tkp_encoder_create(tokenizer, &encoder, &error), TOKPERF_OK);
    /* twice: from the model, then from the cache of pieces */
    for (size_t i = 0; i < 2 * count; i++) {
        const struct expected *c = &cases[i % count];
        struct tkp_encoding encoding;
        uint64_t tokens = 0;
        assert_int_equal(tkp_encoder_encode(encoder, c->text, true, &encoding, &error), TOKPERF_OK);
        write_answer(&encoding, &answer);
        assert_string_equal(tkp_buffer_text(&answer), c->answer);
        size_t wanted = encoding.count;
        assert_int_equal(tkp_encoder_count(encoder, c->text, &tokens, &error), TOKPERF_OK);
        assert_int_equal(tokens, wanted);
    }
    tkp_buffer_finish(&answer);
    tkp_encoder_destroy(encoder);
    tkp_tokenizer_destroy(tokenizer);
}

#define TEXT(literal)                  \
    {                                  \
        (literal), sizeof(literal) - 1 \
    }

static void byte_level_texts(void **state)
{
    (void)state;
    static const struct expected cases[] = {
        {TEXT(""), ""},
        {TEXT("hello world"), "259|264"},
        {TEXT("whole xwhole"), "272|32 120 119 104 111 108 101"}, /* ignore_merges */
        {TEXT("hello<|end|> world"), "259|273|264"},
        {TEXT("<|end|>"), "273"},
        {TEXT("a  <left>b"), "97|274|98"},
        {TEXT("a<right>  b"), "97|275|98"},
        {TEXT("cat cats"), "276|32 99 97 116 115"},
        {TEXT("cats cat"), "99 97 116 115|32|276"},
        {TEXT("a cat."), "97|32|276|46"},
        {TEXT("e\xcc\x81"), "195 169"}, /* NFC */
        {TEXT("\xe4\xb8\xad\xe4\xb8\xad"), "266 266"},
        {TEXT("aaaaaa"), "268 267"}, /* the lowest rank first, the leftmost of equals */
        {TEXT("12345"), "269 51|52 53"},
        {TEXT("I'LL it\xe2\x80\x99s"), "73|39 76 76|32 105 116|226 128 153 115"},
        {TEXT("x\0y"), "120|0 121"},
        {TEXT("hello\r\n\n  x"), "259|13 10 10|32|32 120"},
    };
    check("byte_level.json", cases, COUNT(cases));
}

static void character_texts(void **state)
{
    (void)state;
    static const struct expected cases[] = {
        {TEXT(""), ""},
        {TEXT("hello world"), "277 282"},
        {TEXT("hello<s>hello"), "277|1|277"},
        {TEXT("\xe4\xb8\xad\xe6\x96\x87"), "258 284"},
        {TEXT("\xc3\xa9\xe4\xb8\xad"), "258 197 171 271"},
        {TEXT("  hello"), "283 277"},
        {TEXT("\t"), "258 11"},
    };
    check("characters.json", cases, COUNT(cases));
}

/* Each maximal invalid part is one U+FFFD, whose bytes are 239 191 189. */
static void broken_text_is_repaired(void **state)
{
    (void)state;
    static const struct expected cases[] = {
        {TEXT("\xff"), "239 191 189"},
        {TEXT("a\xe4\xb8"), "97|239 191 189"},
        {TEXT("\xe4\xb8z"), "239 191 189 122"},
        {TEXT("\xed\xa0\x80"), "239 191 189 239 191 189 239 191 189"},
        {TEXT("\xc0\x80hello"), "239 191 189 239 191 189|259"},
        {TEXT("hello\xf0\x9f\x98"), "259|239 191 189"},
    };
    check("byte_level.json", cases, 5); /* the fourth and fifth: no part of a sequence is valid */
    check("byte_level.json", cases + 5, 1);
}

static void builtin_counts_pieces(void **state)
{
    (void)state;
    struct tkp_tokenizer *tokenizer = NULL;
    struct tkp_encoder *encoder = NULL;
    struct tokperf_error error = {0};
    uint64_t count = 0;
    assert_int_equal(tkp_tokenizer_load("builtin", &tokenizer, &error), TOKPERF_OK);
    assert_false(tkp_tokenizer_has_ids(tokenizer));
    assert_int_equal(tkp_encoder_create(tokenizer, &encoder, &error), TOKPERF_OK);
    assert_int_equal(
        tkp_encoder_count(encoder, tkp_span("It's 42 o'clock,\n  isn't it?"), &count, &error),
        TOKPERF_OK);
    assert_int_equal(count, 12); /* It|'s| 42| o|'|clock|,|\n | isn|'t| it|? */
    tkp_encoder_destroy(encoder);
    tkp_tokenizer_destroy(tokenizer);
}

/* A long run of one letter: n log n, and no more memory than is stated. */
static void a_hostile_run_ends(void **state)
{
    (void)state;
    enum { LETTERS = 1 << 20 };
    struct tkp_tokenizer *tokenizer = load("byte_level.json");
    struct tkp_encoder *encoder = NULL;
    struct tokperf_error error = {0};
    uint64_t count = 0;
    char *text = malloc(LETTERS);
    assert_non_null(text);
    memset(text, 'a', LETTERS);
    assert_int_equal(tkp_encoder_create(tokenizer, &encoder, &error), TOKPERF_OK);
    struct tokperf_span span = {text, LETTERS};
    assert_int_equal(tkp_encoder_count(encoder, span, &count, &error), TOKPERF_OK);
    assert_int_equal(count, LETTERS / 4); /* the longest token is aaaa */
    span.len = (uint64_t)TKP_TOKEN_MAX_TEXT_BYTES + 1;
    assert_int_equal(tkp_encoder_count(encoder, span, &count, &error), TOKPERF_E_LIMIT);
    free(text);
    tkp_encoder_destroy(encoder);
    tkp_tokenizer_destroy(tokenizer);
}

#define MODEL(more)                                                                             \
    "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2}," more "\"merges\":[\"a " \
    "b\"]}"

static void what_is_not_exact_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *content, *words;
    } cases[] = {
        {"", "neither a tokenizer.json nor a file of tiktoken ranks"},
        {"<html>", "neither"},
        {"\x0a\x0e\x0a\xff", "not text in UTF-8"},
        {"{", "not valid JSON"},
        {"hello", "it is no tokenizer.json, and as a file of tiktoken ranks its line 1"},
        {"{}", "no 'model'"},
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[]}}", "the model 'Unigram' is not supported"},
        {"{\"model\":{\"type\":\"WordPiece\",\"vocab\":{}}}", "the model 'WordPiece'"},
        {"{" MODEL("\"dropout\":0.1,") "}", "dropout"},
        {"{" MODEL("\"end_of_word_suffix\":\"</w>\",") "}", "end_of_word_suffix"},
        {"{" MODEL("\"unk_token\":\"?\",") "}", "'unk_token' is no token"},
        {"{" MODEL("\"odd\":1,") "}", "the model has a member 'odd'"},
        {"{\"surplus\":1," MODEL("") "}", "a member 'surplus'"},
        {"{\"truncation\":{\"max_length\":8}," MODEL("") "}", "'truncation'"},
        {"{\"padding\":{}," MODEL("") "}", "'padding'"},
        {"{\"normalizer\":{\"type\":\"Precompiled\"}," MODEL("") "}", "Precompiled"},
        {"{\"pre_tokenizer\":{\"type\":\"UnicodeScripts\"}," MODEL("") "}", "'UnicodeScripts'"},
        {"{\"pre_tokenizer\":{\"type\":\"Digits\",\"odd\":1}," MODEL("") "}", "member 'odd'"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\w+\"},"
         "\"behavior\":\"Isolated\"}," MODEL("") "}",
         "an escape that PCRE2 reads otherwise"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a*\"},"
         "\"behavior\":\"Isolated\"}," MODEL("") "}",
         "may match nothing"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a\"},"
         "\"behavior\":\"Isolated\"}," MODEL("") "}",
         "is not taken by PCRE2"},
        {"{\"added_tokens\":[{\"content\":\"x\"}]," MODEL("") "}", "no 'id'"},
        {"{\"added_tokens\":[{\"id\":3,\"content\":\"x\",\"odd\":1}]," MODEL("") "}", "'odd'"},
        {"{\"model\":{\"vocab\":{\"a\":0,\"a\":1},\"merges\":[]}}", "twice"},
        {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}", "a part that is no token"},
        {"{\"model\":{\"vocab\":{\"a\":0,\"b\":1},\"merges\":[\"a b\"]}}",
         "makes what is no token"},
        {"{\"model\":{\"vocab\":{\"a\":0},\"merges\":[\"aa\"]}}", "no pair of texts"},
        {"{\"model\":{\"vocab\":{\"a\":2000000},\"merges\":[]}}", "below 1048575"},
        {"IQ== 0\nIg== 1\n", "a file of 2 tiktoken ranks"},
        {"IQ== 0\nIg==\n", "line 2 is not a token"},
        {"IQ== 99999999\n", "line 1 is not a token"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tkp_tokenizer *tokenizer = NULL;
        struct tokperf_error error = {0};
        tokperf_status status =
            tkp_tokenizer_parse("t.json", tkp_span(cases[i].content), &tokenizer, &error);
        if (status == TOKPERF_OK || !strstr(error.message, cases[i].words))
            fail_msg("%s: %s", cases[i].content, error.message);
        assert_non_null(strstr(error.message, "t.json"));
        assert_null(tokenizer);
    }
}

static void what_is_not_there_is_said(void **state)
{
    (void)state;
    struct tkp_tokenizer *tokenizer = NULL;
    struct tokperf_error error = {0};
    assert_int_equal(tkp_tokenizer_load("meta-llama/Llama-3-8B", &tokenizer, &error),
                     TOKPERF_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "nothing is downloaded"));
    assert_int_equal(tkp_tokenizer_load(TKP_TEST_DATA, &tokenizer, &error), TOKPERF_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "has no tokenizer.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_level_texts),          cmocka_unit_test(character_texts),
        cmocka_unit_test(broken_text_is_repaired),   cmocka_unit_test(builtin_counts_pieces),
        cmocka_unit_test(a_hostile_run_ends),        cmocka_unit_test(what_is_not_exact_is_refused),
        cmocka_unit_test(what_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks PCRE2 which code points it takes for a class, by one search through all of them, and
 * compares with the class of unicode.h. Some milliseconds for each class; only patterns without a
 * scanner of their own need it. Runs on the main thread when a tokenizer is loaded.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <token/pattern_class.h>

#include <base/text.h>
#include <base/utf8.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <token/unicode.h>

enum {
    CODE_POINTS = 0x110000,
    SURROGATES = 0xd800,
    BEHIND_SURROGATES = 0xe000,
    MAX_CLASS_BYTES = 64 << 10
};

static const struct {
    const char *name, *pcre2;
    uint32_t classes;
} known[] = {
    {"L", "\\p{L}", TKP_CLASS_LETTER},
    {"Lu", "\\p{Lu}", TKP_CLASS_LU},
    {"Ll", "\\p{Ll}", TKP_CLASS_LL},
    {"Lt", "\\p{Lt}", TKP_CLASS_LT},
    {"Lm", "\\p{Lm}", TKP_CLASS_LM},
    {"Lo", "\\p{Lo}", TKP_CLASS_LO},
    {"M", "\\p{M}", TKP_CLASS_MARK},
    {"N", "\\p{N}", TKP_CLASS_NUMBER},
    {"Nd", "\\p{Nd}", TKP_CLASS_ND},
    {"Nl", "\\p{Nl}", TKP_CLASS_NL},
    {"No", "\\p{No}", TKP_CLASS_NO},
    {"P", "\\p{P}", TKP_CLASS_PUNCT},
    {"S", "\\p{S}", TKP_CLASS_SYMBOL},
    {"Han", "\\p{sc:Han}", TKP_CLASS_HAN},
    {"Hiragana", "\\p{sc:Hiragana}", TKP_CLASS_HIRAGANA},
    {"Katakana", "\\p{sc:Katakana}", TKP_CLASS_KATAKANA},
};

_Static_assert(sizeof known / sizeof known[0] == TKP_PATTERN_CLASSES, "one for each class");

void tkp_pattern_classes_finish(struct tkp_pattern_classes *classes)
{
    tkp_buffer_finish(&classes->all);
    free(classes->members);
    for (size_t i = 0; i < TKP_PATTERN_CLASSES; i++)
        tkp_buffer_finish(&classes->found[i]);
    *classes = (struct tkp_pattern_classes){.members = NULL};
}

static bool prepare(struct tkp_pattern_classes *classes)
{
    if (classes->members)
        return true;
    tkp_buffer_init(&classes->all, (size_t)4 * CODE_POINTS);
    for (uint32_t c = 0; c < CODE_POINTS; c++) {
        char bytes[4];
        if (c < SURROGATES || c >= BEHIND_SURROGATES)
            tkp_buffer_append(&classes->all, bytes, tkp_utf8_encode(c, bytes));
    }
    classes->members = classes->all.failed ? NULL : malloc(CODE_POINTS);
    return classes->members != NULL;
}

static void mark(struct tkp_pattern_classes *classes, size_t begin, size_t end)
{
    for (size_t at = begin, len; at < end; at += len)
        classes->members[tkp_unicode_decode(classes->all.data + at, &len)] = 1;
}

/* Asks PCRE2 for the members of the class. */
static bool survey(struct tkp_pattern_classes *classes, const char *class)
{
    char pattern[32];
    int code_number = 0, len = snprintf(pattern, sizeof pattern, "%s+", class);
    size_t offset = 0;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, (size_t)len, PCRE2_UTF | PCRE2_UCP,
                                     &code_number, &offset, NULL);
    pcre2_match_data *match = code ? pcre2_match_data_create_from_pattern(code, NULL) : NULL;
    memset(classes->members, 0, CODE_POINTS);
    if (match) {
        (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
        const size_t *places = pcre2_get_ovector_pointer(match);
        for (size_t at = 0; pcre2_match(code, (PCRE2_SPTR)classes->all.data, classes->all.len, at,
                                        PCRE2_NO_UTF_CHECK, match, NULL) > 0;
             at = places[1])
            mark(classes, places[0], places[1]);
    }
    pcre2_match_data_free(match);
    pcre2_code_free(code);
    return match != NULL;
}

/* The ranges of code points that have the classes and, where `missing`, are none of PCRE2's. */
static void append_ranges(const uint8_t *members, uint32_t classes, bool missing,
                          struct tkp_buffer *out)
{
    uint32_t first = CODE_POINTS;
    for (uint32_t c = 0; c <= CODE_POINTS; c++) {
        bool inside = c < CODE_POINTS && tkp_unicode_is(c, classes) && !(missing && members[c]);
        if (inside && first == CODE_POINTS)
            first = c;
        if (inside || first == CODE_POINTS)
            continue;
        tkp_buffer_printf(out, "\\x{%x}-\\x{%x}", (unsigned)first, (unsigned)c - 1);
        first = CODE_POINTS;
    }
}

static bool has_more(const uint8_t *members, uint32_t classes)
{
    for (uint32_t c = 0; c < CODE_POINTS; c++)
        if (members[c] && !tkp_unicode_is(c, classes))
            return true;
    return false;
}

bool tkp_pattern_class_append(struct tkp_pattern_classes *classes, struct tokperf_span name,
                              struct tkp_buffer *out)
{
    size_t i = 0;
    while (i < TKP_PATTERN_CLASSES && !tkp_span_is(name, known[i].name))
        i++;
    if (i == TKP_PATTERN_CLASSES)
        return false;
    struct tkp_buffer *found = &classes->found[i];
    if (!found->len) {
        if (!prepare(classes) || !survey(classes, known[i].pcre2))
            return false;
        bool too_many = has_more(classes->members, known[i].classes);
        tkp_buffer_init(found, MAX_CLASS_BYTES);
        tkp_buffer_puts(found, too_many ? "" : known[i].pcre2);
        append_ranges(classes->members, known[i].classes, !too_many, found);
    }
    tkp_buffer_append(out, found->data, found->len);
    return !found->failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tokenizers ask about a code point. The tables are made by tools/unicode/generate.mjs and
 * checked in. Constant data: any thread, no allocation.
 *
 * Regular expressions of the reference implementation (Hugging Face tokenizers) know Unicode 16,
 * and so do the classes here. Some of its components carry tables of another version; where that
 * shows, a class of its own below says which.
 */
#ifndef TKP_TOKEN_UNICODE_H
#define TKP_TOKEN_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tkp_class {
    TKP_CLASS_LU = 1 << 0,        /* \p{Lu} uppercase letter */
    TKP_CLASS_LL = 1 << 1,        /* \p{Ll} lowercase letter */
    TKP_CLASS_LT = 1 << 2,        /* \p{Lt} titlecase letter */
    TKP_CLASS_LM = 1 << 3,        /* \p{Lm} modifier letter */
    TKP_CLASS_LO = 1 << 4,        /* \p{Lo} other letter */
    TKP_CLASS_MARK = 1 << 5,      /* \p{M} */
    TKP_CLASS_ND = 1 << 6,        /* \p{Nd} decimal digit */
    TKP_CLASS_NL = 1 << 7,        /* \p{Nl} letter number */
    TKP_CLASS_NO = 1 << 8,        /* \p{No} other number */
    TKP_CLASS_PUNCT = 1 << 9,     /* \p{P} */
    TKP_CLASS_SYMBOL = 1 << 10,   /* \p{S} */
    TKP_CLASS_SPACE = 1 << 11,    /* \s: White_Space */
    TKP_CLASS_HAN = 1 << 12,      /* \p{Han} */
    TKP_CLASS_HIRAGANA = 1 << 13, /* \p{Hiragana} */
    TKP_CLASS_KATAKANA = 1 << 14, /* \p{Katakana} */
    TKP_CLASS_WORD = 1 << 15,     /* \w: Alphabetic, M, Nd, Pc, Join_Control */
    /* The reference's Digits: numbers of Unicode 17. */
    TKP_CLASS_DIGITS = 1 << 16,
    /* The reference's Punctuation and Bert splitter: ASCII's 32 and \p{P} of Unicode 8. */
    TKP_CLASS_SPLIT_PUNCT = 1 << 17,
    /* The reference's StripAccents: \p{M} of Unicode 9. */
    TKP_CLASS_ACCENT = 1 << 18,
    /* The reference's Bert normalizer: \p{Mn} and \p{C} (assigned ones) of Unicode 8. */
    TKP_CLASS_BERT_ACCENT = 1 << 19,
    TKP_CLASS_BERT_CONTROL = 1 << 20,

    TKP_CLASS_LETTER = 0x1f,  /* \p{L} */
    TKP_CLASS_NUMBER = 0x1c0, /* \p{N} */
};

/* Two stages: a block of code points, then the kind of each, whose classes are a mask. */
#define TKP_UNICODE_SHIFT 8
extern const uint8_t tkp_unicode_blocks[0x110000 >> TKP_UNICODE_SHIFT];
extern const uint8_t tkp_unicode_kinds[];
extern const uint32_t tkp_unicode_masks[];

/* The classes of a code point below 0x110000; 0 for an unassigned one. */
static inline uint32_t tkp_unicode_class(uint32_t code_point)
{
    uint32_t block = tkp_unicode_blocks[code_point >> TKP_UNICODE_SHIFT];
    uint32_t low = code_point & ((1u << TKP_UNICODE_SHIFT) - 1);
    return tkp_unicode_masks[tkp_unicode_kinds[(block << TKP_UNICODE_SHIFT) + low]];
}

static inline bool tkp_unicode_is(uint32_t code_point, uint32_t classes)
{
    return (tkp_unicode_class(code_point) & classes) != 0;
}

/* The code point at text[0], and its length in *len_bytes; text is well-formed UTF-8. */
static inline uint32_t tkp_unicode_decode(const char *text, size_t *len_bytes)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80) {
        *len_bytes = 1;
        return s[0];
    }
    if (s[0] < 0xe0) {
        *len_bytes = 2;
        return (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3f);
    }
    if (s[0] < 0xf0) {
        *len_bytes = 3;
        return (uint32_t)(s[0] & 0xf) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
    }
    *len_bytes = 4;
    return (uint32_t)(s[0] & 7) << 18 | (uint32_t)(s[1] & 0x3f) << 12 |
           (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3f);
}

#endif

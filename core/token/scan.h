/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hand-written scanners of the patterns with which well-known tokenizers split text. Each does what
 * its regular expression does in the reference implementation (tests/fuzz/token_scan_fuzz.c
 * compares them with PCRE2). Pure functions; text is well-formed UTF-8, begin < end.
 */
#ifndef TKP_TOKEN_SCAN_H
#define TKP_TOKEN_SCAN_H

#include <stdbool.h>
#include <token/unicode.h>

/* The end of the match that begins at `begin`, or, with *is_match false, of the stretch before the
 * next match. What lies before `begin` or behind `end` plays no part. */
typedef const char *tkp_scan(const char *begin, const char *end, bool *is_match);

tkp_scan tkp_scan_gpt2;
tkp_scan tkp_scan_cl100k; /* Llama 3 too: up to three digits */
tkp_scan tkp_scan_qwen;   /* the same with one digit */
tkp_scan tkp_scan_o200k;
tkp_scan tkp_scan_tekken;   /* Mistral Nemo: no contractions, one digit */
tkp_scan tkp_scan_numbers;  /* \p{N}{1,3} */
tkp_scan tkp_scan_number;   /* \p{N} */
tkp_scan tkp_scan_cjk;      /* DeepSeek's second: CJK ideographs and kana */
tkp_scan tkp_scan_deepseek; /* its third */

tkp_scan tkp_scan_digit;       /* one of the component Digits */
tkp_scan tkp_scan_punctuation; /* one of the component Punctuation */
tkp_scan tkp_scan_space;       /* one of \s */
tkp_scan tkp_scan_words;       /* \w+|[^\w\s]+ */

/* Classes of ASCII in a byte, for the loops of the scanners. */
enum {
    TKP_SCAN_UPPER = 1,
    TKP_SCAN_LOWER = 2,
    TKP_SCAN_LETTER = 3,
    TKP_SCAN_NUMBER = 4,
    TKP_SCAN_SPACE = 8,
    TKP_SCAN_NEWLINE = 16, /* \r and \n, which are SPACE too */
    TKP_SCAN_PUNCT = 32,   /* \p{P} and \p{S}: ASCII's 32 */
    TKP_SCAN_WIDE = 128    /* no ASCII */
};
extern const uint8_t tkp_scan_bytes[256];

static inline unsigned tkp_scan_byte(const char *p)
{
    return tkp_scan_bytes[(unsigned char)*p];
}

/* The classes of unicode.h of the character at p. */
static inline uint32_t tkp_scan_class(const char *p, size_t *len)
{
    return tkp_unicode_class(tkp_unicode_decode(p, len));
}

/* Behind the longest run at p of characters with any of the ASCII bits `narrow`, or wide ones with
 * any of the classes `wide`. */
static inline const char *tkp_scan_run(const char *p, const char *end, unsigned narrow,
                                       uint32_t wide)
{
    while (p < end) {
        unsigned byte = tkp_scan_byte(p);
        if (byte & narrow) {
            p++;
            continue;
        }
        if (byte != TKP_SCAN_WIDE)
            break;
        size_t len;
        if (!(tkp_scan_class(p, &len) & wide))
            break;
        p += len;
    }
    return p;
}

static inline const char *tkp_scan_newlines(const char *p, const char *end)
{
    while (p < end && (tkp_scan_byte(p) & TKP_SCAN_NEWLINE))
        p++;
    return p;
}

/* The end of the match at p, whose first character is white space, of \s*[\r\n]+|\s+(?!\S)|\s+,
 * with the first alternative where newlines_first, else of \s+(?!\S)|\s+ alone. */
const char *tkp_scan_spaces(const char *p, const char *end, bool newlines_first);
/* Behind a (?i:'s|'t|'re|'ve|'m|'ll|'d) at p, or p. In lower case only where exact_case. */
const char *tkp_scan_contraction(const char *p, const char *end, bool exact_case);

#endif

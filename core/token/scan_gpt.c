/* SPDX-License-Identifier: Apache-2.0 */
/* The patterns of GPT-2, of cl100k (Llama 3) and of Qwen, and what the other scanners share. */
#include <token/scan.h>

#include <string.h>

#define S   TKP_SCAN_SPACE
#define N   TKP_SCAN_NUMBER
#define U   TKP_SCAN_UPPER
#define L   TKP_SCAN_LOWER
#define P   TKP_SCAN_PUNCT
#define W   TKP_SCAN_WIDE
#define E   (TKP_SCAN_SPACE | TKP_SCAN_NEWLINE)
#define W16 W, W, W, W, W, W, W, W, W, W, W, W, W, W, W, W

const uint8_t tkp_scan_bytes[256] = {
    0,   0,   0,   0,   0,   0,   0,   0,   0, S, E, S, S, E, 0, 0, /* \t \n \v \f \r */
    0,   0,   0,   0,   0,   0,   0,   0,   0, 0, 0, 0, 0, 0, 0, 0, /**/
    S,   P,   P,   P,   P,   P,   P,   P,   P, P, P, P, P, P, P, P, /**/
    N,   N,   N,   N,   N,   N,   N,   N,   N, N, P, P, P, P, P, P, /**/
    P,   U,   U,   U,   U,   U,   U,   U,   U, U, U, U, U, U, U, U, /**/
    U,   U,   U,   U,   U,   U,   U,   U,   U, U, U, P, P, P, P, P, /**/
    P,   L,   L,   L,   L,   L,   L,   L,   L, L, L, L, L, L, L, L, /**/
    L,   L,   L,   L,   L,   L,   L,   L,   L, L, L, P, P, P, P, 0, /**/
    W16, W16, W16, W16, W16, W16, W16, W16,
};

const char *tkp_scan_spaces(const char *p, const char *end, bool newlines_first)
{
    const char *last = p, *behind_newline = NULL; /* last: the begin of the last character */
    const char *at = p;
    while (at < end) {
        unsigned byte = tkp_scan_byte(at);
        size_t len = 1;
        if (byte == TKP_SCAN_WIDE ? !(tkp_scan_class(at, &len) & TKP_CLASS_SPACE)
                                  : !(byte & TKP_SCAN_SPACE))
            break;
        last = at;
        at += len;
        if (byte & TKP_SCAN_NEWLINE)
            behind_newline = at;
    }
    if (newlines_first && behind_newline)
        return behind_newline;
    return at == end || last == p ? at : last;
}

const char *tkp_scan_contraction(const char *p, const char *end, bool exact_case)
{
    if (end - p < 2 || *p != '\'')
        return p;
    unsigned fold = exact_case ? 0 : 0x20;
    char first = (char)((unsigned char)p[1] | fold);
    if (first == 's' || first == 't' || first == 'm' || first == 'd')
        return p + 2;
    if (end - p < 3)
        return p;
    if (!exact_case && memcmp(p + 1, "\xc5\xbf", 2) == 0) /* U+017F, the long s, folds to s */
        return p + 3;
    char second = (char)((unsigned char)p[2] | fold);
    bool two = first == 'l' ? second == 'l' : (first == 'r' || first == 'v') && second == 'e';
    return two ? p + 3 : p;
}

static const char *letters(const char *p, const char *end)
{
    return tkp_scan_run(p, end, TKP_SCAN_LETTER, TKP_CLASS_LETTER);
}

/* [^\s\p{L}\p{N}]+ */
static const char *others(const char *p, const char *end)
{
    while (p < end) {
        unsigned byte = tkp_scan_byte(p);
        if (byte == 0 || byte == TKP_SCAN_PUNCT) {
            p++;
            continue;
        }
        size_t len;
        if (byte != TKP_SCAN_WIDE ||
            (tkp_scan_class(p, &len) & (TKP_CLASS_LETTER | TKP_CLASS_NUMBER | TKP_CLASS_SPACE)))
            break;
        p += len;
    }
    return p;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
const char *tkp_scan_gpt2(const char *begin, const char *end, bool *is_match)
{
    *is_match = true;
    const char *p = tkp_scan_contraction(begin, end, true);
    if (p != begin)
        return p;
    p = begin + (*begin == ' ');
    const char *stop = letters(p, end);
    if (stop == p)
        stop = tkp_scan_run(p, end, TKP_SCAN_NUMBER, TKP_CLASS_NUMBER);
    if (stop == p)
        stop = others(p, end);
    return stop != p ? stop : tkp_scan_spaces(begin, end, false);
}

/* \p{N}{1,most} */
static const char *numbers(const char *p, const char *end, int most)
{
    for (int i = 0; i < most && p < end; i++) {
        unsigned byte = tkp_scan_byte(p);
        size_t len = 1;
        if (!(byte & TKP_SCAN_NUMBER) &&
            (byte != TKP_SCAN_WIDE || !(tkp_scan_class(p, &len) & TKP_CLASS_NUMBER)))
            break;
        p += len;
    }
    return p;
}

/* [^\r\n\p{L}\p{N}]?\p{L}+ at p, or p. */
static const char *word(const char *p, const char *end)
{
    unsigned byte = tkp_scan_byte(p);
    if (byte & TKP_SCAN_LETTER)
        return letters(p + 1, end);
    if (byte & (TKP_SCAN_NEWLINE | TKP_SCAN_NUMBER))
        return p;
    size_t len = 1;
    if (byte == TKP_SCAN_WIDE) {
        uint32_t class = tkp_scan_class(p, &len);
        if (class & TKP_CLASS_LETTER)
            return letters(p + len, end);
        if (class & TKP_CLASS_NUMBER)
            return p;
    }
    const char *stop = letters(p + len, end);
    return stop != p + len ? stop : p;
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,most}| ?[^\s\p{L}\p{N}]+[\r\n]*
 * |\s*[\r\n]+|\s+(?!\S)|\s+ */
static inline const char *scan_cl100k(const char *begin, const char *end, int most)
{
    const char *p = begin;
    if (*begin == '\'' && (p = tkp_scan_contraction(begin, end, false)) != begin)
        return p;
    if ((p = word(begin, end)) != begin || (p = numbers(begin, end, most)) != begin)
        return p;
    p = begin + (*begin == ' ');
    const char *stop = others(p, end);
    return stop != p ? tkp_scan_newlines(stop, end) : tkp_scan_spaces(begin, end, true);
}

const char *tkp_scan_cl100k(const char *begin, const char *end, bool *is_match)
{
    *is_match = true;
    return scan_cl100k(begin, end, 3);
}

const char *tkp_scan_qwen(const char *begin, const char *end, bool *is_match)
{
    *is_match = true;
    return scan_cl100k(begin, end, 1);
}

/* A match of up to `most` numbers, or the stretch before one. */
static const char *scan_numbers(const char *begin, const char *end, int most, bool *is_match)
{
    const char *p = numbers(begin, end, most);
    *is_match = p != begin;
    if (*is_match)
        return p;
    while (p < end) {
        unsigned byte = tkp_scan_byte(p);
        size_t len = 1;
        if (byte == TKP_SCAN_NUMBER ||
            (byte == TKP_SCAN_WIDE && (tkp_scan_class(p, &len) & TKP_CLASS_NUMBER)))
            break;
        p += len;
    }
    return p;
}

const char *tkp_scan_numbers(const char *begin, const char *end, bool *is_match)
{
    return scan_numbers(begin, end, 3, is_match);
}

const char *tkp_scan_number(const char *begin, const char *end, bool *is_match)
{
    return scan_numbers(begin, end, 1, is_match);
}

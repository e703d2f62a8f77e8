/* SPDX-License-Identifier: Apache-2.0 */
/* The splits that go by one class of characters: digits, punctuation, white space, words. */
#include <token/scan.h>

/* One character of the classes, or the stretch before one. */
static const char *one(const char *begin, const char *end, uint32_t classes, bool *is_match)
{
    const char *p = begin;
    size_t len;
    *is_match = (tkp_scan_class(begin, &len) & classes) != 0;
    if (*is_match)
        return begin + len;
    do
        p += len;
    while (p < end && !(tkp_scan_class(p, &len) & classes));
    return p;
}

const char *tkp_scan_digit(const char *begin, const char *end, bool *is_match)
{
    return one(begin, end, TKP_CLASS_DIGITS, is_match);
}

const char *tkp_scan_punctuation(const char *begin, const char *end, bool *is_match)
{
    return one(begin, end, TKP_CLASS_SPLIT_PUNCT, is_match);
}

const char *tkp_scan_space(const char *begin, const char *end, bool *is_match)
{
    return one(begin, end, TKP_CLASS_SPACE, is_match);
}

const char *tkp_scan_words(const char *begin, const char *end, bool *is_match)
{
    const uint32_t kinds = TKP_CLASS_WORD | TKP_CLASS_SPACE;
    const char *p = begin;
    size_t len;
    uint32_t first = tkp_scan_class(begin, &len) & kinds;
    *is_match = first != TKP_CLASS_SPACE;
    do
        p += len;
    while (p < end && (tkp_scan_class(p, &len) & kinds) == first);
    return p;
}

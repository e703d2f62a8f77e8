/* SPDX-License-Identifier: Apache-2.0 */
/* The second and third pattern of DeepSeek's sequence of splits; the first is numbers. */
#include <token/scan.h>

static bool is_cjk(uint32_t c)
{
    return (c >= 0x4e00 && c <= 0x9fa5) || (c >= 0x3040 && c <= 0x30ff);
}

/* [U+4E00-U+9FA5, U+3040-U+309F, U+30A0-U+30FF]+ */
const char *tkp_scan_cjk(const char *begin, const char *end, bool *is_match)
{
    const char *p = begin;
    size_t len;
    *is_match = is_cjk(tkp_unicode_decode(begin, &len));
    while (p < end) {
        len = 1;
        if (((unsigned char)*p >= 0xe3 && is_cjk(tkp_unicode_decode(p, &len))) != *is_match)
            break;
        p += len;
    }
    return p;
}

#define WORD (TKP_CLASS_LETTER | TKP_CLASS_MARK)
#define SIGN (TKP_CLASS_PUNCT | TKP_CLASS_SYMBOL)

static const char *ascii_letters(const char *p, const char *end)
{
    while (p < end && (tkp_scan_byte(p) & TKP_SCAN_LETTER))
        p++;
    return p;
}

static const char *words(const char *p, const char *end)
{
    return tkp_scan_run(p, end, TKP_SCAN_LETTER, WORD);
}

/* The match at p, or p:
 * [!-/:-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+
 * |\s+(?!\S)|\s+ (the first class is ASCII's punctuation) */
static const char *match(const char *p, const char *end)
{
    unsigned byte = tkp_scan_byte(p);
    size_t len = 1;
    uint32_t class = 0;
    const char *stop;
    if (byte == TKP_SCAN_PUNCT && (stop = ascii_letters(p + 1, end)) != p + 1)
        return stop;
    if (byte == TKP_SCAN_WIDE)
        class = tkp_scan_class(p, &len);
    if ((byte & TKP_SCAN_LETTER) || (class & WORD))
        return words(p + len, end);
    bool is_sign = byte == TKP_SCAN_PUNCT || (class & SIGN);
    if (!is_sign && !(byte & TKP_SCAN_NEWLINE) && (stop = words(p + len, end)) != p + len)
        return stop;
    const char *signs = p + (*p == ' ');
    if ((stop = tkp_scan_run(signs, end, TKP_SCAN_PUNCT, SIGN)) != signs)
        return tkp_scan_newlines(stop, end);
    return (byte & TKP_SCAN_SPACE) || (class & TKP_CLASS_SPACE) ? tkp_scan_spaces(p, end, true) : p;
}

const char *tkp_scan_deepseek(const char *begin, const char *end, bool *is_match)
{
    const char *p = match(begin, end);
    *is_match = p != begin;
    if (*is_match)
        return p;
    size_t len;
    do {
        (void)tkp_unicode_decode(p, &len);
        p += len;
    } while (p < end && match(p, end) == p);
    return p;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The patterns of o200k and of Mistral Nemo (tekken), which tell upper and lower case apart. */
#include <token/scan.h>

/* [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and [\p{Ll}\p{Lm}\p{Lo}\p{M}]; LOOSE is in both. */
#define LOOSE (TKP_CLASS_LM | TKP_CLASS_LO | TKP_CLASS_MARK)
#define HIGH  (TKP_CLASS_LU | TKP_CLASS_LT | LOOSE)
#define LOW   (TKP_CLASS_LL | LOOSE)

static uint32_t class_at(const char *p, size_t *len)
{
    unsigned byte = tkp_scan_byte(p);
    *len = 1;
    if (byte == TKP_SCAN_WIDE)
        return tkp_scan_class(p, len);
    if (byte & TKP_SCAN_LETTER)
        return byte & TKP_SCAN_UPPER ? TKP_CLASS_LU : TKP_CLASS_LL;
    return byte & TKP_SCAN_NUMBER ? TKP_CLASS_ND : byte & TKP_SCAN_SPACE ? TKP_CLASS_SPACE : 0;
}

/* HIGH*LOW+ at p. NULL when it does not match; *behind_high is the end of HIGH* then. HIGH* gives
 * characters back until LOW+ has one, which is the last one of LOOSE. */
static const char *low_word(const char *p, const char *end, const char **behind_high)
{
    const char *behind_loose = NULL;
    while (p < end) {
        size_t len;
        uint32_t class = class_at(p, &len);
        if (class & TKP_CLASS_LL)
            return tkp_scan_run(p + len, end, TKP_SCAN_LOWER, LOW);
        if (!(class & HIGH))
            break;
        p += len;
        if (class & LOOSE)
            behind_loose = p;
    }
    *behind_high = p;
    return behind_loose;
}

/* [^\r\n\p{L}\p{N}]?HIGH*LOW+|[^\r\n\p{L}\p{N}]?HIGH+LOW* at p, or p. */
static const char *cased_word(const char *p, const char *end)
{
    size_t len;
    uint32_t class = class_at(p, &len);
    const char *behind_high = NULL, *stop;
    bool is_prefix = !(class & (TKP_CLASS_LETTER | TKP_CLASS_NUMBER)) && *p != '\r' && *p != '\n';
    if (!is_prefix) {
        if (!(class & TKP_CLASS_LETTER))
            return p;
        stop = low_word(p, end, &behind_high);
        return stop ? stop : behind_high;
    }
    stop = p + len < end ? low_word(p + len, end, &behind_high) : NULL;
    if (stop)
        return stop;
    if (class & TKP_CLASS_MARK) /* a mark that is no prefix is a LOW+ */
        return low_word(p, end, &behind_high);
    return behind_high && behind_high != p + len ? behind_high : p;
}

static const char *numbers(const char *p, const char *end, int most)
{
    size_t len;
    for (int i = 0; i < most && p < end && (class_at(p, &len) & TKP_CLASS_NUMBER); i++)
        p += len;
    return p;
}

/* The rest of both: \p{N}{1,most}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+ */
static const char *no_word(const char *begin, const char *end, int most)
{
    const char *p = numbers(begin, end, most);
    if (p != begin)
        return p;
    p = begin + (*begin == ' ');
    const char *stop = p;
    for (size_t len; stop < end; stop += len)
        if (class_at(stop, &len) & (TKP_CLASS_LETTER | TKP_CLASS_NUMBER | TKP_CLASS_SPACE))
            break;
    if (stop == p)
        return tkp_scan_spaces(begin, end, true);
    while (stop < end && (*stop == '\r' || *stop == '\n' || *stop == '/'))
        stop++;
    return stop;
}

const char *tkp_scan_o200k(const char *begin, const char *end, bool *is_match)
{
    *is_match = true;
    const char *p = cased_word(begin, end);
    return p != begin ? tkp_scan_contraction(p, end, false) : no_word(begin, end, 3);
}

const char *tkp_scan_tekken(const char *begin, const char *end, bool *is_match)
{
    *is_match = true;
    const char *p = cased_word(begin, end);
    return p != begin ? p : no_word(begin, end, 1);
}

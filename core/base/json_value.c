/* SPDX-License-Identifier: Apache-2.0 */
/* What the text of a scanned JSON string or number means. No state. */
#include <base/json_scan.h>

#include <base/text.h>
#include <base/utf8.h>
#include <stdbool.h>
#include <string.h>

/* A double's value needs at most 767 digits (IEEE 754); longer numbers are refused. Every integer
 * of 15 digits is a double. */
enum { MAX_NUMBER_BYTES = 1100, EXACT_DIGITS = 15, REPLACEMENT = 0xfffd };

/* The four hexadecimal digits at p, or -1. */
static int read_hex(const char *p, const char *end)
{
    int value = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int c = (unsigned char)p[i], letter = c | 32;
        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if (letter >= 'a' && letter <= 'f')
            value = value * 16 + (letter - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* Reads \uXXXX at p, and a second one where they form a surrogate pair. Returns its length or 0. */
static size_t read_unicode(const char *p, const char *end, unsigned *scalar)
{
    int high = read_hex(p + 2, end);
    if (high < 0)
        return 0;
    *scalar = (unsigned)high;
    if (high < 0xd800 || high > 0xdfff)
        return 6;
    *scalar = REPLACEMENT;
    if (high > 0xdbff || end - p < 12 || p[6] != '\\' || p[7] != 'u')
        return 6;
    int low = read_hex(p + 8, end);
    if (low < 0xdc00 || low > 0xdfff)
        return 6;
    *scalar = 0x10000 + ((unsigned)(high - 0xd800) << 10) + (unsigned)(low - 0xdc00);
    return 12;
}

/* Decodes the escape at the backslash p to UTF-8. Returns its length, or 0 when it is none. */
static size_t read_escape(const char *p, const char *end, char out[4], size_t *out_len)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (end - p < 2 || !p[1])
        return 0;
    if (p[1] == 'u') {
        unsigned scalar;
        size_t len = read_unicode(p, end, &scalar);
        *out_len = len ? tkp_utf8_encode(scalar, out) : 0;
        return len;
    }
    const char *known = strchr(from, p[1]);
    if (!known)
        return 0;
    out[0] = to[known - from];
    *out_len = 1;
    return 2;
}

/* Decodes what stands at p. Returns how much of the text it takes, or 0. */
static size_t read_unit(const char *p, const char *end, char out[4], size_t *out_len)
{
    if (*p == '\\')
        return read_escape(p, end, out, out_len);
    bool valid;
    size_t len = tkp_utf8_step(p, (size_t)(end - p), &valid);
    if (valid) {
        memcpy(out, p, len);
        *out_len = len;
    } else {
        *out_len = tkp_utf8_encode(REPLACEMENT, out);
    }
    return len;
}

/* The end of the plain ASCII that begins at p. */
static const char *plain_end(const char *p, const char *end)
{
    while (p < end && *p != '\\' && (unsigned char)*p < 0x80)
        p++;
    return p;
}

/* Compares while unescaping. Out of line: keys hardly ever have escapes. */
__attribute__((noinline)) static uint32_t equals_escaped(struct tokperf_span text,
                                                         struct tokperf_span plain)
{
    const char *p = text.data, *end = text.data + text.len;
    uint64_t at = 0;
    while (p < end) {
        char unit[4];
        size_t unit_len, taken = read_unit(p, end, unit, &unit_len);
        if (!taken || unit_len > plain.len - at || memcmp(plain.data + at, unit, unit_len) != 0)
            return 0;
        p += taken;
        at += unit_len;
    }
    return at == plain.len;
}

uint32_t tkp_json_equals(struct tokperf_span text, uint32_t escaped, struct tokperf_span plain)
{
    if (escaped)
        return equals_escaped(text, plain);
    if (text.len != plain.len)
        return 0;
    return !plain.len || !memcmp(text.data, plain.data, plain.len);
}

tokperf_status tkp_json_unescape(struct tokperf_span text, char *out, uint64_t capacity,
                                 uint64_t *len)
{
    const char *p = text.data, *end = text.len ? p + text.len : p;
    uint64_t at = 0;
    *len = 0;
    while (p < end) {
        size_t plain = (size_t)(plain_end(p, end) - p);
        if (plain > capacity - at)
            return TOKPERF_E_LIMIT;
        if (plain)
            memcpy(out + at, p, plain);
        at += plain;
        p += plain;
        if (p == end)
            break;
        char unit[4];
        size_t unit_len, taken = read_unit(p, end, unit, &unit_len);
        if (!taken)
            return TOKPERF_E_PARSE;
        if (unit_len > capacity - at)
            return TOKPERF_E_LIMIT;
        memcpy(out + at, unit, unit_len);
        at += unit_len;
        p += taken;
    }
    *len = at;
    return TOKPERF_OK;
}

tokperf_status tkp_json_to_int(struct tokperf_span number, int64_t *value)
{
    char text[24]; /* "-9223372036854775808" has 20 */
    if (number.len >= sizeof text || (number.len && memchr(number.data, '\0', number.len)))
        return TOKPERF_E_LIMIT;
    tkp_text_copy(text, sizeof text, number);
    return tkp_text_to_int(text, value) ? TOKPERF_OK : TOKPERF_E_INVALID;
}

/* Digits only, few enough for a double to hold the number exactly: nearly all that servers send. */
static bool is_exact_integer(struct tokperf_span number, double *value)
{
    uint64_t sum = 0;
    if (!number.len || number.len > EXACT_DIGITS)
        return false;
    for (uint64_t i = 0; i < number.len; i++) {
        unsigned digit = (unsigned char)number.data[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        sum = sum * 10 + digit;
    }
    *value = (double)sum;
    return true;
}

tokperf_status tkp_json_to_double(struct tokperf_span number, double *value)
{
    char text[MAX_NUMBER_BYTES];
    if (is_exact_integer(number, value))
        return TOKPERF_OK;
    if (number.len >= sizeof text || (number.len && memchr(number.data, '\0', number.len)))
        return TOKPERF_E_LIMIT;
    tkp_text_copy(text, sizeof text, number);
    return tkp_text_to_double(text, value) ? TOKPERF_OK : TOKPERF_E_INVALID;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lexical part of the JSON scanner, for json_scan.c and json_skip.c only: inline where every
 * event of a stream passes, out of line where few do. Nothing here reads at or past the end.
 */
#ifndef TKP_BASE_JSON_LEX_H
#define TKP_BASE_JSON_LEX_H

#include <stdbool.h>
#include <string.h>
#include <tokperf/json.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define TKP_LIKELY(x)   __builtin_expect(!!(x), 1)
#define TKP_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* What the grammar allows next. A KEY takes its colon with it. */
enum tkp_json_expect {
    TKP_JSON_EXPECT_AFTER_VALUE, /* comma or end of the container */
    TKP_JSON_EXPECT_VALUE,
    TKP_JSON_EXPECT_FIRST_KEY,   /* or the end of the object */
    TKP_JSON_EXPECT_FIRST_VALUE, /* or the end of the array */
    TKP_JSON_EXPECT_NOTHING,     /* behind the top-level value */
    TKP_JSON_EXPECT_FAILED
};

enum tkp_json_reason {
    TKP_JSON_REASON_NONE,
    TKP_JSON_REASON_EARLY_END,
    TKP_JSON_REASON_VALUE,
    TKP_JSON_REASON_KEY,
    TKP_JSON_REASON_COLON,
    TKP_JSON_REASON_OBJECT_COMMA,
    TKP_JSON_REASON_ARRAY_COMMA,
    TKP_JSON_REASON_TRAILING,
    TKP_JSON_REASON_LITERAL,
    TKP_JSON_REASON_NUMBER,
    TKP_JSON_REASON_LEADING_ZERO,
    TKP_JSON_REASON_CONTROL,
    TKP_JSON_REASON_ESCAPE,
    TKP_JSON_REASON_UNICODE,
    TKP_JSON_REASON_DEPTH
};

/* Makes the scan fail at `at`, for want of more text where that is the end. Returns ERROR. */
uint32_t tkp_json_fail(struct tokperf_json *scan, const char *at, enum tkp_json_reason reason);
/* The rest of a string whose first byte that is no plain character, before its end or at it, is
 * at p. Returns its closing quote, or NULL after tkp_json_fail(). */
const char *tkp_json_finish_string(struct tokperf_json *scan, const char *p);
/* Passes over a number that begins at p. Returns its end, or NULL after tkp_json_fail(). */
const char *tkp_json_pass_number(struct tokperf_json *scan, const char *p);
/* The same of true, false or null, by the letter at p. */
const char *tkp_json_pass_literal(struct tokperf_json *scan, const char *p);

static inline bool tkp_json_is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Moves *p behind spaces. Returns the byte there, or NUL at the end: no token begins with NUL, so
 * that one comparison serves for both, and tkp_json_fail() tells them apart. */
static inline char tkp_json_pass_space(const char **p, const char *end)
{
    for (; *p < end; (*p)++) {
        char c = **p;
        if (TKP_LIKELY((unsigned char)c > ' ' ||
                       !(c == ' ' || c == '\n' || c == '\t' || c == '\r')))
            return c;
    }
    return '\0';
}

/* The first quote, backslash or control character at or behind p, or end. */
static inline const char *tkp_json_find_special(const char *p, const char *end)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i last_control = _mm_set1_epi8(0x1f);
    for (; end - p >= 16; p += 16) {
        __m128i bytes;
        memcpy(&bytes, p, sizeof bytes);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
        __m128i found = _mm_or_si128(
            control, _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        unsigned mask = (unsigned)_mm_movemask_epi8(found);
        if (mask)
            return p + __builtin_ctz(mask);
    }
#endif
    while (p < end && (unsigned char)*p > 0x1f && *p != '"' && *p != '\\')
        p++;
    return p;
}

static inline bool tkp_json_in_object(const struct tokperf_json *scan)
{
    return scan->nesting[0] & 1;
}

/* Bit 0 of nesting is the innermost container. The caller has checked the depth. */
static inline void tkp_json_push(struct tokperf_json *scan, bool is_object)
{
    scan->nesting[1] = scan->nesting[1] << 1 | scan->nesting[0] >> 63;
    scan->nesting[0] = scan->nesting[0] << 1 | is_object;
    scan->depth++;
}

static inline void tkp_json_pop(struct tokperf_json *scan)
{
    scan->nesting[0] = scan->nesting[0] >> 1 | scan->nesting[1] << 63;
    scan->nesting[1] >>= 1;
    scan->depth--;
}

/* What is expected behind a value. */
static inline uint32_t tkp_json_behind_value(const struct tokperf_json *scan)
{
    return TKP_LIKELY(scan->depth) ? TKP_JSON_EXPECT_AFTER_VALUE : TKP_JSON_EXPECT_NOTHING;
}

#endif

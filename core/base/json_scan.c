/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict JSON pull scanner (RFC 8259). The state is the caller's; nothing is allocated and no
 * byte at or past the end is read. A KEY takes its colon with it, so that between two calls the
 * scanner stands before a value, before the first key or value of a container, or behind a value.
 * What a string or number means is in json_value.c.
 */
#include <base/json_scan.h>

#include <stdbool.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum expect {
    EXPECT_VALUE,
    EXPECT_FIRST_KEY,   /* or the end of the object */
    EXPECT_FIRST_VALUE, /* or the end of the array */
    EXPECT_AFTER_VALUE, /* comma or end of the container */
    EXPECT_NOTHING,     /* behind the top-level value */
    EXPECT_FAILED
};

enum reason {
    REASON_NONE,
    REASON_EARLY_END,
    REASON_VALUE,
    REASON_KEY,
    REASON_COLON,
    REASON_OBJECT_COMMA,
    REASON_ARRAY_COMMA,
    REASON_TRAILING,
    REASON_LITERAL,
    REASON_NUMBER,
    REASON_LEADING_ZERO,
    REASON_CONTROL,
    REASON_ESCAPE,
    REASON_UNICODE,
    REASON_DEPTH
};

static const char *const reasons[] = {
    [REASON_NONE] = "no error",
    [REASON_EARLY_END] = "the text ends before its JSON value does",
    [REASON_VALUE] = "a value is expected here",
    [REASON_KEY] = "a key in double quotes is expected here",
    [REASON_COLON] = "a colon is expected behind the key",
    [REASON_OBJECT_COMMA] = "a comma or '}' is expected here",
    [REASON_ARRAY_COMMA] = "a comma or ']' is expected here",
    [REASON_TRAILING] = "something follows the JSON value",
    [REASON_LITERAL] = "only true, false and null may stand without quotes",
    [REASON_NUMBER] = "a digit is expected in the number here",
    [REASON_LEADING_ZERO] = "a number may not begin with zero and another digit",
    [REASON_CONTROL] = "a control character in a string must be escaped",
    [REASON_ESCAPE] = "the escape behind the backslash is unknown",
    [REASON_UNICODE] = "four hexadecimal digits are expected behind \\u",
    [REASON_DEPTH] = "containers are nested more than 128 deep",
};

#define ALWAYS_INLINE __attribute__((always_inline)) static inline
#define LIKELY(x)     __builtin_expect(!!(x), 1)
#define UNLIKELY(x)   __builtin_expect(!!(x), 0)

/* Cold: out of the way of the scanning. */
__attribute__((noinline, cold)) static uint32_t fail(struct tokperf_json *scan, const char *at,
                                                     enum reason reason)
{
    scan->error = at == scan->end ? REASON_EARLY_END : reason;
    scan->error_offset = (uint64_t)(at - scan->begin);
    scan->expect = EXPECT_FAILED;
    scan->position = at;
    return TOKPERF_JSON_ERROR;
}

ALWAYS_INLINE int is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

ALWAYS_INLINE const char *skip_space(const char *p, const char *end)
{
    while (p < end && (unsigned char)*p <= ' ' &&
           (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

/* The first quote, backslash or control character at or behind p, or end. */
ALWAYS_INLINE const char *find_special(const char *p, const char *end)
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

/* Checks the escape at the backslash p; returns what follows it, or NULL after fail(). */
static const char *check_escape(struct tokperf_json *scan, const char *p)
{
    p++;
    if (p < scan->end && *p && strchr("\"\\/bfnrt", *p))
        return p + 1;
    if (p == scan->end || *p != 'u') {
        fail(scan, p, REASON_ESCAPE);
        return NULL;
    }
    p++;
    for (int i = 0; i < 4; i++, p++) {
        int letter = p < scan->end ? *p | 32 : 0;
        if (p == scan->end || !(is_digit(*p) || (letter >= 'a' && letter <= 'f'))) {
            fail(scan, p, REASON_UNICODE);
            return NULL;
        }
    }
    return p;
}

/* The rest of a string with an escape or a fault at p. Returns its closing quote or NULL. */
__attribute__((noinline)) static const char *finish_string(struct tokperf_json *scan, const char *p)
{
    while (p < scan->end && *p == '\\') {
        scan->escaped = 1;
        p = check_escape(scan, p);
        if (!p)
            return NULL;
        p = find_special(p, scan->end);
    }
    if (p < scan->end && *p == '"')
        return p;
    fail(scan, p, REASON_CONTROL);
    return NULL;
}

/* p is at the opening quote. Returns what follows the closing one, or NULL after fail(). */
ALWAYS_INLINE const char *scan_string(struct tokperf_json *scan, const char *p)
{
    const char *first = p + 1;
    const char *close = find_special(first, scan->end);
    scan->escaped = 0;
    if (UNLIKELY(close == scan->end || *close != '"')) {
        close = finish_string(scan, close);
        if (!close)
            return NULL;
    }
    scan->text.data = first;
    scan->text.len = (uint64_t)(close - first);
    return close + 1;
}

ALWAYS_INLINE const char *skip_digits(const char *p, const char *end)
{
    while (p < end && is_digit(*p))
        p++;
    return p;
}

static uint32_t scan_number(struct tokperf_json *scan, const char *p)
{
    const char *first = p, *end = scan->end, *digits;
    p += *p == '-';
    digits = p;
    p = skip_digits(p, end);
    if (p == digits)
        return fail(scan, p, REASON_NUMBER);
    if (*digits == '0' && p > digits + 1)
        return fail(scan, digits, REASON_LEADING_ZERO);
    if (p < end && *p == '.') {
        digits = ++p;
        p = skip_digits(p, end);
        if (p == digits)
            return fail(scan, p, REASON_NUMBER);
    }
    if (p < end && (*p | 32) == 'e') {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        digits = p;
        p = skip_digits(p, end);
        if (p == digits)
            return fail(scan, p, REASON_NUMBER);
    }
    scan->text = (struct tokperf_span){first, (uint64_t)(p - first)};
    scan->position = p;
    return TOKPERF_JSON_NUMBER;
}

static uint32_t scan_literal(struct tokperf_json *scan, const char *p, const char *word,
                             uint32_t token)
{
    for (; *word; p++, word++)
        if (p == scan->end || *p != *word)
            return fail(scan, p, REASON_LITERAL);
    scan->position = p;
    return token;
}

ALWAYS_INLINE uint32_t open_container(struct tokperf_json *scan, const char *p, uint32_t is_object)
{
    if (UNLIKELY(scan->depth == TOKPERF_JSON_MAX_DEPTH))
        return fail(scan, p, REASON_DEPTH);
    scan->nesting[1] = scan->nesting[1] << 1 | scan->nesting[0] >> 63;
    scan->nesting[0] = scan->nesting[0] << 1 | is_object;
    scan->depth++;
    scan->expect = is_object ? EXPECT_FIRST_KEY : EXPECT_FIRST_VALUE;
    scan->position = p + 1;
    return is_object ? TOKPERF_JSON_OBJECT_BEGIN : TOKPERF_JSON_ARRAY_BEGIN;
}

ALWAYS_INLINE uint32_t close_container(struct tokperf_json *scan, const char *p)
{
    uint32_t is_object = scan->nesting[0] & 1;
    scan->nesting[0] = scan->nesting[0] >> 1 | scan->nesting[1] << 63;
    scan->nesting[1] >>= 1;
    scan->depth--;
    scan->expect = scan->depth ? EXPECT_AFTER_VALUE : EXPECT_NOTHING;
    scan->position = p + 1;
    return is_object ? TOKPERF_JSON_OBJECT_END : TOKPERF_JSON_ARRAY_END;
}

/* p is at the first byte that is no space, before the end. */
ALWAYS_INLINE uint32_t scan_key(struct tokperf_json *scan, const char *p)
{
    if (UNLIKELY(p == scan->end || *p != '"'))
        return fail(scan, p, REASON_KEY);
    p = scan_string(scan, p);
    if (UNLIKELY(!p))
        return TOKPERF_JSON_ERROR;
    p = skip_space(p, scan->end);
    if (UNLIKELY(p == scan->end || *p != ':'))
        return fail(scan, p, REASON_COLON);
    scan->position = p + 1;
    scan->expect = EXPECT_VALUE;
    return TOKPERF_JSON_KEY;
}

/* p is at the first byte that is no space, or at the end. */
ALWAYS_INLINE uint32_t scan_value(struct tokperf_json *scan, const char *p)
{
    if (UNLIKELY(p == scan->end))
        return fail(scan, p, REASON_EARLY_END);
    scan->expect = scan->depth ? EXPECT_AFTER_VALUE : EXPECT_NOTHING;
    switch (*p) {
    case '"':
        p = scan_string(scan, p);
        if (UNLIKELY(!p))
            return TOKPERF_JSON_ERROR;
        scan->position = p;
        return TOKPERF_JSON_STRING;
    case '{':
        return open_container(scan, p, 1);
    case '[':
        return open_container(scan, p, 0);
    case 't':
        return scan_literal(scan, p, "true", TOKPERF_JSON_TRUE);
    case 'f':
        return scan_literal(scan, p, "false", TOKPERF_JSON_FALSE);
    case 'n':
        return scan_literal(scan, p, "null", TOKPERF_JSON_NULL);
    default:
        if (LIKELY(*p == '-' || is_digit(*p)))
            return scan_number(scan, p);
        return fail(scan, p, REASON_VALUE);
    }
}

/* Behind a value inside a container. */
ALWAYS_INLINE uint32_t scan_separator(struct tokperf_json *scan, const char *p)
{
    uint32_t in_object = scan->nesting[0] & 1;
    if (p < scan->end && *p == ',') {
        p = skip_space(p + 1, scan->end);
        return in_object ? scan_key(scan, p) : scan_value(scan, p);
    }
    if (LIKELY(p < scan->end && *p == (in_object ? '}' : ']')))
        return close_container(scan, p);
    return fail(scan, p, in_object ? REASON_OBJECT_COMMA : REASON_ARRAY_COMMA);
}

ALWAYS_INLINE uint32_t step(struct tokperf_json *scan)
{
    const char *p = skip_space(scan->position, scan->end);
    switch ((enum expect)scan->expect) {
    case EXPECT_VALUE:
        return scan_value(scan, p);
    case EXPECT_AFTER_VALUE:
        return scan_separator(scan, p);
    case EXPECT_FIRST_KEY:
        return p < scan->end && *p == '}' ? close_container(scan, p) : scan_key(scan, p);
    case EXPECT_FIRST_VALUE:
        return p < scan->end && *p == ']' ? close_container(scan, p) : scan_value(scan, p);
    case EXPECT_NOTHING:
        return p == scan->end ? TOKPERF_JSON_END : fail(scan, p, REASON_TRAILING);
    case EXPECT_FAILED:
        break;
    }
    return TOKPERF_JSON_ERROR;
}

/* Where the value that comes next begins, or NULL when none may. */
static const char *next_value(const struct tokperf_json *scan)
{
    const char *p = skip_space(scan->position, scan->end);
    bool in_array = scan->depth && !(scan->nesting[0] & 1);
    bool at_end = p < scan->end && *p == ']';
    if (scan->expect == EXPECT_VALUE)
        return p;
    if (scan->expect == EXPECT_FIRST_VALUE && !at_end)
        return p;
    if (scan->expect == EXPECT_AFTER_VALUE && in_array && !at_end)
        return p < scan->end && *p == ',' ? skip_space(p + 1, scan->end) : p;
    return NULL;
}

void tkp_json_open(struct tokperf_json *scan, const char *data, uint64_t len)
{
    const char *begin = data ? data : "";
    *scan = (struct tokperf_json){.begin = begin, .position = begin, .end = begin + len};
}

uint32_t tkp_json_next(struct tokperf_json *scan)
{
    return step(scan);
}

tokperf_status tkp_json_skip(struct tokperf_json *scan, struct tokperf_span *raw)
{
    if (scan->expect == EXPECT_FAILED)
        return TOKPERF_E_PARSE;
    const char *begin = next_value(scan);
    if (!begin)
        return TOKPERF_E_STATE;
    uint32_t depth = scan->depth;
    do
        if (UNLIKELY(step(scan) == TOKPERF_JSON_ERROR))
            return TOKPERF_E_PARSE;
    while (scan->depth > depth);
    if (raw)
        *raw = (struct tokperf_span){begin, (uint64_t)(scan->position - begin)};
    return TOKPERF_OK;
}

const char *tkp_json_error_text(const struct tokperf_json *scan)
{
    return scan->error < sizeof reasons / sizeof reasons[0] ? reasons[scan->error] : "no error";
}

const struct tokperf_json_v1 tkp_json_service = {
    .struct_size = sizeof(struct tokperf_json_v1),
    .open = tkp_json_open,
    .next = tkp_json_next,
    .skip = tkp_json_skip,
    .error_text = tkp_json_error_text,
    .equals = tkp_json_equals,
    .unescape = tkp_json_unescape,
    .to_int = tkp_json_to_int,
    .to_double = tkp_json_to_double,
};

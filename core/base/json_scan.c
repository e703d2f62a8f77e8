/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The strict JSON pull scanner (RFC 8259), token by token. The state is the caller's; nothing is
 * allocated. Passing over whole values is in json_skip.c, what a string or number means in
 * json_value.c. Rare paths are calls in tail position: the common ones then save no registers.
 */
#include <base/json_scan.h>

#include <base/json_lex.h>

#define ALWAYS_INLINE __attribute__((always_inline)) static inline
#define RARE          __attribute__((noinline)) static

/* Behind a string's closing quote: a key's colon, or the value's end. */
ALWAYS_INLINE uint32_t end_string(struct tokperf_json *scan, const char *first, const char *close,
                                  uint32_t token)
{
    scan->text.data = first;
    scan->text.len = (uint64_t)(close - first);
    const char *p = close + 1;
    if (token == TOKPERF_JSON_STRING) {
        scan->position = p;
        scan->expect = tkp_json_behind_value(scan);
        return token;
    }
    if (TKP_UNLIKELY(tkp_json_pass_space(&p, scan->end) != ':'))
        return tkp_json_fail(scan, p, TKP_JSON_REASON_COLON);
    scan->position = p + 1;
    scan->expect = TKP_JSON_EXPECT_VALUE;
    return token;
}

RARE uint32_t scan_rare_string(struct tokperf_json *scan, const char *first, const char *p,
                               uint32_t token)
{
    const char *close = tkp_json_finish_string(scan, p);
    return close ? end_string(scan, first, close, token) : TOKPERF_JSON_ERROR;
}

/* p is at the opening quote. */
ALWAYS_INLINE uint32_t scan_string(struct tokperf_json *scan, const char *p, uint32_t token)
{
    const char *first = p + 1;
    const char *close = tkp_json_find_special(first, scan->end);
    scan->escaped = 0;
    if (TKP_UNLIKELY(close == scan->end || *close != '"'))
        return scan_rare_string(scan, first, close, token);
    return end_string(scan, first, close, token);
}

ALWAYS_INLINE uint32_t open_container(struct tokperf_json *scan, const char *p, bool is_object)
{
    if (TKP_UNLIKELY(scan->depth == TOKPERF_JSON_MAX_DEPTH))
        return tkp_json_fail(scan, p, TKP_JSON_REASON_DEPTH);
    tkp_json_push(scan, is_object);
    scan->expect = is_object ? TKP_JSON_EXPECT_FIRST_KEY : TKP_JSON_EXPECT_FIRST_VALUE;
    scan->position = p + 1;
    return is_object ? TOKPERF_JSON_OBJECT_BEGIN : TOKPERF_JSON_ARRAY_BEGIN;
}

ALWAYS_INLINE uint32_t close_container(struct tokperf_json *scan, const char *p, bool is_object)
{
    tkp_json_pop(scan);
    scan->expect = tkp_json_behind_value(scan);
    scan->position = p + 1;
    return is_object ? TOKPERF_JSON_OBJECT_END : TOKPERF_JSON_ARRAY_END;
}

/* p is at the first byte that is no space, which is c, or at the end; so below. */
ALWAYS_INLINE uint32_t scan_key(struct tokperf_json *scan, const char *p, char c)
{
    if (TKP_UNLIKELY(c != '"'))
        return tkp_json_fail(scan, p, TKP_JSON_REASON_KEY);
    return scan_string(scan, p, TOKPERF_JSON_KEY);
}

/* Numbers and literals, and what is no value. */
RARE uint32_t scan_plain(struct tokperf_json *scan, const char *p, char c)
{
    uint32_t token = c == 't'   ? TOKPERF_JSON_TRUE
                     : c == 'f' ? TOKPERF_JSON_FALSE
                                : TOKPERF_JSON_NULL;
    const char *end;
    if (c == '-' || tkp_json_is_digit(c)) {
        token = TOKPERF_JSON_NUMBER;
        end = tkp_json_pass_number(scan, p);
    } else if (c == 't' || c == 'f' || c == 'n') {
        end = tkp_json_pass_literal(scan, p);
    } else {
        return tkp_json_fail(scan, p, TKP_JSON_REASON_VALUE);
    }
    if (TKP_UNLIKELY(!end))
        return TOKPERF_JSON_ERROR;
    if (token == TOKPERF_JSON_NUMBER)
        scan->text = (struct tokperf_span){p, (uint64_t)(end - p)};
    scan->position = end;
    scan->expect = tkp_json_behind_value(scan);
    return token;
}

ALWAYS_INLINE uint32_t scan_value(struct tokperf_json *scan, const char *p, char c)
{
    if (c == '"')
        return scan_string(scan, p, TOKPERF_JSON_STRING);
    if (c == '{')
        return open_container(scan, p, true);
    if (c == '[')
        return open_container(scan, p, false);
    return scan_plain(scan, p, c);
}

/* Behind a value inside a container. */
ALWAYS_INLINE uint32_t scan_separator(struct tokperf_json *scan, const char *p, char c)
{
    bool in_object = tkp_json_in_object(scan);
    if (c == ',') {
        p++;
        c = tkp_json_pass_space(&p, scan->end);
        return in_object ? scan_key(scan, p, c) : scan_value(scan, p, c);
    }
    if (TKP_LIKELY(c == (in_object ? '}' : ']')))
        return close_container(scan, p, in_object);
    return tkp_json_fail(scan, p,
                         in_object ? TKP_JSON_REASON_OBJECT_COMMA : TKP_JSON_REASON_ARRAY_COMMA);
}

void tkp_json_open(struct tokperf_json *scan, const char *data, uint64_t len)
{
    const char *begin = data ? data : "";
    /* Member by member: clearing the whole with one instruction costs more than a token. */
    scan->begin = scan->position = begin;
    scan->end = begin + len;
    scan->text = (struct tokperf_span){begin, 0};
    scan->escaped = scan->depth = 0;
    scan->nesting[0] = scan->nesting[1] = 0;
    scan->expect = TKP_JSON_EXPECT_VALUE;
    scan->error = TKP_JSON_REASON_NONE;
    scan->error_offset = 0;
}

uint32_t tkp_json_next(struct tokperf_json *scan)
{
    const char *p = scan->position;
    char c = tkp_json_pass_space(&p, scan->end);
    switch ((enum tkp_json_expect)scan->expect) {
    case TKP_JSON_EXPECT_AFTER_VALUE:
        return scan_separator(scan, p, c);
    case TKP_JSON_EXPECT_VALUE:
        return scan_value(scan, p, c);
    case TKP_JSON_EXPECT_FIRST_KEY:
        return c == '}' ? close_container(scan, p, true) : scan_key(scan, p, c);
    case TKP_JSON_EXPECT_FIRST_VALUE:
        return c == ']' ? close_container(scan, p, false) : scan_value(scan, p, c);
    case TKP_JSON_EXPECT_NOTHING:
        return p < scan->end ? tkp_json_fail(scan, p, TKP_JSON_REASON_TRAILING) : TOKPERF_JSON_END;
    case TKP_JSON_EXPECT_FAILED:
        break;
    }
    return TOKPERF_JSON_ERROR;
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

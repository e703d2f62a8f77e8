/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passing over a whole JSON value with the grammar checked: the walk of json_scan.c with its place
 * in a register and no token handed out. Both must accept and refuse the same; the tests and the
 * fuzz target compare them.
 */
#include <base/json_scan.h>

#include <base/json_lex.h>

/* Each pass_ function returns what follows, or NULL after tkp_json_fail(). */
static const char *refuse(struct tokperf_json *scan, const char *at, enum tkp_json_reason reason)
{
    tkp_json_fail(scan, at, reason);
    return NULL;
}

static inline const char *pass_string(struct tokperf_json *scan, const char *p)
{
    p = tkp_json_find_special(p + 1, scan->end);
    if (TKP_UNLIKELY(p == scan->end || *p != '"'))
        p = tkp_json_finish_string(scan, p);
    return TKP_LIKELY(p != NULL) ? p + 1 : NULL;
}

/* A key and its colon, up to the value behind. c is the byte at p; so below. */
__attribute__((always_inline)) static inline const char *pass_key(struct tokperf_json *scan,
                                                                  const char *p, char c)
{
    if (TKP_UNLIKELY(c != '"'))
        return refuse(scan, p, TKP_JSON_REASON_KEY);
    p = pass_string(scan, p);
    if (TKP_UNLIKELY(!p))
        return NULL;
    if (TKP_UNLIKELY(tkp_json_pass_space(&p, scan->end) != ':'))
        return refuse(scan, p, TKP_JSON_REASON_COLON);
    return p + 1;
}

/* A string, number or literal. */
static inline const char *pass_scalar(struct tokperf_json *scan, const char *p, char c)
{
    if (c == '"')
        return pass_string(scan, p);
    if (c == '-' || tkp_json_is_digit(c))
        return tkp_json_pass_number(scan, p);
    if (c == 't' || c == 'f' || c == 'n')
        return tkp_json_pass_literal(scan, p);
    return refuse(scan, p, TKP_JSON_REASON_VALUE);
}

/* Behind a value: closes containers down to `depth`, then passes the comma, and a key, before the
 * next value. Sets *done where the depth is reached. */
static inline const char *pass_separator(struct tokperf_json *scan, const char *p, uint32_t depth,
                                         bool *done)
{
    while (scan->depth > depth) {
        bool in_object = tkp_json_in_object(scan);
        char c = tkp_json_pass_space(&p, scan->end);
        if (c == ',') {
            p++;
            if (!in_object)
                return p;
            c = tkp_json_pass_space(&p, scan->end);
            return pass_key(scan, p, c);
        }
        if (TKP_UNLIKELY(c != (in_object ? '}' : ']')))
            return refuse(scan, p,
                          in_object ? TKP_JSON_REASON_OBJECT_COMMA : TKP_JSON_REASON_ARRAY_COMMA);
        tkp_json_pop(scan);
        p++;
    }
    *done = true;
    return p;
}

/* Behind the bracket at p: the end of an empty container, which sets *empty, or what comes before
 * its first value. */
static inline const char *pass_opening(struct tokperf_json *scan, const char *p, bool is_object,
                                       bool *empty)
{
    if (TKP_UNLIKELY(scan->depth == TOKPERF_JSON_MAX_DEPTH))
        return refuse(scan, p, TKP_JSON_REASON_DEPTH);
    p++;
    char c = tkp_json_pass_space(&p, scan->end);
    *empty = c == (is_object ? '}' : ']');
    if (*empty)
        return p + 1;
    tkp_json_push(scan, is_object);
    return is_object ? pass_key(scan, p, c) : p;
}

/* Passes over the value that begins at p, behind spaces. */
static const char *pass_value(struct tokperf_json *scan, const char *p)
{
    uint32_t depth = scan->depth;
    for (bool done = false; !done;) {
        bool behind = true; /* p comes to stand behind a value, not before one */
        char c = tkp_json_pass_space(&p, scan->end);
        if (c == '{' || c == '[')
            p = pass_opening(scan, p, c == '{', &behind);
        else
            p = pass_scalar(scan, p, c);
        if (TKP_LIKELY(p != NULL) && behind)
            p = pass_separator(scan, p, depth, &done);
        if (TKP_UNLIKELY(!p))
            return NULL;
    }
    return p;
}

/* Moves *p from the scan's position to where the value that comes next begins. Returns STATE where
 * a key or the end of a container comes next. */
static inline tokperf_status find_value(struct tokperf_json *scan, const char **p)
{
    *p = scan->position;
    char c = tkp_json_pass_space(p, scan->end);
    if (TKP_LIKELY(scan->expect == TKP_JSON_EXPECT_VALUE))
        return TOKPERF_OK;
    if (scan->expect == TKP_JSON_EXPECT_FAILED)
        return TOKPERF_E_PARSE;
    if (scan->expect == TKP_JSON_EXPECT_FIRST_VALUE)
        return c == ']' ? TOKPERF_E_STATE : TOKPERF_OK;
    if (scan->expect != TKP_JSON_EXPECT_AFTER_VALUE || tkp_json_in_object(scan) || c == ']')
        return TOKPERF_E_STATE;
    if (c != ',') {
        tkp_json_fail(scan, *p, TKP_JSON_REASON_ARRAY_COMMA);
        return TOKPERF_E_PARSE;
    }
    (*p)++;
    tkp_json_pass_space(p, scan->end);
    return TOKPERF_OK;
}

tokperf_status tkp_json_skip(struct tokperf_json *scan, struct tokperf_span *raw)
{
    const char *begin;
    tokperf_status status = find_value(scan, &begin);
    if (TKP_UNLIKELY(status))
        return status;
    const char *end = pass_value(scan, begin);
    if (TKP_UNLIKELY(!end))
        return TOKPERF_E_PARSE;
    scan->position = end;
    scan->expect = tkp_json_behind_value(scan);
    if (raw)
        *raw = (struct tokperf_span){begin, (uint64_t)(end - begin)};
    return TOKPERF_OK;
}

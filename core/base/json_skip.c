/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passing over a whole JSON value with the grammar checked: the walk of json_scan.c with its place
 * in a register and no token handed out. Both must accept and refuse the same; the tests and the
 * fuzz target compare them.
 */
#include <base/json_scan.h>

#include <base/json_lex.h>

/* Each pass_ function returns what follows, or NULL after tkp_json_fail(). p is at the first byte
 * that is no space, or at the end. */
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

static inline const char *pass_key(struct tokperf_json *scan, const char *p)
{
    if (TKP_UNLIKELY(p == scan->end || *p != '"'))
        return refuse(scan, p, TKP_JSON_REASON_KEY);
    p = pass_string(scan, p);
    if (TKP_UNLIKELY(!p))
        return NULL;
    p = tkp_json_pass_space(p, scan->end);
    if (TKP_UNLIKELY(p == scan->end || *p != ':'))
        return refuse(scan, p, TKP_JSON_REASON_COLON);
    return tkp_json_pass_space(p + 1, scan->end);
}

/* A string, number or literal. */
static inline const char *pass_scalar(struct tokperf_json *scan, const char *p)
{
    if (*p == '"')
        return pass_string(scan, p);
    if (*p == '-' || tkp_json_is_digit(*p))
        return tkp_json_pass_number(scan, p);
    if (*p == 't' || *p == 'f' || *p == 'n')
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
        p = tkp_json_pass_space(p, scan->end);
        if (p < scan->end && *p == ',') {
            p = tkp_json_pass_space(p + 1, scan->end);
            return in_object ? pass_key(scan, p) : p;
        }
        if (TKP_UNLIKELY(p == scan->end || *p != (in_object ? '}' : ']')))
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
static inline const char *pass_opening(struct tokperf_json *scan, const char *p, bool *empty)
{
    bool is_object = *p == '{';
    if (TKP_UNLIKELY(scan->depth == TOKPERF_JSON_MAX_DEPTH))
        return refuse(scan, p, TKP_JSON_REASON_DEPTH);
    p = tkp_json_pass_space(p + 1, scan->end);
    *empty = p < scan->end && *p == (is_object ? '}' : ']');
    if (*empty)
        return p + 1;
    tkp_json_push(scan, is_object);
    return is_object ? pass_key(scan, p) : p;
}

static const char *pass_value(struct tokperf_json *scan, const char *p)
{
    uint32_t depth = scan->depth;
    for (bool done = false; !done;) {
        bool behind = true; /* p comes to stand behind a value, not before one */
        if (TKP_UNLIKELY(p == scan->end))
            return refuse(scan, p, TKP_JSON_REASON_EARLY_END);
        if (*p == '{' || *p == '[')
            p = pass_opening(scan, p, &behind);
        else
            p = pass_scalar(scan, p);
        if (TKP_LIKELY(p != NULL) && behind)
            p = pass_separator(scan, p, depth, &done);
        if (TKP_UNLIKELY(!p))
            return NULL;
    }
    return p;
}

/* Where the value that comes next begins, or NULL when none may. */
static inline const char *next_value(const struct tokperf_json *scan)
{
    const char *p = tkp_json_pass_space(scan->position, scan->end);
    if (TKP_LIKELY(scan->expect == TKP_JSON_EXPECT_VALUE))
        return p;
    bool at_end = p < scan->end && *p == ']';
    if (scan->expect == TKP_JSON_EXPECT_FIRST_VALUE && !at_end)
        return p;
    if (scan->expect == TKP_JSON_EXPECT_AFTER_VALUE && !tkp_json_in_object(scan) && !at_end)
        return p;
    return NULL;
}

tokperf_status tkp_json_skip(struct tokperf_json *scan, struct tokperf_span *raw)
{
    if (scan->expect == TKP_JSON_EXPECT_FAILED)
        return TOKPERF_E_PARSE;
    const char *begin = next_value(scan);
    if (!begin)
        return TOKPERF_E_STATE;
    if (scan->expect == TKP_JSON_EXPECT_AFTER_VALUE) {
        if (begin == scan->end || *begin != ',') {
            tkp_json_fail(scan, begin, TKP_JSON_REASON_ARRAY_COMMA);
            return TOKPERF_E_PARSE;
        }
        begin = tkp_json_pass_space(begin + 1, scan->end);
    }
    const char *end = pass_value(scan, begin);
    if (!end)
        return TOKPERF_E_PARSE;
    scan->position = end;
    scan->expect = tkp_json_behind_value(scan);
    if (raw)
        *raw = (struct tokperf_span){begin, (uint64_t)(end - begin)};
    return TOKPERF_OK;
}

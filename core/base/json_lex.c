/* SPDX-License-Identifier: Apache-2.0 */
/* The out-of-line part of JSON's lexical rules, and the sentences of its errors. */
#include <base/json_lex.h>

#include <base/json_scan.h>

static const char *const reasons[] = {
    [TKP_JSON_REASON_NONE] = "no error",
    [TKP_JSON_REASON_EARLY_END] = "the text ends before its JSON value does",
    [TKP_JSON_REASON_VALUE] = "a value is expected here",
    [TKP_JSON_REASON_KEY] = "a key in double quotes is expected here",
    [TKP_JSON_REASON_COLON] = "a colon is expected behind the key",
    [TKP_JSON_REASON_OBJECT_COMMA] = "a comma or '}' is expected here",
    [TKP_JSON_REASON_ARRAY_COMMA] = "a comma or ']' is expected here",
    [TKP_JSON_REASON_TRAILING] = "something follows the JSON value",
    [TKP_JSON_REASON_LITERAL] = "only true, false and null may stand without quotes",
    [TKP_JSON_REASON_NUMBER] = "a digit is expected in the number here",
    [TKP_JSON_REASON_LEADING_ZERO] = "a number may not begin with zero and another digit",
    [TKP_JSON_REASON_CONTROL] = "a control character in a string must be escaped",
    [TKP_JSON_REASON_ESCAPE] = "the escape behind the backslash is unknown",
    [TKP_JSON_REASON_UNICODE] = "four hexadecimal digits are expected behind \\u",
    [TKP_JSON_REASON_DEPTH] = "containers are nested more than 128 deep",
};

/* Passes over the escape at the backslash p. Returns what follows it, or NULL after a failure. */
static const char *pass_escape(struct tokperf_json *scan, const char *p)
{
    p++;
    if (p < scan->end && *p && strchr("\"\\/bfnrt", *p))
        return p + 1;
    if (p == scan->end || *p != 'u') {
        tkp_json_fail(scan, p, TKP_JSON_REASON_ESCAPE);
        return NULL;
    }
    p++;
    for (int i = 0; i < 4; i++, p++) {
        int letter = p < scan->end ? *p | 32 : 0;
        if (p == scan->end || !(tkp_json_is_digit(*p) || (letter >= 'a' && letter <= 'f'))) {
            tkp_json_fail(scan, p, TKP_JSON_REASON_UNICODE);
            return NULL;
        }
    }
    return p;
}

/* Passes over at least one digit. Returns what follows, or NULL after a failure. */
static const char *pass_digits(struct tokperf_json *scan, const char *p)
{
    const char *first = p;
    while (p < scan->end && tkp_json_is_digit(*p))
        p++;
    if (TKP_LIKELY(p > first))
        return p;
    tkp_json_fail(scan, p, TKP_JSON_REASON_NUMBER);
    return NULL;
}

__attribute__((cold)) uint32_t tkp_json_fail(struct tokperf_json *scan, const char *at,
                                             enum tkp_json_reason reason)
{
    scan->error = at == scan->end ? TKP_JSON_REASON_EARLY_END : reason;
    scan->error_offset = (uint64_t)(at - scan->begin);
    scan->expect = TKP_JSON_EXPECT_FAILED;
    scan->position = at;
    return TOKPERF_JSON_ERROR;
}

const char *tkp_json_finish_string(struct tokperf_json *scan, const char *p)
{
    while (p < scan->end && *p == '\\') {
        scan->escaped = 1;
        p = pass_escape(scan, p);
        if (!p)
            return NULL;
        p = tkp_json_find_special(p, scan->end);
    }
    if (p < scan->end && *p == '"')
        return p;
    tkp_json_fail(scan, p, TKP_JSON_REASON_CONTROL);
    return NULL;
}

const char *tkp_json_pass_number(struct tokperf_json *scan, const char *p)
{
    const char *end = scan->end, *digits = p + (*p == '-');
    p = pass_digits(scan, digits);
    if (TKP_UNLIKELY(!p))
        return NULL;
    if (TKP_UNLIKELY(*digits == '0' && p > digits + 1)) {
        tkp_json_fail(scan, digits, TKP_JSON_REASON_LEADING_ZERO);
        return NULL;
    }
    if (p < end && *p == '.') {
        p = pass_digits(scan, p + 1);
        if (TKP_UNLIKELY(!p))
            return NULL;
    }
    if (p < end && (*p | 32) == 'e') {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        p = pass_digits(scan, p);
    }
    return p;
}

const char *tkp_json_pass_literal(struct tokperf_json *scan, const char *p)
{
    const char *word = *p == 't' ? "true" : *p == 'f' ? "false" : "null";
    for (; *word; p++, word++)
        if (TKP_UNLIKELY(p == scan->end || *p != *word)) {
            tkp_json_fail(scan, p, TKP_JSON_REASON_LITERAL);
            return NULL;
        }
    return p;
}

const char *tkp_json_error_text(const struct tokperf_json *scan)
{
    return scan->error < sizeof reasons / sizeof reasons[0] ? reasons[scan->error] : "no error";
}

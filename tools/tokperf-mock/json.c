/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader. Depth is bounded, so hostile nesting ends in a fault and not in a deep stack. */
#include "json.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64, NUMBER_BYTES_MAX = 64 };

static bool fail(struct tkp_mock_json *json, const char *trouble)
{
    if (json->trouble == NULL) {
        json->trouble = trouble;
    }
    return false;
}

static void skip_space(struct tkp_mock_json *json)
{
    while (json->at < json->end &&
           (*json->at == ' ' || *json->at == '\n' || *json->at == '\r' || *json->at == '\t')) {
        json->at++;
    }
}

void tkp_mock_json_init(struct tkp_mock_json *json, const char *data, size_t len)
{
    *json = (struct tkp_mock_json){.begin = data, .at = data, .end = data + len};
}

char tkp_mock_json_peek(struct tkp_mock_json *json)
{
    skip_space(json);
    return json->trouble != NULL || json->at == json->end ? '\0' : *json->at;
}

bool tkp_mock_json_open(struct tkp_mock_json *json, char bracket)
{
    if (tkp_mock_json_peek(json) != bracket) {
        return fail(json, bracket == '{' ? "expected an object" : "expected an array");
    }
    if (json->depth == DEPTH_MAX) {
        return fail(json, "nested deeper than 64");
    }
    json->depth++;
    json->at++;
    json->first = true;
    return true;
}

/* Consumes the closing bracket or the comma before the next element. */
static bool has_element(struct tkp_mock_json *json, char closing)
{
    char next = tkp_mock_json_peek(json);
    bool first = json->first;
    json->first = false;
    if (next == closing) {
        json->at++;
        json->depth--;
        return false;
    }
    if (first) {
        return next != '\0' || fail(json, "the text ends early");
    }
    if (next != ',') {
        return fail(json, next == '\0' ? "the text ends early" : "expected a comma");
    }
    json->at++;
    return true;
}

bool tkp_mock_json_item(struct tkp_mock_json *json)
{
    return has_element(json, ']');
}

bool tkp_mock_json_member(struct tkp_mock_json *json, struct tkp_mock_slice *key)
{
    if (!has_element(json, '}') || !tkp_mock_json_string(json, key, NULL)) {
        return false;
    }
    if (tkp_mock_json_peek(json) != ':') {
        return fail(json, "expected a colon");
    }
    json->at++;
    return true;
}

/* The length of the UTF-8 sequence at p, 0 when it is not one (Unicode 15, table 3-7). */
static size_t utf8_length(const unsigned char *p, size_t left)
{
    size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool outside = (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf4 && p[1] >= 0x90);
    return overlong || outside ? 0 : len;
}

/* Reads the escape at `at`; *space says if it stands for white space. */
static bool read_escape(struct tkp_mock_json *json, bool *space)
{
    size_t left = (size_t)(json->end - json->at);
    if (left < 2) {
        return fail(json, "the text ends early");
    }
    char kind = json->at[1];
    *space = kind == 'n' || kind == 't' || kind == 'r' || kind == 'f';
    if (kind != 'u') {
        json->at += 2;
        return (kind != '\0' && strchr("\"\\/bfnrt", kind) != NULL) ||
               fail(json, "an escape that JSON does not have");
    }
    unsigned code = 0;
    for (size_t i = 2; i < 6; i++) {
        char c = i < left ? json->at[i] : '\0';
        const char *digit = c == '\0' ? NULL : strchr("0123456789abcdef", c | 0x20);
        if (digit == NULL || (c < '0')) {
            return fail(json, "\\u needs four hexadecimal digits");
        }
        code = code * 16 + (unsigned)(digit - "0123456789abcdef");
    }
    *space = code == ' ' || (code >= '\t' && code <= '\r');
    json->at += 6;
    return true;
}

bool tkp_mock_json_string(struct tkp_mock_json *json, struct tkp_mock_slice *raw, uint64_t *words)
{
    if (tkp_mock_json_peek(json) != '"') {
        return fail(json, "expected a string");
    }
    const char *begin = ++json->at;
    uint64_t count = 0;
    bool in_word = false;
    while (json->at < json->end && *json->at != '"') {
        unsigned char c = (unsigned char)*json->at;
        bool space = c == ' ';
        if (c == '\\') {
            if (!read_escape(json, &space)) {
                return false;
            }
        } else if (c < 0x20) {
            return fail(json, "a control character inside of a string");
        } else if (c >= 0x80) {
            size_t len =
                utf8_length((const unsigned char *)json->at, (size_t)(json->end - json->at));
            if (len == 0) {
                return fail(json, "bytes that are not UTF-8");
            }
            json->at += len;
        } else {
            json->at++;
        }
        count += !space && !in_word;
        in_word = !space;
    }
    if (json->at == json->end) {
        return fail(json, "a string without end");
    }
    if (raw != NULL) {
        *raw = (struct tkp_mock_slice){begin, (size_t)(json->at - begin)};
    }
    if (words != NULL) {
        *words = count;
    }
    json->at++;
    return true;
}

static size_t count_digits(const char *at, const char *end)
{
    size_t n = 0;
    while (at + n < end && at[n] >= '0' && at[n] <= '9') {
        n++;
    }
    return n;
}

bool tkp_mock_json_number(struct tkp_mock_json *json, double *value)
{
    (void)tkp_mock_json_peek(json);
    const char *p = json->at;
    p += p < json->end && *p == '-';
    size_t digits = count_digits(p, json->end);
    bool good = digits > 0 && (digits == 1 || *p != '0');
    p += digits;
    if (good && p < json->end && *p == '.') {
        digits = count_digits(++p, json->end);
        good = digits > 0;
        p += digits;
    }
    if (good && p < json->end && (*p | 0x20) == 'e') {
        p++;
        p += p < json->end && (*p == '+' || *p == '-');
        digits = count_digits(p, json->end);
        good = digits > 0;
        p += digits;
    }
    size_t len = (size_t)(p - json->at);
    if (!good || len >= NUMBER_BYTES_MAX) {
        return fail(json, "expected a value");
    }
    char text[NUMBER_BYTES_MAX];
    memcpy(text, json->at, len);
    text[len] = '\0';
    *value = strtod(text, NULL);
    json->at = p;
    return true;
}

static bool read_word(struct tkp_mock_json *json, const char *word)
{
    size_t len = strlen(word);
    (void)tkp_mock_json_peek(json);
    if ((size_t)(json->end - json->at) < len || memcmp(json->at, word, len) != 0) {
        return false;
    }
    json->at += len;
    return true;
}

bool tkp_mock_json_bool(struct tkp_mock_json *json, bool *value)
{
    *value = json->trouble == NULL && read_word(json, "true");
    return *value || (json->trouble == NULL && read_word(json, "false")) ||
           fail(json, "expected true or false");
}

bool tkp_mock_json_null(struct tkp_mock_json *json)
{
    return json->trouble == NULL && read_word(json, "null");
}

void tkp_mock_json_skip(struct tkp_mock_json *json)
{
    char next = tkp_mock_json_peek(json);
    struct tkp_mock_slice key;
    double number;
    bool flag;
    if (next == '{' && tkp_mock_json_open(json, '{')) {
        while (tkp_mock_json_member(json, &key)) {
            tkp_mock_json_skip(json);
        }
    } else if (next == '[' && tkp_mock_json_open(json, '[')) {
        while (tkp_mock_json_item(json)) {
            tkp_mock_json_skip(json);
        }
    } else if (next == '"') {
        (void)tkp_mock_json_string(json, NULL, NULL);
    } else if (next == 't' || next == 'f') {
        (void)tkp_mock_json_bool(json, &flag);
    } else if (!tkp_mock_json_null(json) && json->trouble == NULL) {
        (void)tkp_mock_json_number(json, &number);
    }
}

bool tkp_mock_json_at_end(struct tkp_mock_json *json)
{
    skip_space(json);
    return json->trouble == NULL &&
           (json->at == json->end || fail(json, "something after the value"));
}

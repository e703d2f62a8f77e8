/* SPDX-License-Identifier: Apache-2.0 */
/* See member.h: each look-up walks the object again, since components are small. */
#include <token/member.h>

#include <base/text.h>
#include <stdlib.h>

struct tkp_member tkp_member_take(struct tokperf_json *scan)
{
    struct tokperf_json before = *scan;
    uint32_t token = tkp_json_next(scan);
    struct tkp_member value = {token, scan->escaped, scan->text};
    if (token == TOKPERF_JSON_OBJECT_BEGIN || token == TOKPERF_JSON_ARRAY_BEGIN) {
        *scan = before;
        if (tkp_json_skip(scan, &value.raw))
            value.token = TOKPERF_JSON_ERROR;
    }
    return value;
}

struct tkp_member tkp_member_whole(struct tokperf_span json)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, json.data, json.len);
    return tkp_member_take(&scan);
}

struct tkp_member tkp_member_get(struct tokperf_span object, const char *name)
{
    struct tkp_member found = {.token = 0};
    struct tokperf_json scan;
    tkp_json_open(&scan, object.data, object.len);
    if (tkp_json_next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return found;
    while (tkp_json_next(&scan) == TOKPERF_JSON_KEY) {
        bool wanted = tkp_json_equals(scan.text, scan.escaped, tkp_span(name));
        struct tkp_member value = tkp_member_take(&scan);
        if (wanted)
            found = value;
    }
    return found;
}

struct tokperf_span tkp_member_other(struct tokperf_span object, const char *const *names)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, object.data, object.len);
    if (tkp_json_next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return (struct tokperf_span){NULL, 0};
    while (tkp_json_next(&scan) == TOKPERF_JSON_KEY) {
        struct tokperf_span name = scan.text;
        size_t i = 0;
        while (names[i] && !tkp_json_equals(name, scan.escaped, tkp_span(names[i])))
            i++;
        if (!names[i])
            return name;
        (void)tkp_member_take(&scan);
    }
    return (struct tokperf_span){NULL, 0};
}

bool tkp_member_read(struct tokperf_span object, const char *const *names,
                     struct tkp_member *values, struct tokperf_span *other)
{
    struct tokperf_json scan;
    uint32_t token;
    *other = (struct tokperf_span){NULL, 0};
    for (size_t i = 0; names[i]; i++)
        values[i] = (struct tkp_member){.token = 0};
    tkp_json_open(&scan, object.data, object.len);
    if (tkp_json_next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return false;
    while ((token = tkp_json_next(&scan)) == TOKPERF_JSON_KEY) {
        size_t i = 0;
        while (names[i] && !tkp_json_equals(scan.text, scan.escaped, tkp_span(names[i])))
            i++;
        if (!names[i]) {
            *other = scan.text;
            return false;
        }
        values[i] = tkp_member_take(&scan);
        if (values[i].token == TOKPERF_JSON_ERROR)
            return false;
    }
    return token == TOKPERF_JSON_OBJECT_END;
}

bool tkp_member_is(struct tkp_member value, const char *text)
{
    return value.token == TOKPERF_JSON_STRING &&
           tkp_json_equals(value.raw, value.escaped, tkp_span(text));
}

bool tkp_member_bool(struct tkp_member value, bool absent, bool *out)
{
    *out = tkp_member_is_null(value) ? absent : value.token == TOKPERF_JSON_TRUE;
    return tkp_member_is_null(value) || value.token == TOKPERF_JSON_TRUE ||
           value.token == TOKPERF_JSON_FALSE;
}

char *tkp_member_text(struct tkp_member value, size_t *len)
{
    if (value.token != TOKPERF_JSON_STRING)
        return NULL;
    uint64_t capacity = 3 * value.raw.len + 1, used = 0;
    char *text = malloc(capacity);
    if (!text || tkp_json_unescape(value.raw, text, capacity - 1, &used)) {
        free(text);
        return NULL;
    }
    text[used] = '\0';
    *len = used;
    return text;
}

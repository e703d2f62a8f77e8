/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions: parsed into steps, asked by walking down the JSON text. */
#include "query.h"

#include <stdio.h>
#include <string.h>

/* ---- compiling ---- */

struct parser {
    struct query *query;
    const struct tokperf_json_v1 *json;
    const char *begin, *at, *end;
    struct tokperf_error *error;
};

static bool fail(const struct parser *p, const char *what)
{
    if (p->error != NULL) {
        p->error->status = TOKPERF_E_INVALID;
        snprintf(p->error->message, sizeof p->error->message,
                 "position %d: %s; known are names, \"quoted names\", '.', [n], [-n], [*], [] and "
                 "||",
                 (int)(p->at - p->begin) + 1, what);
    }
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_space(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
        p->at++;
}

static bool add_step(struct parser *p, struct query_step step)
{
    if (p->query->step_count == QUERY_MAX_STEPS)
        return fail(p, "there are more than 64 steps");
    p->query->steps[p->query->step_count++] = step;
    return true;
}

static bool read_name(struct parser *p)
{
    const char *name = p->at;
    struct query *query = p->query;
    while (p->at < p->end && (is_letter(*p->at) || is_digit(*p->at)))
        p->at++;
    const size_t len = (size_t)(p->at - name);
    memcpy(query->names + query->name_bytes, name, len);
    const struct query_step step = {QUERY_FIELD, 0, query->name_bytes, (uint32_t)len};
    query->name_bytes += (uint32_t)len;
    return add_step(p, step);
}

static bool read_quoted_name(struct parser *p)
{
    struct query *query = p->query;
    const char *stop = p->at + 1;
    while (stop < p->end && *stop != '"')
        stop += *stop == '\\' ? 2 : 1;
    if (stop >= p->end)
        return fail(p, "the quoted name has no end");
    const struct tokperf_span whole = {p->at, (uint64_t)(stop + 1 - p->at)};
    struct tokperf_json scan;
    uint64_t len = 0;
    p->json->open(&scan, whole.data, whole.len);
    if (p->json->next(&scan) != TOKPERF_JSON_STRING ||
        p->json->unescape(scan.text, query->names + query->name_bytes,
                          sizeof query->names - query->name_bytes, &len) != TOKPERF_OK)
        return fail(p, "the quoted name is no JSON string");
    p->at = stop + 1;
    const struct query_step step = {QUERY_FIELD, 0, query->name_bytes, (uint32_t)len};
    query->name_bytes += (uint32_t)len;
    return add_step(p, step);
}

static bool read_identifier(struct parser *p)
{
    skip_space(p);
    if (p->at == p->end)
        return fail(p, "a name is missing at the end");
    if (*p->at == '"')
        return read_quoted_name(p);
    if (is_letter(*p->at))
        return read_name(p);
    return fail(p, "a name is expected");
}

static bool read_index(struct parser *p)
{
    const bool negative = *p->at == '-';
    int32_t index = 0;
    p->at += negative;
    if (p->at == p->end || !is_digit(*p->at))
        return fail(p, "a number, * or ] is expected");
    while (p->at < p->end && is_digit(*p->at)) {
        if (index > 100000000)
            return fail(p, "the index is too large");
        index = index * 10 + (*p->at++ - '0');
    }
    return add_step(p, (struct query_step){QUERY_INDEX, negative ? -index : index, 0, 0});
}

static bool read_bracket(struct parser *p)
{
    p->at++;
    skip_space(p);
    bool good = true;
    bool *lists = &p->query->alternatives[p->query->alternative_count].lists;
    if (p->at < p->end && *p->at == '*') {
        p->at++;
        *lists = true;
        good = add_step(p, (struct query_step){.kind = QUERY_EACH});
    } else if (p->at < p->end && *p->at == ']') {
        *lists = true;
        good = add_step(p, (struct query_step){.kind = QUERY_FLAT});
    } else {
        good = p->at < p->end ? read_index(p) : fail(p, "the [ has no ]");
    }
    if (!good)
        return false;
    skip_space(p);
    if (p->at == p->end || *p->at != ']')
        return fail(p, "a ] is expected");
    p->at++;
    return true;
}

static bool read_path(struct parser *p)
{
    skip_space(p);
    bool good = p->at < p->end && *p->at == '[' ? read_bracket(p) : read_identifier(p);
    while (good) {
        skip_space(p);
        if (p->at < p->end && *p->at == '[') {
            good = read_bracket(p);
        } else if (p->at < p->end && *p->at == '.') {
            p->at++;
            good = read_identifier(p);
        } else {
            break;
        }
    }
    return good;
}

static bool read_expression(struct parser *p)
{
    struct query *query = p->query;
    for (;;) {
        if (query->alternative_count == QUERY_MAX_ALTERNATIVES)
            return fail(p, "there are more than 8 alternatives");
        query->alternatives[query->alternative_count].begin = query->step_count;
        if (!read_path(p))
            return false;
        query->alternatives[query->alternative_count++].end = query->step_count;
        if (p->at == p->end)
            return true;
        if (p->end - p->at < 2 || p->at[0] != '|' || p->at[1] != '|')
            return fail(p, "this is not known here");
        p->at += 2;
    }
}

tokperf_status query_compile(struct query *query, const struct tokperf_json_v1 *json,
                             struct tokperf_span text, struct tokperf_error *error)
{
    struct parser parser = {query, json, text.data, text.data, text.data + text.len, error};
    memset(query, 0, sizeof *query);
    if (text.len > QUERY_MAX_BYTES) {
        (void)fail(&parser, "the expression is longer than 1024 bytes");
        return TOKPERF_E_INVALID;
    }
    return read_expression(&parser) ? TOKPERF_OK : TOKPERF_E_INVALID;
}

/* ---- asking ---- */

struct asking {
    const struct query *query;
    const struct tokperf_json_v1 *json;
    uint32_t begin, end; /* of the steps */
    void (*take)(void *context, struct tokperf_span found);
    void *context;
    uint64_t found;
    struct tokperf_span last;
};

static void walk(struct asking *a, uint32_t step, struct tokperf_span value);

static void walk_field(struct asking *a, uint32_t step, struct tokperf_span value)
{
    const struct query_step *s = &a->query->steps[step];
    const struct tokperf_span name = {a->query->names + s->name, s->name_len};
    struct tokperf_json scan;
    struct tokperf_span member;
    a->json->open(&scan, value.data, value.len);
    if (a->json->next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return;
    while (a->json->next(&scan) == TOKPERF_JSON_KEY) {
        const bool wanted = a->json->equals(scan.text, scan.escaped, name) != 0;
        if (a->json->skip(&scan, &member) != TOKPERF_OK)
            return;
        if (wanted) {
            walk(a, step + 1, member);
            return;
        }
    }
}

static void walk_index(struct asking *a, uint32_t step, struct tokperf_span value)
{
    int64_t left = a->query->steps[step].index;
    struct tokperf_json scan;
    struct tokperf_span item;
    if (left < 0) {
        a->json->open(&scan, value.data, value.len);
        if (a->json->next(&scan) != TOKPERF_JSON_ARRAY_BEGIN)
            return;
        while (a->json->skip(&scan, NULL) == TOKPERF_OK)
            left++;
    }
    a->json->open(&scan, value.data, value.len);
    if (left < 0 || a->json->next(&scan) != TOKPERF_JSON_ARRAY_BEGIN)
        return;
    /* for a negative index `left` is now the item's place: the count minus the distance */
    while (a->json->skip(&scan, &item) == TOKPERF_OK)
        if (left-- == 0) {
            walk(a, step + 1, item);
            return;
        }
}

static void walk_items(struct asking *a, uint32_t step, struct tokperf_span value, bool flat)
{
    struct tokperf_json scan;
    struct tokperf_span item;
    a->json->open(&scan, value.data, value.len);
    if (a->json->next(&scan) != TOKPERF_JSON_ARRAY_BEGIN)
        return;
    while (a->json->skip(&scan, &item) == TOKPERF_OK) {
        if (flat && item.data[0] == '[')
            walk_items(a, step, item, false);
        else
            walk(a, step + 1, item);
    }
}

/* [] is of the whole list that the steps before it gave: items that are no lists stay. */
static void walk_flat(struct asking *a, uint32_t step, struct tokperf_span value)
{
    bool of_items = false;
    for (uint32_t i = a->begin; i < step; i++)
        of_items |= a->query->steps[i].kind == QUERY_EACH || a->query->steps[i].kind == QUERY_FLAT;
    if (of_items && value.data[0] != '[')
        walk(a, step + 1, value);
    else
        walk_items(a, step, value, !of_items);
}

static void walk(struct asking *a, uint32_t step, struct tokperf_span value)
{
    if (step == a->end) {
        if (value.data[0] == 'n') /* null: nothing is there */
            return;
        a->found++;
        a->last = value;
        if (a->take != NULL)
            a->take(a->context, value);
        return;
    }
    switch (a->query->steps[step].kind) {
    case QUERY_FIELD:
        walk_field(a, step, value);
        break;
    case QUERY_INDEX:
        walk_index(a, step, value);
        break;
    case QUERY_EACH:
        walk_items(a, step, value, false);
        break;
    case QUERY_FLAT:
        walk_flat(a, step, value);
        break;
    }
}

/* What JMESPath calls false: then the next alternative is looked at. */
static bool is_false(const struct tokperf_json_v1 *json, struct tokperf_span value)
{
    struct tokperf_json scan;
    json->open(&scan, value.data, value.len);
    const uint32_t token = json->next(&scan);
    if (token == TOKPERF_JSON_STRING)
        return scan.text.len == 0;
    if (token == TOKPERF_JSON_OBJECT_BEGIN)
        return json->next(&scan) == TOKPERF_JSON_OBJECT_END;
    if (token == TOKPERF_JSON_ARRAY_BEGIN)
        return json->next(&scan) == TOKPERF_JSON_ARRAY_END;
    return token == TOKPERF_JSON_FALSE;
}

uint64_t query_ask(const struct query *query, const struct tokperf_json_v1 *json,
                   struct tokperf_span value,
                   void (*take)(void *context, struct tokperf_span found), void *context)
{
    for (uint32_t i = 0; i < query->alternative_count; i++) {
        const uint32_t begin = query->alternatives[i].begin;
        const bool is_last = i + 1 == query->alternative_count;
        struct asking probe = {
            .query = query, .json = json, .begin = begin, .end = query->alternatives[i].end};
        if (!is_last) {
            walk(&probe, begin, value);
            if (probe.found == 0 || (!query->alternatives[i].lists && is_false(json, probe.last)))
                continue;
        }
        struct asking asking = {.query = query,
                                .json = json,
                                .begin = begin,
                                .end = query->alternatives[i].end,
                                .take = take,
                                .context = context};
        walk(&asking, begin, value);
        return asking.found;
    }
    return 0;
}

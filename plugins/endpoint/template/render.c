/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled templates and a request become bytes. Walks nodes and contents; allocates nothing and
 * recurses as deep as sections nest. [any]
 */
#include "../unquoted.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

/* What tags are looked up in: the innermost section over a list, and the turn. */
struct scope {
    const struct tokperf_turn *turn;
    struct tokperf_span item; /* of a list of texts */
    uint32_t index, count;    /* of the innermost loop */
};

struct renderer {
    const struct text *text;
    const struct tokperf_json_writer_v1 *writer;
    const struct tokperf_request *request;
    const struct tokperf_sink *sink;
};

static void put(const struct renderer *r, const char *data, uint64_t len)
{
    if (len > 0)
        r->sink->write(r->sink->context, data, len);
}

/* ---- fields ---- */

/* The list that a field is of, or is the first of. */
static enum field list_of(enum field field)
{
    return field >= FIELD_TEXT && field < FIELD_MODEL && !field_is_list(field)
               ? (enum field)(field + 1)
               : field;
}

static bool is_named(struct tokperf_span name, const char *one, const char *many)
{
    return (name.len == strlen(one) && memcmp(name.data, one, name.len) == 0) ||
           (name.len == strlen(many) && memcmp(name.data, many, name.len) == 0);
}

static bool belongs(const struct tokperf_content *content, enum field list)
{
    switch (list) {
    case FIELD_TEXTS:
        return content->input == TOKPERF_INPUT_TEXT;
    case FIELD_IMAGES:
        return content->input == TOKPERF_INPUT_IMAGE;
    case FIELD_AUDIOS:
        return content->input == TOKPERF_INPUT_AUDIO;
    case FIELD_VIDEOS:
        return content->input == TOKPERF_INPUT_VIDEO;
    case FIELD_QUERIES:
        return content->input == TOKPERF_INPUT_TEXT && is_named(content->name, "query", "queries");
    case FIELD_PASSAGES:
        return content->input == TOKPERF_INPUT_TEXT &&
               is_named(content->name, "passage", "passages");
    case FIELD_NONE:
    case FIELD_TEXT:
    case FIELD_IMAGE:
    case FIELD_AUDIO:
    case FIELD_VIDEO:
    case FIELD_QUERY:
    case FIELD_PASSAGE:
    case FIELD_MODEL:
    case FIELD_MAX_TOKENS:
    case FIELD_STREAM:
    case FIELD_ROLE:
    case FIELD_TURN:
    case FIELD_TURNS:
    case FIELD_ITEM:
    case FIELD_FIRST:
    case FIELD_LAST:
    case FIELD_INDEX:
        break;
    }
    return false;
}

static uint32_t count_items(const struct tokperf_turn *turn, enum field list)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < turn->content_count; i++)
        count += belongs(turn->contents[i], list);
    return count;
}

/* A field that is one string; false: it is not there. */
static bool get_string(const struct renderer *r, const struct scope *scope, enum field field,
                       struct tokperf_span *out)
{
    const enum field list = list_of(field);
    if (field == FIELD_ITEM)
        *out = scope->item;
    else if (field == FIELD_MODEL)
        *out = r->request->model;
    else if (field == FIELD_ROLE)
        *out = scope->turn->role.len > 0 ? scope->turn->role : TOKPERF_SPAN("user");
    else if (list == field)
        return false;
    else
        for (uint32_t i = 0; i < scope->turn->content_count; i++)
            if (belongs(scope->turn->contents[i], list)) {
                *out = scope->turn->contents[i]->value;
                return true;
            }
    return field == FIELD_ITEM || field == FIELD_MODEL || field == FIELD_ROLE;
}

static bool is_true(const struct renderer *r, const struct scope *scope, enum field field)
{
    struct tokperf_span text = {NULL, 0};
    if (field_is_list(field))
        return count_items(scope->turn, field) > 0;
    if (field == FIELD_STREAM)
        return (r->request->flags & TOKPERF_REQUEST_STREAM) != 0;
    if (field == FIELD_MAX_TOKENS)
        return scope->turn->max_tokens >= 0;
    if (field == FIELD_FIRST)
        return scope->index == 0;
    if (field == FIELD_LAST)
        return scope->index + 1 == scope->count;
    if (field == FIELD_INDEX)
        return scope->index > 0;
    if (field == FIELD_TURN || field == FIELD_TURNS)
        return true;
    return get_string(r, scope, field, &text) && text.len > 0;
}

/* ---- values ---- */

static void put_string(const struct renderer *r, struct tokperf_span text, bool in_string)
{
    struct tokperf_json_writer writer;
    if (in_string) {
        unquoted_put(r->writer, r->sink, text);
        return;
    }
    r->writer->open(&writer, r->sink, 0);
    r->writer->string(&writer, text);
}

static void put_list(const struct renderer *r, const struct scope *scope, enum field list)
{
    bool first = true;
    put(r, "[", 1);
    for (uint32_t i = 0; i < scope->turn->content_count; i++) {
        if (!belongs(scope->turn->contents[i], list))
            continue;
        if (!first)
            put(r, ", ", 2);
        first = false;
        put_string(r, scope->turn->contents[i]->value, false);
    }
    put(r, "]", 1);
}

static void put_number(const struct renderer *r, int64_t value)
{
    char digits[24];
    const int len = snprintf(digits, sizeof digits, "%lld", (long long)value);
    put(r, digits, (uint64_t)len);
}

/* What is not there is null, or nothing between quotes. */
static void put_value(const struct renderer *r, const struct scope *scope,
                      const struct text_node *node)
{
    const bool verbatim = node->kind == TEXT_VERBATIM;
    struct tokperf_span text;
    if (field_is_list(node->field))
        put_list(r, scope, node->field);
    else if (node->field == FIELD_INDEX)
        put_number(r, scope->index);
    else if (node->field == FIELD_MAX_TOKENS && scope->turn->max_tokens >= 0)
        put_number(r, scope->turn->max_tokens);
    else if (node->field == FIELD_STREAM && is_true(r, scope, FIELD_STREAM))
        put(r, "true", 4);
    else if (node->field == FIELD_STREAM)
        put(r, "false", 5);
    else if (!get_string(r, scope, node->field, &text))
        put(r, "null", node->in_string || verbatim ? 0 : 4);
    else if (verbatim)
        put(r, text.data, text.len);
    else
        put_string(r, text, node->in_string);
}

/* ---- sections ---- */

static void render(const struct renderer *r, uint32_t from, uint32_t to, const struct scope *scope);

static void render_turns(const struct renderer *r, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < r->request->turn_count; i++) {
        const struct scope inner = {
            .turn = r->request->turns[i], .index = i, .count = r->request->turn_count};
        render(r, from, to, &inner);
    }
}

static void render_list(const struct renderer *r, uint32_t from, uint32_t to,
                        const struct scope *scope, enum field list)
{
    struct scope inner = {.turn = scope->turn, .count = count_items(scope->turn, list)};
    for (uint32_t i = 0; i < scope->turn->content_count; i++) {
        if (!belongs(scope->turn->contents[i], list))
            continue;
        inner.item = scope->turn->contents[i]->value;
        render(r, from, to, &inner);
        inner.index++;
    }
}

static void render_section(const struct renderer *r, uint32_t at, const struct scope *scope)
{
    const struct text_node *node = &r->text->nodes[at];
    struct scope last = *scope;
    last.turn = r->request->turns[r->request->turn_count - 1];
    if (node->kind == TEXT_INVERTED) {
        if (!is_true(r, scope, node->field))
            render(r, at + 1, node->end, scope);
    } else if (node->field == FIELD_TURNS) {
        render_turns(r, at + 1, node->end);
    } else if (field_is_list(node->field)) {
        render_list(r, at + 1, node->end, scope, node->field);
    } else if (node->field == FIELD_TURN) {
        render(r, at + 1, node->end, &last);
    } else if (is_true(r, scope, node->field)) {
        render(r, at + 1, node->end, scope);
    }
}

static void render(const struct renderer *r, uint32_t from, uint32_t to, const struct scope *scope)
{
    for (uint32_t i = from; i < to; i++) {
        const struct text_node *node = &r->text->nodes[i];
        switch (node->kind) {
        case TEXT_LITERAL:
            put(r, node->literal.data, node->literal.len);
            break;
        case TEXT_VALUE:
        case TEXT_VERBATIM:
            put_value(r, scope, node);
            break;
        case TEXT_SECTION:
        case TEXT_INVERTED:
            render_section(r, i, scope);
            i = node->end;
            break;
        case TEXT_END:
            break;
        }
    }
}

void text_render(const struct text *text, const struct tokperf_json_writer_v1 *writer,
                 const struct tokperf_request *request, const struct tokperf_sink *sink)
{
    const struct renderer renderer = {text, writer, request, sink};
    const struct scope scope = {.turn = request->turns[request->turn_count - 1], .count = 1};
    render(&renderer, 0, text->count, &scope);
}

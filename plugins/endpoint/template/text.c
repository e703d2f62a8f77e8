/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From template source to nodes. While literals pass by it is known whether the place is between
 * the quotes of a JSON string: there a value is written escaped and without quotes of its own.
 * [main]
 */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum field field;
} names[] = {
    {"text", FIELD_TEXT},       {"texts", FIELD_TEXTS},
    {"image", FIELD_IMAGE},     {"images", FIELD_IMAGES},
    {"audio", FIELD_AUDIO},     {"audios", FIELD_AUDIOS},
    {"video", FIELD_VIDEO},     {"videos", FIELD_VIDEOS},
    {"query", FIELD_QUERY},     {"queries", FIELD_QUERIES},
    {"passage", FIELD_PASSAGE}, {"passages", FIELD_PASSAGES},
    {"model", FIELD_MODEL},     {"max_tokens", FIELD_MAX_TOKENS},
    {"stream", FIELD_STREAM},   {"role", FIELD_ROLE},
    {"turn", FIELD_TURN},       {"turns", FIELD_TURNS},
    {".", FIELD_ITEM},          {"-first", FIELD_FIRST},
    {"-last", FIELD_LAST},      {"-index", FIELD_INDEX},
};

struct compiler {
    struct text *text;
    const char *begin, *at, *end;
    struct tokperf_error *error;
    bool in_string, escaped;        /* of the JSON around */
    uint32_t open[TEXT_MAX_DEPTH];  /* sections */
    bool opened_in[TEXT_MAX_DEPTH]; /* in_string at their begin */
    uint32_t depth;
};

bool field_is_list(enum field field)
{
    return field == FIELD_TEXTS || field == FIELD_IMAGES || field == FIELD_AUDIOS ||
           field == FIELD_VIDEOS || field == FIELD_QUERIES || field == FIELD_PASSAGES;
}

static bool fail(const struct compiler *c, const char *at, const char *what,
                 struct tokperf_span name)
{
    unsigned line = 1, column = 1;
    for (const char *p = c->begin; p < at; p++) {
        line += *p == '\n';
        column = *p == '\n' ? 1 : column + 1;
    }
    if (c->error != NULL) {
        c->error->status = TOKPERF_E_INVALID;
        snprintf(c->error->message, sizeof c->error->message,
                 "template, line %u, column %u: %.*s%s%s", line, column,
                 (int)(name.len < 64 ? name.len : 64), name.len > 0 ? name.data : "",
                 name.len > 0 ? " " : "", what);
    }
    return false;
}

static bool add(struct compiler *c, struct text_node node)
{
    struct text *text = c->text;
    if (text->count == text->capacity) {
        const uint32_t capacity = text->capacity > 0 ? 2 * text->capacity : 16;
        struct text_node *nodes = realloc(text->nodes, capacity * sizeof *nodes);
        if (nodes == NULL)
            return fail(c, c->at, "there is no memory for the template", (struct tokperf_span){0});
        text->nodes = nodes;
        text->capacity = capacity;
    }
    text->nodes[text->count++] = node;
    return true;
}

/* Follows the JSON around over literal bytes. */
static void follow(struct compiler *c, const char *from, const char *to)
{
    for (; from < to; from++) {
        if (c->escaped)
            c->escaped = false;
        else if (c->in_string && *from == '\\')
            c->escaped = true;
        else if (*from == '"')
            c->in_string = !c->in_string;
    }
}

static bool add_literal(struct compiler *c, const char *to)
{
    if (to == c->at)
        return true;
    const struct tokperf_span literal = {c->at, (uint64_t)(to - c->at)};
    follow(c, c->at, to);
    c->at = to;
    return add(c, (struct text_node){.kind = TEXT_LITERAL, .literal = literal});
}

static struct tokperf_span trim(struct tokperf_span text)
{
    while (text.len > 0 && (unsigned char)text.data[0] <= ' ') {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && (unsigned char)text.data[text.len - 1] <= ' ')
        text.len--;
    return text;
}

static bool equal(struct tokperf_span a, const char *b)
{
    return a.len == strlen(b) && memcmp(a.data, b, a.len) == 0;
}

/* "texts | tojson" is how a Jinja template says what is meant here anyway. */
static bool cut_filter(const struct compiler *c, struct tokperf_span *name)
{
    const char *bar = name->len > 0 ? memchr(name->data, '|', name->len) : NULL;
    if (bar == NULL)
        return true;
    const struct tokperf_span filter =
        trim((struct tokperf_span){bar + 1, (uint64_t)(name->data + name->len - bar - 1)});
    if (!equal(filter, "tojson") || c->in_string)
        return fail(c, bar, "only |tojson outside of quotes is a filter here", *name);
    *name = trim((struct tokperf_span){name->data, (uint64_t)(bar - name->data)});
    return true;
}

static enum field find_field(struct tokperf_span name)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (equal(name, names[i].name))
            return names[i].field;
    return FIELD_NONE;
}

/* The innermost open section of a kind of lists, or NULL. */
static const struct text_node *around(const struct compiler *c, bool of_strings)
{
    for (uint32_t i = c->depth; i > 0; i--) {
        const struct text_node *node = &c->text->nodes[c->open[i - 1]];
        const bool loops =
            field_is_list(node->field) || (!of_strings && node->field == FIELD_TURNS);
        if (node->kind == TEXT_SECTION && loops)
            return node;
    }
    return NULL;
}

static bool check_place(const struct compiler *c, const char *at, struct tokperf_span name,
                        const struct text_node *node)
{
    const bool is_section = node->kind == TEXT_SECTION || node->kind == TEXT_INVERTED;
    const bool is_bool = node->field == FIELD_FIRST || node->field == FIELD_LAST;
    if (node->field == FIELD_ITEM && around(c, true) == NULL)
        return fail(c, at, "is the item of a section over a list of texts, and none is open", name);
    if (node->field >= FIELD_FIRST && around(c, false) == NULL)
        return fail(c, at, "belongs into a section over a list, and none is open", name);
    if (!is_section && (is_bool || node->field == FIELD_TURN || node->field == FIELD_TURNS))
        return fail(c, at, "has no value of its own: open a section, {{#...}} ... {{/...}}", name);
    if (!is_section && node->in_string && field_is_list(node->field))
        return fail(c, at, "is a list and cannot stand between quotes", name);
    return true;
}

static bool open_section(struct compiler *c, const char *at, struct text_node *node)
{
    if (c->depth == TEXT_MAX_DEPTH)
        return fail(c, at, "more than 8 sections are open", (struct tokperf_span){0});
    node->literal.data = at; /* for the message that it is not closed */
    c->open[c->depth] = c->text->count;
    c->opened_in[c->depth++] = c->in_string;
    return add(c, *node);
}

static bool close_section(struct compiler *c, const char *at, struct tokperf_span name,
                          struct text_node *node)
{
    if (c->depth == 0 || c->text->nodes[c->open[c->depth - 1]].field != node->field)
        return fail(c, at, "closes a section that is not the innermost open one", name);
    c->depth--;
    if (c->opened_in[c->depth] != c->in_string)
        return fail(c, at, "closes a section that has one quote of a JSON string only", name);
    c->text->nodes[c->open[c->depth]].end = c->text->count;
    return add(c, *node);
}

/* c->at is behind the opening braces; `inner` is what is between them. */
static bool add_tag(struct compiler *c, const char *at, struct tokperf_span inner, bool verbatim)
{
    struct text_node node = {.kind = verbatim ? TEXT_VERBATIM : TEXT_VALUE,
                             .in_string = c->in_string};
    inner = trim(inner);
    const char sign = inner.len > 0 ? inner.data[0] : '\0';
    if (sign == '!')
        return true; /* a comment */
    if (sign == '#' || sign == '^' || sign == '/' || sign == '&') {
        node.kind = sign == '#'   ? TEXT_SECTION
                    : sign == '^' ? TEXT_INVERTED
                    : sign == '/' ? TEXT_END
                                  : TEXT_VERBATIM;
        inner = trim((struct tokperf_span){inner.data + 1, inner.len - 1});
    }
    if (!cut_filter(c, &inner))
        return false;
    node.field = find_field(inner);
    if (node.field == FIELD_NONE)
        return fail(c, at,
                    inner.len > 0 ? "is no field of a turn; see docs/endpoints.md"
                                  : "the tag is empty",
                    inner);
    if (node.kind == TEXT_END)
        return close_section(c, at, inner, &node);
    if (!check_place(c, at, inner, &node))
        return false;
    return node.kind == TEXT_SECTION || node.kind == TEXT_INVERTED ? open_section(c, at, &node)
                                                                   : add(c, node);
}

static const char *find(const char *at, const char *end, const char *what)
{
    return memmem(at, (size_t)(end - at), what, strlen(what));
}

static bool compile_tag(struct compiler *c)
{
    const char *at = c->at;
    const bool verbatim = c->end - at > 2 && at[2] == '{';
    const char *closing = verbatim ? "}}}" : "}}";
    c->at += strlen(closing);
    const char *stop = find(c->at, c->end, closing);
    if (stop == NULL)
        return fail(c, at, "the tag that begins here has no end", (struct tokperf_span){0});
    const struct tokperf_span inner = {c->at, (uint64_t)(stop - c->at)};
    if (!add_tag(c, at, inner, verbatim))
        return false;
    c->at = stop + strlen(closing);
    return true;
}

static bool compile(struct compiler *c)
{
    while (c->at < c->end) {
        const char *tag = find(c->at, c->end, "{{");
        const char *jinja = find(c->at, tag != NULL ? tag : c->end, "{%");
        if (jinja != NULL)
            return fail(c, jinja, "{% is of Jinja: here a loop is {{#texts}} ... {{/texts}}",
                        (struct tokperf_span){0});
        if (!add_literal(c, tag != NULL ? tag : c->end))
            return false;
        if (tag != NULL && !compile_tag(c))
            return false;
    }
    if (c->depth > 0)
        return fail(c, c->text->nodes[c->open[c->depth - 1]].literal.data,
                    "a section that begins here is not closed", (struct tokperf_span){0});
    return true;
}

tokperf_status text_compile(struct text *text, struct tokperf_span source,
                            struct tokperf_error *error)
{
    *text = (struct text){0};
    struct compiler c = {.text = text, .error = error};
    if (source.len > TEXT_MAX_BYTES) {
        (void)fail(&c, NULL, "the template is longer than 1 MiB", (struct tokperf_span){0});
        return TOKPERF_E_LIMIT;
    }
    text->source = malloc(source.len + 1);
    if (text->source == NULL) {
        (void)fail(&c, NULL, "there is no memory for the template", (struct tokperf_span){0});
        return TOKPERF_E_NO_MEMORY;
    }
    memcpy(text->source, source.data, source.len);
    c.begin = c.at = text->source;
    c.end = text->source + source.len;
    if (compile(&c))
        return TOKPERF_OK;
    text_finish(text);
    return TOKPERF_E_INVALID;
}

void text_finish(struct text *text)
{
    free(text->source);
    free(text->nodes);
    *text = (struct text){0};
}

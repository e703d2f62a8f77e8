/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to a tree: libyaml's events are turned into nodes of an arena, one at a time, so that every
 * bound is checked before anything grows past it. Meaning of scalars is in yaml_scalar.c.
 */
#include <config/yaml.h>

#include <base/buffer.h>
#include <base/error.h>
#include <base/files.h>
#include <base/text.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

/* Generous for TKP_YAML_MAX_NODES nodes and TKP_YAML_MAX_BYTES of text. */
enum { ARENA_MAX_BYTES = 32 << 20 };

struct builder {
    struct tkp_yaml *yaml;
    yaml_parser_t parser;
    uint32_t nodes, depth;
    struct tkp_yaml_node *open[TKP_YAML_MAX_DEPTH]; /* the containers around the next event */
    struct tkp_yaml_node *last[TKP_YAML_MAX_DEPTH]; /* their last child */
    const char *key;                                /* read, its value comes next */
    uint32_t key_line, key_column;
    struct tokperf_error *error;
};

static tokperf_status fail_at(const struct builder *b, yaml_mark_t mark, const char *sentence)
{
    return tkp_fail(b->error, TOKPERF_E_INVALID, "%s:%zu:%zu: %s", b->yaml->name, mark.line + 1,
                    mark.column + 1, sentence);
}

static tokperf_status fail_parser(const struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    const char *problem = p->problem ? p->problem : "not YAML";
    bool is_colon = strstr(problem, "mapping values") != NULL;
    switch (p->error) {
    case YAML_MEMORY_ERROR:
        return tkp_fail(b->error, TOKPERF_E_NO_MEMORY, "%s: no memory to read it", b->yaml->name);
    case YAML_READER_ERROR:
        return tkp_fail(b->error, TOKPERF_E_INVALID, "%s:%zu:%zu: %s (byte %zu)", b->yaml->name,
                        p->mark.line + 1, p->mark.column + 1, problem, p->problem_offset);
    case YAML_NO_ERROR:
    case YAML_SCANNER_ERROR:
    case YAML_PARSER_ERROR:
    case YAML_COMPOSER_ERROR:
    case YAML_WRITER_ERROR:
    case YAML_EMITTER_ERROR:
        break;
    }
    return tkp_fail(b->error, TOKPERF_E_INVALID, "%s:%zu:%zu: %s%s%s%s%s", b->yaml->name,
                    p->problem_mark.line + 1, p->problem_mark.column + 1, problem,
                    p->context ? " (" : "", p->context ? p->context : "", p->context ? ")" : "",
                    is_colon ? "; put a value that ends with ':' or has ': ' into quotes" : "");
}

static bool is_key_of(const struct tkp_yaml_node *map, const char *key)
{
    for (const struct tkp_yaml_node *n = map->first; n; n = n->next)
        if (strcmp(n->key, key) == 0)
            return true;
    return false;
}

/* Links node as the next child of the innermost open container, or as the root. */
static tokperf_status attach(struct builder *b, struct tkp_yaml_node *node, yaml_mark_t mark)
{
    node->line = (uint32_t)mark.line + 1;
    node->column = (uint32_t)mark.column + 1;
    if (!b->depth) {
        b->yaml->root = node;
        return TOKPERF_OK;
    }
    struct tkp_yaml_node *parent = b->open[b->depth - 1], *before = b->last[b->depth - 1];
    node->key = b->key;
    node->key_line = b->key_line;
    node->key_column = b->key_column;
    b->key = NULL;
    if (before)
        before->next = node;
    else
        parent->first = node;
    b->last[b->depth - 1] = node;
    if (++parent->count > TKP_YAML_MAX_KEYS && parent->kind == TKP_YAML_MAP)
        return fail_at(b, mark, "more than 1024 keys in one mapping");
    return TOKPERF_OK;
}

static tokperf_status add_node(struct builder *b, enum tkp_yaml_kind kind, yaml_mark_t mark,
                               struct tkp_yaml_node **made)
{
    if (++b->nodes > TKP_YAML_MAX_NODES)
        return fail_at(b, mark, "more than 65536 values in one file");
    struct tkp_yaml_node *node = tkp_arena_alloc(&b->yaml->arena, sizeof *node);
    if (!node)
        return tkp_fail(b->error, TOKPERF_E_NO_MEMORY, "%s: no memory to read it", b->yaml->name);
    node->kind = kind;
    *made = node;
    return attach(b, node, mark);
}

static bool expects_key(const struct builder *b)
{
    return b->depth && b->open[b->depth - 1]->kind == TKP_YAML_MAP && !b->key;
}

static tokperf_status on_key(struct builder *b, const char *text, yaml_mark_t mark)
{
    const struct tkp_yaml_node *map = b->open[b->depth - 1];
    if (is_key_of(map, text))
        return tkp_fail(b->error, TOKPERF_E_INVALID, "%s:%zu:%zu: the key '%s' is there twice",
                        b->yaml->name, mark.line + 1, mark.column + 1, text);
    b->key = text;
    b->key_line = (uint32_t)mark.line + 1;
    b->key_column = (uint32_t)mark.column + 1;
    return TOKPERF_OK;
}

static tokperf_status on_scalar(struct builder *b, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    if (event->data.scalar.anchor)
        return fail_at(b, event->start_mark, "anchors (&name) are not supported");
    if (event->data.scalar.tag)
        return fail_at(b, event->start_mark, "tags (!name) are not supported");
    if (memchr(value, 0, len))
        return fail_at(b, event->start_mark, "a NUL character in a text is not allowed");
    const char *text = tkp_arena_copy(&b->yaml->arena, value, len);
    if (!text)
        return tkp_fail(b->error, TOKPERF_E_NO_MEMORY, "%s: no memory to read it", b->yaml->name);
    if (expects_key(b))
        return on_key(b, text, event->start_mark);
    struct tkp_yaml_node *node;
    tokperf_status status = add_node(b, TKP_YAML_SCALAR, event->start_mark, &node);
    if (status)
        return status;
    node->text = text;
    node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return TOKPERF_OK;
}

static tokperf_status on_begin(struct builder *b, enum tkp_yaml_kind kind,
                               const yaml_char_t *anchor, const yaml_char_t *tag, yaml_mark_t mark)
{
    if (anchor)
        return fail_at(b, mark, "anchors (&name) are not supported");
    if (tag)
        return fail_at(b, mark, "tags (!name) are not supported");
    if (expects_key(b))
        return fail_at(b, mark, "a key must be text");
    if (b->depth == TKP_YAML_MAX_DEPTH)
        return fail_at(b, mark, "more than 32 levels of nesting");
    struct tkp_yaml_node *node;
    tokperf_status status = add_node(b, kind, mark, &node);
    if (status)
        return status;
    b->open[b->depth] = node;
    b->last[b->depth++] = NULL;
    return TOKPERF_OK;
}

static tokperf_status on_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->yaml->root)
            return fail_at(b, event->start_mark, "a second document (---) is not supported");
        return TOKPERF_OK;
    case YAML_ALIAS_EVENT:
        return fail_at(b, event->start_mark, "aliases (*name) are not supported");
    case YAML_SCALAR_EVENT:
        return on_scalar(b, event);
    case YAML_SEQUENCE_START_EVENT:
        return on_begin(b, TKP_YAML_SEQ, event->data.sequence_start.anchor,
                        event->data.sequence_start.tag, event->start_mark);
    case YAML_MAPPING_START_EVENT:
        return on_begin(b, TKP_YAML_MAP, event->data.mapping_start.anchor,
                        event->data.mapping_start.tag, event->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return TOKPERF_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return TOKPERF_OK;
}

static tokperf_status build(struct builder *b)
{
    for (;;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&b->parser, &event))
            return fail_parser(b);
        bool is_end = event.type == YAML_STREAM_END_EVENT;
        tokperf_status status = on_event(b, &event);
        yaml_event_delete(&event);
        if (status || is_end)
            return status;
    }
}

tokperf_status tkp_yaml_parse(struct tkp_yaml *yaml, const char *name, const char *data, size_t len,
                              struct tokperf_error *error)
{
    *yaml = (struct tkp_yaml){.name = name};
    tkp_arena_init(&yaml->arena, ARENA_MAX_BYTES);
    yaml->name = tkp_arena_copy(&yaml->arena, name, strlen(name));
    if (len > TKP_YAML_MAX_BYTES)
        return tkp_fail(error, TOKPERF_E_LIMIT, "%s: larger than 1 MiB", name);
    struct builder b = {.yaml = yaml, .error = error};
    if (!yaml->name || !yaml_parser_initialize(&b.parser))
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "%s: no memory to read it", name);
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)data, len);
    tokperf_status status = build(&b);
    yaml_parser_delete(&b.parser);
    if (status)
        yaml->root = NULL;
    return status;
}

tokperf_status tkp_yaml_open(struct tkp_yaml *yaml, const char *path, struct tokperf_error *error)
{
    *yaml = (struct tkp_yaml){.name = path};
    struct tkp_buffer content;
    tkp_buffer_init(&content, TKP_YAML_MAX_BYTES + 1);
    tokperf_status status = tkp_files_read(path, TKP_YAML_MAX_BYTES, 0, &content, error);
    if (!status)
        status = tkp_yaml_parse(yaml, path, tkp_buffer_text(&content), content.len, error);
    tkp_buffer_finish(&content);
    return status;
}

void tkp_yaml_close(struct tkp_yaml *yaml)
{
    tkp_arena_finish(&yaml->arena);
    *yaml = (struct tkp_yaml){0};
}

const struct tkp_yaml_node *tkp_yaml_get(const struct tkp_yaml_node *map, const char *key)
{
    if (!map || map->kind != TKP_YAML_MAP)
        return NULL;
    for (const struct tkp_yaml_node *n = map->first; n; n = n->next)
        if (strcmp(n->key, key) == 0)
            return n;
    return NULL;
}

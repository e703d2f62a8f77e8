/* SPDX-License-Identifier: Apache-2.0 */
/* A YAML value as JSON by the core schema: quoted is text, plain is what it looks like. [main] */
#include <config/leaf.h>

#include <base/buffer.h>
#include <base/error.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <string.h>

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

static bool is_json_number(const char *text)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, text, strlen(text));
    uint32_t first = tkp_json_next(&scan), second = tkp_json_next(&scan);
    return first == TOKPERF_JSON_NUMBER && second == TOKPERF_JSON_END;
}

static void write_scalar(struct tokperf_json_writer *w, const struct tkp_yaml_node *node)
{
    bool boolean;
    int64_t integer;
    double number;
    if (tkp_yaml_is_null(node))
        json->null(w);
    else if (tkp_yaml_to_bool(node, &boolean))
        json->boolean(w, boolean);
    else if (!node->is_quoted && is_json_number(node->text))
        json->raw(w, tkp_span(node->text)); /* every digit as it was written */
    else if (tkp_yaml_to_int(node, &integer))
        json->integer(w, integer);
    else if (tkp_yaml_to_double(node, &number))
        json->number(w, number);
    else
        json->string(w, tkp_span(node->text));
}

static tokperf_status write_node(const struct tkp_file *file, const struct tkp_yaml_node *node,
                                 struct tokperf_json_writer *w)
{
    tokperf_status status = TOKPERF_OK;
    if (node->kind == TKP_YAML_SCALAR) {
        struct tkp_yaml_node expanded = *node;
        status = tkp_environment_expand(file->environment, node->text, file->settings->arena,
                                        &expanded.text, file->error);
        if (status)
            tkp_error_prefix(file->error, "%s:%u:%u", file->yaml->name, node->line, node->column);
        else
            write_scalar(w, &expanded);
        return status;
    }
    bool is_map = node->kind == TKP_YAML_MAP;
    if (is_map)
        json->object_begin(w);
    else
        json->array_begin(w);
    for (const struct tkp_yaml_node *n = node->first; n && !status; n = n->next) {
        if (is_map)
            json->key(w, tkp_span(n->key));
        status = write_node(file, n, w); /* at most TKP_YAML_MAX_DEPTH deep */
    }
    if (is_map)
        json->object_end(w);
    else
        json->array_end(w);
    return status;
}

tokperf_status tkp_leaf_to_json(const struct tkp_file *file, const struct tkp_yaml_node *node,
                                const char **text)
{
    struct tkp_buffer out;
    tkp_buffer_init(&out, 8 << 20); /* TKP_YAML_MAX_BYTES, every byte escaped as \u00XX */
    struct tokperf_sink sink = tkp_buffer_sink(&out);
    struct tokperf_json_writer w;
    json->open(&w, &sink, 0);
    tokperf_status status = write_node(file, node, &w);
    *text = tkp_arena_copy(file->settings->arena, tkp_buffer_text(&out), out.len);
    if (!status && (out.failed || !*text))
        status = tkp_fail(file->error, TOKPERF_E_NO_MEMORY, "no memory for a file");
    tkp_buffer_finish(&out);
    return status;
}

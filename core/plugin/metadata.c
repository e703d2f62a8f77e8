/* SPDX-License-Identifier: Apache-2.0 */
/* YAML to JSON by the core schema; nothing is made of names or values. */
#include <plugin/metadata.h>

#include <base/buffer.h>
#include <base/json_write.h>
#include <base/text.h>

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

static void write_scalar(struct tokperf_json_writer *w, const struct tkp_yaml_node *node)
{
    bool boolean;
    int64_t integer;
    double number;
    if (tkp_yaml_is_null(node))
        json->null(w);
    else if (tkp_yaml_to_bool(node, &boolean))
        json->boolean(w, boolean);
    else if (tkp_yaml_to_int(node, &integer))
        json->integer(w, integer);
    else if (tkp_yaml_to_double(node, &number))
        json->number(w, number);
    else
        json->string(w, tkp_span(node->text));
}

/* At most TKP_YAML_MAX_DEPTH deep. */
static void write_node(struct tokperf_json_writer *w, const struct tkp_yaml_node *node)
{
    const bool is_map = node->kind == TKP_YAML_MAP;
    if (node->kind == TKP_YAML_SCALAR) {
        write_scalar(w, node);
        return;
    }
    if (is_map)
        json->object_begin(w);
    else
        json->array_begin(w);
    for (const struct tkp_yaml_node *n = node->first; n != NULL; n = n->next) {
        if (is_map)
            json->key(w, tkp_span(n->key));
        write_node(w, n);
    }
    if (is_map)
        json->object_end(w);
    else
        json->array_end(w);
}

const char *tkp_metadata_json(const struct tkp_yaml_node *node, struct tkp_arena *arena)
{
    if (node == NULL)
        return NULL;
    struct tkp_buffer out;
    tkp_buffer_init(&out, 8 << 20); /* TKP_YAML_MAX_BYTES, every byte escaped as \u00XX */
    struct tokperf_sink sink = tkp_buffer_sink(&out);
    struct tokperf_json_writer w;
    json->open(&w, &sink, 0);
    write_node(&w, node);
    const char *text = out.failed ? NULL : tkp_arena_copy(arena, tkp_buffer_text(&out), out.len);
    tkp_buffer_finish(&out);
    return text;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schema (draft 2020-12) of the configuration file, from the option table. [main] */
#include <config/document.h>

#include <base/json_write.h>
#include <base/text.h>
#include <config/phase_list.h>
#include <stdio.h>
#include <string.h>

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

enum { PATH_BYTES = 128 };

static void put_key(struct tokperf_json_writer *w, const char *key)
{
    json->key(w, tkp_span(key));
}

static void put_range(struct tokperf_json_writer *w, const struct tkp_option *row)
{
    if (!(row->maximum > row->minimum))
        return;
    put_key(w, "minimum");
    json->number(w, row->minimum);
    put_key(w, "maximum");
    json->number(w, row->maximum);
}

/* One of: what the type is, or a text with ${NAME}. */
static void put_or_variable(struct tokperf_json_writer *w, const struct tkp_option *row,
                            const char *type)
{
    put_key(w, "anyOf");
    json->array_begin(w);
    json->object_begin(w);
    tkp_json_write_pair(w, "type", type);
    put_range(w, row);
    json->object_end(w);
    json->object_begin(w);
    tkp_json_write_pair(w, "$ref",
                        row->type == TKP_TYPE_DURATION ? "#/$defs/duration" : "#/$defs/variable");
    json->object_end(w);
    json->array_end(w);
}

static void put_choices(struct tokperf_json_writer *w, const struct tkp_option *row)
{
    put_key(w, "anyOf");
    json->array_begin(w);
    json->object_begin(w);
    put_key(w, "enum");
    json->array_begin(w);
    for (size_t i = 0; row->choices[i]; i++)
        json->string(w, tkp_span(row->choices[i]));
    json->array_end(w);
    json->object_end(w);
    json->object_begin(w);
    tkp_json_write_pair(w, "$ref", "#/$defs/variable");
    json->object_end(w);
    json->array_end(w);
}

/* Keywords of one value, inside an object that is open. */
static void put_type(struct tokperf_json_writer *w, const struct tkp_option *row)
{
    switch (row->type) {
    case TKP_TYPE_TEXT:
        put_key(w, "type");
        json->array_begin(w);
        json->string(w, TOKPERF_SPAN("string"));
        json->string(w, TOKPERF_SPAN("number"));
        json->array_end(w);
        break;
    case TKP_TYPE_INTEGER:
        put_or_variable(w, row, "integer");
        break;
    case TKP_TYPE_NUMBER:
    case TKP_TYPE_DURATION:
        put_or_variable(w, row, "number");
        break;
    case TKP_TYPE_BOOLEAN:
        put_or_variable(w, row, "boolean");
        break;
    case TKP_TYPE_CHOICE:
        put_choices(w, row);
        break;
    case TKP_TYPE_JSON:
        break;
    }
}

static void put_default(struct tokperf_json_writer *w, const struct tkp_option *row)
{
    bool is_text = row->type == TKP_TYPE_TEXT || row->type == TKP_TYPE_CHOICE ||
                   strcmp(row->fallback ? row->fallback : "", "inf") == 0;
    if (!row->fallback)
        return;
    put_key(w, "default");
    if (is_text)
        json->string(w, tkp_span(row->fallback));
    else
        json->raw(w, tkp_span(row->fallback));
}

static void put_list_types(struct tokperf_json_writer *w, const struct tkp_option *row)
{
    put_key(w, "anyOf");
    json->array_begin(w);
    json->object_begin(w);
    put_type(w, row);
    json->object_end(w);
    json->object_begin(w);
    tkp_json_write_pair(w, "type", "array");
    put_key(w, "minItems");
    json->integer(w, 1);
    put_key(w, "items");
    json->object_begin(w);
    put_type(w, row);
    json->object_end(w);
    json->object_end(w);
    json->array_end(w);
}

static void put_row(struct tokperf_json_writer *w, const struct tkp_option *row)
{
    json->object_begin(w);
    tkp_json_write_pair(w, "description", row->help);
    if (row->flags & TKP_OPTION_LIST) {
        put_list_types(w, row);
    } else if (row->flags & TKP_OPTION_MAP) {
        tkp_json_write_pair(w, "type", "object");
        put_key(w, "additionalProperties");
        json->object_begin(w);
        put_type(w, row);
        json->object_end(w);
    } else {
        put_type(w, row);
        put_default(w, row);
    }
    json->object_end(w);
}

static void put_section(struct tokperf_json_writer *w, const char *prefix);

static void put_member(struct tokperf_json_writer *w, const char *path)
{
    const struct tkp_option *row = tkp_options_by_path(path);
    bool is_section = tkp_options_is_section(path);
    if (row && is_section) { /* `isl: 550` for `isl: {mean: 550}` */
        json->object_begin(w);
        put_key(w, "anyOf");
        json->array_begin(w);
        put_row(w, row);
        put_section(w, path);
        json->array_end(w);
        json->object_end(w);
    } else if (row) {
        put_row(w, row);
    } else {
        put_section(w, path);
    }
}

static void put_name(struct tokperf_json_writer *w)
{
    json->object_begin(w);
    tkp_json_write_pair(w, "type", "string");
    tkp_json_write_pair(w, "pattern", "^[A-Za-z_][A-Za-z0-9_-]*$");
    put_key(w, "maxLength");
    json->integer(w, TKP_PHASE_NAME_MAX);
    put_key(w, "not");
    json->object_begin(w);
    tkp_json_write_pair(w, "const", TKP_PHASE_TOTAL);
    json->object_end(w);
    json->object_end(w);
}

static void put_phase_labels(struct tokperf_json_writer *w, const char *kind)
{
    put_key(w, "name");
    json->object_begin(w);
    tkp_json_write_pair(w, "$ref", "#/$defs/phase_name");
    json->object_end(w);
    put_key(w, "kind");
    json->object_begin(w);
    tkp_json_write_pair(w, "const", kind);
    json->object_end(w);
}

static void put_any_phase(struct tokperf_json_writer *w)
{
    static const char *const refs[] = {"#/$defs/warmup", "#/$defs/profiling"};
    json->object_begin(w);
    put_key(w, "anyOf");
    json->array_begin(w);
    for (size_t i = 0; i < sizeof refs / sizeof refs[0]; i++) {
        json->object_begin(w);
        tkp_json_write_pair(w, "$ref", refs[i]);
        json->object_end(w);
    }
    json->array_end(w);
    json->object_end(w);
}

/* `phases`: a mapping by name, or a list, in their order. */
static void put_phases(struct tokperf_json_writer *w)
{
    json->object_begin(w);
    put_key(w, "anyOf");
    json->array_begin(w);
    json->object_begin(w);
    tkp_json_write_pair(w, "type", "object");
    put_key(w, "maxProperties");
    json->integer(w, TKP_PLAN_MAX_PHASES);
    put_key(w, "propertyNames");
    json->object_begin(w);
    tkp_json_write_pair(w, "$ref", "#/$defs/phase_name");
    json->object_end(w);
    put_key(w, "additionalProperties");
    put_any_phase(w);
    json->object_end(w);
    json->object_begin(w);
    tkp_json_write_pair(w, "type", "array");
    put_key(w, "maxItems");
    json->integer(w, TKP_PLAN_MAX_PHASES);
    put_key(w, "items");
    put_any_phase(w);
    json->object_end(w);
    json->array_end(w);
    json->object_end(w);
}

/* An object whose members are the paths below prefix. */
static void put_section(struct tokperf_json_writer *w, const char *prefix)
{
    struct tkp_option_keys keys;
    tkp_options_keys(prefix, &keys);
    json->object_begin(w);
    tkp_json_write_pair(w, "type", "object");
    put_key(w, "additionalProperties");
    json->boolean(w, 0);
    put_key(w, "properties");
    json->object_begin(w);
    if (strncmp(prefix, "phases.", 7) == 0)
        put_phase_labels(w, prefix + 7);
    for (size_t i = 0; i < keys.count; i++) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s%s%s", prefix, prefix[0] ? "." : "", keys.names[i]);
        put_key(w, keys.names[i]);
        if (strcmp(path, "phases") == 0)
            put_phases(w);
        else
            put_member(w, path);
    }
    json->object_end(w);
    json->object_end(w);
}

static void put_text_definition(struct tokperf_json_writer *w, const char *name,
                                const char *description, const char *pattern)
{
    put_key(w, name);
    json->object_begin(w);
    tkp_json_write_pair(w, "description", description);
    tkp_json_write_pair(w, "type", "string");
    tkp_json_write_pair(w, "pattern", pattern);
    json->object_end(w);
}

static void put_definitions(struct tokperf_json_writer *w)
{
    put_key(w, "$defs");
    json->object_begin(w);
    put_text_definition(w, "variable", "A variable of the environment.", "\\$\\{");
    put_text_definition(w, "duration",
                        "A number with its unit, inf where no limit is allowed, or a "
                        "variable of the environment.",
                        "^([0-9.]+(ns|us|ms|s|m|h)|inf|.*\\$\\{.*)$");
    put_key(w, "phase_name");
    put_name(w);
    put_key(w, "warmup");
    put_section(w, "phases.warmup");
    put_key(w, "profiling");
    put_section(w, "phases.profiling");
    json->object_end(w);
}

static void put_envelope(struct tokperf_json_writer *w)
{
    put_key(w, "schemaVersion");
    json->object_begin(w);
    put_key(w, "enum");
    json->array_begin(w);
    json->string(w, TOKPERF_SPAN("2.0"));
    json->number(w, 2);
    json->array_end(w);
    json->object_end(w);
    put_key(w, "random_seed");
    put_row(w, tkp_options_row(TKP_OPT_SEED));
    put_key(w, "benchmark");
    put_section(w, "");
    put_key(w, "plugins");
    json->object_begin(w);
    tkp_json_write_pair(w, "description", "Options of components, by component name.");
    tkp_json_write_pair(w, "type", "object");
    put_key(w, "additionalProperties");
    json->object_begin(w);
    tkp_json_write_pair(w, "type", "object");
    json->object_end(w);
    json->object_end(w);
}

void tkp_document_schema(struct tkp_buffer *out)
{
    struct tokperf_sink sink = tkp_buffer_sink(out);
    struct tokperf_json_writer writer, *w = &writer;
    json->open(w, &sink, TOKPERF_JSON_INDENT);
    json->object_begin(w);
    tkp_json_write_pair(w, "$schema", "https://json-schema.org/draft/2020-12/schema");
    tkp_json_write_pair(w, "title", "tokperf configuration");
    tkp_json_write_pair(w, "type", "object");
    put_key(w, "additionalProperties");
    json->boolean(w, 0);
    put_key(w, "properties");
    json->object_begin(w);
    put_envelope(w);
    json->object_end(w);
    put_definitions(w);
    json->object_end(w);
    tkp_buffer_puts(out, "\n");
}

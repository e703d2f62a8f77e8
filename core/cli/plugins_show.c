/* SPDX-License-Identifier: Apache-2.0 */
/* One component: where it comes from, and its option rows as the module states them. */
#include <cli/plugins_show.h>

#include <base/error.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <cli/plugins_list.h>
#include <config/document.h>
#include <plugin/kind.h>
#include <plugin/loader.h>
#include <plugin/option.h>
#include <string.h>

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

static void option_json(struct tokperf_json_writer *w, const struct tokperf_option *row)
{
    json->object_begin(w);
    tkp_json_write_pair(w, "key", row->key);
    tkp_json_write_pair(w, "type", tkp_option_type_name(row->type));
    tkp_json_write_pair(w, "unit", row->unit);
    tkp_json_write_pair(w, "default", row->default_value);
    json->key(w, TOKPERF_SPAN("required"));
    json->boolean(w, (row->flags & TOKPERF_OPTION_REQUIRED) != 0);
    json->key(w, TOKPERF_SPAN("secret"));
    json->boolean(w, (row->flags & TOKPERF_OPTION_SECRET) != 0);
    if ((row->flags & TOKPERF_OPTION_RANGE) != 0) {
        json->key(w, TOKPERF_SPAN("minimum"));
        json->number(w, row->minimum);
        json->key(w, TOKPERF_SPAN("maximum"));
        json->number(w, row->maximum);
    }
    if (row->choices != NULL) {
        json->key(w, TOKPERF_SPAN("choices"));
        json->array_begin(w);
        for (size_t i = 0; row->choices[i] != NULL; i++)
            json->string(w, tkp_span(row->choices[i]));
        json->array_end(w);
    }
    tkp_json_write_pair(w, "help", row->help);
    json->object_end(w);
}

static void show_json(const struct tkp_component_entry *entry,
                      const struct tokperf_component *component, struct tkp_buffer *out)
{
    struct tokperf_json_writer w;
    struct tokperf_sink sink = tkp_buffer_sink(out);
    json->open(&w, &sink, TOKPERF_JSON_INDENT);
    json->object_begin(&w);
    tkp_plugins_write_entry(&w, entry);
    if (entry->metadata != NULL) {
        json->key(&w, TOKPERF_SPAN("metadata"));
        json->raw(&w, tkp_span(entry->metadata));
    }
    json->key(&w, TOKPERF_SPAN("options"));
    json->array_begin(&w);
    for (size_t i = 0; component->options != NULL && component->options[i] != NULL; i++)
        option_json(&w, component->options[i]);
    json->array_end(&w);
    json->object_end(&w);
    tkp_buffer_puts(out, "\n");
}

static void option_text(const struct tokperf_option *row, struct tkp_buffer *out)
{
    tkp_buffer_printf(out, "  %s: %s%s%s", row->key, tkp_option_type_name(row->type),
                      row->unit != NULL ? ", " : "", row->unit != NULL ? row->unit : "");
    if (row->choices != NULL) {
        tkp_buffer_puts(out, " of");
        for (size_t i = 0; row->choices[i] != NULL; i++)
            tkp_buffer_printf(out, "%s %s", i > 0 ? "," : "", row->choices[i]);
    }
    if ((row->flags & TOKPERF_OPTION_RANGE) != 0) {
        char low[32];
        char high[32];
        tkp_text_from_double(low, sizeof low, row->minimum);
        tkp_text_from_double(high, sizeof high, row->maximum);
        tkp_buffer_printf(out, ", %s to %s", low, high);
    }
    if (row->default_value != NULL)
        tkp_buffer_printf(out, ", default %s", row->default_value);
    tkp_buffer_printf(out, "%s%s\n",
                      (row->flags & TOKPERF_OPTION_REQUIRED) != 0 ? ", required" : "",
                      (row->flags & TOKPERF_OPTION_SECRET) != 0 ? ", secret" : "");
    tkp_document_wrap(out, 6, row->help);
}

/* "  path      "/v1/chat/completions"": what the fragment says below metadata, as JSON. */
static void metadata_text(const char *metadata, struct tkp_buffer *out)
{
    struct tokperf_json scan;
    struct tokperf_span value;
    tkp_json_open(&scan, metadata, strlen(metadata));
    if (tkp_json_next(&scan) != TOKPERF_JSON_OBJECT_BEGIN)
        return;
    while (tkp_json_next(&scan) == TOKPERF_JSON_KEY) {
        const struct tokperf_span key = scan.text;
        if (tkp_json_skip(&scan, &value) != TOKPERF_OK)
            return;
        tkp_buffer_printf(out, "  %-9.*s %.*s\n", (int)key.len, key.data, (int)value.len,
                          value.data);
    }
}

static void show_text(const struct tkp_component_entry *entry,
                      const struct tokperf_component *component, struct tkp_buffer *out)
{
    tkp_buffer_printf(out,
                      "%s %s: %s\n  plugin    %s %s (%s)\n  module    %s\n  from      %s (%s), "
                      "priority %lld\n",
                      entry->kind, entry->name, entry->summary, entry->plugin_id, entry->version,
                      entry->license, entry->module, entry->origin, entry->source,
                      (long long)entry->priority);
    if (entry->winner != NULL)
        tkp_buffer_printf(out, "  shadowed  by %s from %s; use it as %s\n", entry->winner->full_id,
                          entry->winner->origin, entry->full_id);
    if (entry->metadata != NULL)
        metadata_text(entry->metadata, out);
    if (component->options == NULL || component->options[0] == NULL) {
        tkp_buffer_puts(out, "It has no options.\n");
        return;
    }
    tkp_buffer_printf(out, "Options, set with --set %s.KEY=VALUE:\n", entry->name);
    for (size_t i = 0; component->options[i] != NULL; i++)
        option_text(component->options[i], out);
}

static tokperf_status show_entry(const struct tkp_component_entry *entry,
                                 const struct tkp_plugins_args *args, struct tkp_buffer *out,
                                 struct tokperf_error *error)
{
    if (entry->problem != NULL)
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED, "%s %s of %s cannot be used: %s", entry->kind,
                        entry->name, entry->origin, entry->problem);
    struct tkp_module *module = NULL;
    tokperf_status status = tkp_module_open(entry->module, &module, error);
    if (status != TOKPERF_OK)
        return status;
    status = tkp_entry_check(entry, module, error);
    if (status == TOKPERF_OK) {
        const struct tokperf_component *component =
            tkp_module_component(module, entry->kind, entry->name);
        if (args->format == TKP_PLUGINS_JSON)
            show_json(entry, component, out);
        else
            show_text(entry, component, out);
    }
    tkp_module_close(module);
    return status;
}

static tokperf_status not_found(const struct tkp_registry *registry, const char *name,
                                struct tokperf_error *error)
{
    const char *names[256];
    uint32_t count = 0;
    for (uint32_t i = 0; i < tkp_registry_count(registry) && count < 255; i++)
        names[count++] = tkp_registry_at(registry, i)->name;
    names[count] = NULL;
    const char *closest = tkp_text_closest(name, names);
    if (closest != NULL)
        return tkp_fail(error, TOKPERF_E_NOT_FOUND,
                        "there is no component '%s'; did you mean '%s'?", name, closest);
    return tkp_fail(error, TOKPERF_E_NOT_FOUND,
                    "there is no component '%s'; tokperf plugins list shows all", name);
}

tokperf_status tkp_plugins_show(const struct tkp_registry *registry,
                                const struct tkp_plugins_args *args, struct tkp_buffer *out,
                                struct tokperf_error *error)
{
    const char *const *kinds = tkp_kind_names();
    bool shown = false;
    for (size_t i = 0; kinds[i] != NULL; i++) {
        const struct tkp_component_entry *entry = NULL;
        struct tokperf_error ignored;
        if (tkp_registry_find(registry, kinds[i], args->operand, &entry, &ignored) != TOKPERF_OK)
            continue;
        tokperf_status status = show_entry(entry, args, out, error);
        if (status != TOKPERF_OK)
            return status;
        shown = true;
    }
    return shown ? TOKPERF_OK : not_found(registry, args->operand, error);
}

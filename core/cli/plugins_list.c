/* SPDX-License-Identifier: Apache-2.0 */
/* Listing of the registry: as a table, with the reasons (--explain), or as JSON. */
#include <cli/plugins_list.h>

#include <base/json_write.h>
#include <base/text.h>
#include <stdlib.h>
#include <string.h>

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

static const char *state_name(enum tkp_component_state state)
{
    switch (state) {
    case TKP_COMPONENT_AVAILABLE:
        return "available";
    case TKP_COMPONENT_UNAVAILABLE:
        return "unavailable";
    case TKP_COMPONENT_SHADOWED:
        return "shadowed";
    }
    return "?";
}

void tkp_plugins_write_entry(struct tokperf_json_writer *w, const struct tkp_component_entry *entry)
{
    tkp_json_write_pair(w, "kind", entry->kind);
    tkp_json_write_pair(w, "name", entry->name);
    tkp_json_write_pair(w, "id", entry->full_id);
    tkp_json_write_pair(w, "plugin", entry->plugin_id);
    tkp_json_write_pair(w, "version", entry->version);
    tkp_json_write_pair(w, "license", entry->license);
    tkp_json_write_pair(w, "summary", entry->summary);
    tkp_json_write_pair(w, "module", entry->module);
    tkp_json_write_pair(w, "origin", entry->origin);
    tkp_json_write_pair(w, "source", entry->source);
    json->key(w, TOKPERF_SPAN("priority"));
    json->integer(w, entry->priority);
    tkp_json_write_pair(w, "state", state_name(entry->state));
    tkp_json_write_pair(w, "problem", entry->problem);
    tkp_json_write_pair(w, "winner", entry->winner != NULL ? entry->winner->full_id : NULL);
    tkp_json_write_pair(w, "winner_origin", entry->winner != NULL ? entry->winner->origin : NULL);
}

static bool is_shown(const struct tkp_component_entry *entry, const struct tkp_plugins_args *args)
{
    return args->explain || entry->state != TKP_COMPONENT_SHADOWED;
}

static void list_json(const struct tkp_registry *registry, const struct tkp_plugins_args *args,
                      struct tkp_buffer *out)
{
    struct tokperf_json_writer w;
    struct tokperf_sink sink = tkp_buffer_sink(out);
    json->open(&w, &sink, TOKPERF_JSON_INDENT);
    json->array_begin(&w);
    for (uint32_t i = 0; i < tkp_registry_count(registry); i++) {
        const struct tkp_component_entry *entry = tkp_registry_at(registry, i);
        if (!is_shown(entry, args))
            continue;
        json->object_begin(&w);
        tkp_plugins_write_entry(&w, entry);
        json->object_end(&w);
    }
    json->array_end(&w);
    tkp_buffer_puts(out, "\n");
}

/* Widths of the columns that a reader scans: kind, name, plugin, version. */
struct widths {
    int kind, name, plugin, version;
};

static void widen(int *width, const char *text)
{
    int len = (int)strlen(text);
    if (len > *width)
        *width = len;
}

static void explain(const struct tkp_component_entry *entry, struct tkp_buffer *out)
{
    tkp_buffer_printf(out, "    from %s (%s), priority %lld, module %s\n", entry->origin,
                      entry->source, (long long)entry->priority, entry->module);
    if (entry->winner == NULL)
        return;
    const struct tkp_component_entry *w = entry->winner;
    const char *reason = "its source is searched earlier";
    if (w->is_explicit != entry->is_explicit)
        reason = "it was named on the command line";
    else if (w->priority != entry->priority)
        reason = "its priority is higher";
    tkp_buffer_printf(out, "    shadowed by %s from %s: %s; use it by its id %s\n", w->full_id,
                      w->origin, reason, entry->full_id);
}

static void list_text(const struct tkp_registry *registry, const struct tkp_plugins_args *args,
                      struct tkp_buffer *out)
{
    struct widths w = {4, 4, 6, 7};
    uint32_t shown = 0;
    for (uint32_t i = 0; i < tkp_registry_count(registry); i++) {
        const struct tkp_component_entry *entry = tkp_registry_at(registry, i);
        if (!is_shown(entry, args))
            continue;
        shown++;
        widen(&w.kind, entry->kind);
        widen(&w.name, entry->name);
        widen(&w.plugin, entry->plugin_id);
        widen(&w.version, entry->version);
    }
    if (shown == 0) {
        tkp_buffer_puts(out, "No plugins; tokperf plugins dirs shows where they are searched.\n");
        return;
    }
    tkp_buffer_printf(out, "%-*s  %-*s  %-*s  %-*s  %s\n", w.kind, "KIND", w.name, "NAME", w.plugin,
                      "PLUGIN", w.version, "VERSION", "SUMMARY");
    for (uint32_t i = 0; i < tkp_registry_count(registry); i++) {
        const struct tkp_component_entry *entry = tkp_registry_at(registry, i);
        if (!is_shown(entry, args))
            continue;
        tkp_buffer_printf(out, "%-*s  %-*s  %-*s  %-*s  %s\n", w.kind, entry->kind, w.name,
                          entry->name, w.plugin, entry->plugin_id, w.version, entry->version,
                          entry->summary);
        if (entry->problem != NULL)
            tkp_buffer_printf(out, "    unavailable: %s\n", entry->problem);
        if (args->explain)
            explain(entry, out);
    }
}

void tkp_plugins_list(const struct tkp_registry *registry, const struct tkp_plugins_args *args,
                      struct tkp_buffer *out)
{
    if (args->format == TKP_PLUGINS_JSON)
        list_json(registry, args, out);
    else
        list_text(registry, args, out);
}

void tkp_plugins_dirs(const struct tkp_registry *registry, struct tkp_buffer *out)
{
    int width = 0;
    for (uint32_t i = 0; i < tkp_registry_source_count(registry); i++)
        widen(&width, tkp_registry_source_at(registry, i)->name);
    for (uint32_t i = 0; i < tkp_registry_source_count(registry); i++) {
        const struct tkp_registry_source *source = tkp_registry_source_at(registry, i);
        tkp_buffer_printf(out, "%-*s  %s%s\n", width, source->name, source->path,
                          source->exists ? "" : "  (absent)");
    }
    const char *only = getenv("TOKPERF_NO_DEFAULT_PLUGINS");
    if (only != NULL && strcmp(only, "1") == 0)
        tkp_buffer_puts(out, "TOKPERF_NO_DEFAULT_PLUGINS=1 leaves out all other places.\n");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of several entries of one kind and name wins: what the user named, then the higher
 * priority, then the earlier source. An entry that wins and cannot be used is not replaced by the
 * next one: a benchmark must not run another plugin than the one that was chosen.
 */
#include <plugin/registry_list.h>

#include <base/error.h>
#include <base/log.h>
#include <base/text.h>
#include <plugin/kind.h>
#include <plugin/loader.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 32 };

tokperf_status tkp_registry_list_add(struct tkp_registry_list *list,
                                     const struct tkp_component_entry *entry, uint32_t source,
                                     struct tokperf_error *error)
{
    if (list->count == TKP_REGISTRY_MAX_ENTRIES)
        return tkp_fail(error, TOKPERF_E_LIMIT, "%s: there are more than %d plugin components",
                        entry->origin, TKP_REGISTRY_MAX_ENTRIES);
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity > 0 ? list->capacity * 2 : FIRST_CAPACITY;
        struct tkp_registry_row *rows = realloc(list->rows, capacity * sizeof *rows);
        if (rows == NULL)
            return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plugin registry");
        list->rows = rows;
        list->capacity = capacity;
    }
    list->rows[list->count] = (struct tkp_registry_row){*entry, source, list->count};
    list->count++;
    return TOKPERF_OK;
}

static tokperf_status copy_component(const struct tokperf_plugin *plugin,
                                     const struct tokperf_component *c, const char *path,
                                     struct tkp_arena *arena, const struct tkp_fragment_sink *sink,
                                     struct tokperf_error *error)
{
    struct tkp_component_entry entry = {
        .kind = tkp_kind_by_id(c->kind)->name,
        .name = tkp_arena_copy(arena, c->name, strlen(c->name)),
        .plugin_id = tkp_arena_copy(arena, plugin->id, strlen(plugin->id)),
        .version = tkp_arena_copy(arena, plugin->version, strlen(plugin->version)),
        .license = tkp_arena_copy(arena, plugin->license, strlen(plugin->license)),
        .summary = tkp_arena_copy(arena, c->summary, strlen(c->summary)),
        .full_id = tkp_arena_printf(arena, "%s:%s", plugin->id, c->name),
        .module = tkp_arena_copy(arena, path, strlen(path)),
        .origin = "--plugin",
    };
    if (entry.name == NULL || entry.plugin_id == NULL || entry.version == NULL ||
        entry.license == NULL || entry.summary == NULL || entry.full_id == NULL ||
        entry.module == NULL)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plugin registry");
    return sink->component(sink->context, &entry, error);
}

tokperf_status tkp_registry_list_module(const char *path, struct tkp_arena *arena,
                                        const struct tkp_fragment_sink *sink,
                                        struct tokperf_error *error)
{
    struct tkp_module *module = NULL;
    tokperf_status status = tkp_module_open(path, &module, error);
    if (status != TOKPERF_OK)
        return status;
    const struct tokperf_plugin *plugin = tkp_module_plugin(module);
    for (size_t i = 0; status == TOKPERF_OK && plugin->components[i] != NULL; i++)
        if (tkp_kind_by_id(plugin->components[i]->kind) != NULL)
            status = copy_component(plugin, plugin->components[i], path, arena, sink, error);
    tkp_module_close(module);
    return status;
}

static int compare_name(const struct tkp_component_entry *a, const struct tkp_component_entry *b)
{
    int kind = strcmp(a->kind, b->kind);
    return kind != 0 ? kind : strcmp(a->name, b->name);
}

static int compare_rows(const void *left, const void *right)
{
    const struct tkp_registry_row *a = left;
    const struct tkp_registry_row *b = right;
    int name = compare_name(&a->entry, &b->entry);
    if (name != 0)
        return name;
    if (a->entry.is_explicit != b->entry.is_explicit)
        return a->entry.is_explicit ? -1 : 1;
    if (a->entry.priority != b->entry.priority)
        return a->entry.priority > b->entry.priority ? -1 : 1;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

/* Within one source the same kind and name twice is an error, unless their priorities say which one
 * is meant and they are different plugins. */
static bool is_duplicate(const struct tkp_registry_row *a, const struct tkp_registry_row *b)
{
    return a->source == b->source && compare_name(&a->entry, &b->entry) == 0 &&
           (a->entry.priority == b->entry.priority ||
            strcmp(a->entry.full_id, b->entry.full_id) == 0);
}

static tokperf_status mark_duplicate(struct tkp_registry_row *a, struct tkp_registry_row *b,
                                     struct tkp_arena *arena, struct tokperf_error *error)
{
    const char *text =
        tkp_arena_printf(arena, "%s %s is listed twice in one place, by %s and by %s; remove one",
                         a->entry.kind, a->entry.name, a->entry.origin, b->entry.origin);
    if (text == NULL)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plugin registry");
    if (a->entry.is_explicit)
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED, "%s: %s", a->entry.source, text);
    tkp_log(TKP_LOG_WARNING, "%s", text);
    a->entry.problem = text;
    b->entry.problem = text;
    return TOKPERF_OK;
}

tokperf_status tkp_registry_list_settle(struct tkp_registry_list *list, struct tkp_arena *arena,
                                        struct tokperf_error *error)
{
    if (list->count > 0)
        qsort(list->rows, list->count, sizeof *list->rows, compare_rows);
    for (uint32_t i = 0; i < list->count; i++)
        for (uint32_t j = i + 1;
             j < list->count && compare_name(&list->rows[i].entry, &list->rows[j].entry) == 0; j++)
            if (is_duplicate(&list->rows[i], &list->rows[j])) {
                tokperf_status status =
                    mark_duplicate(&list->rows[i], &list->rows[j], arena, error);
                if (status != TOKPERF_OK)
                    return status;
            }
    struct tkp_component_entry *winner = NULL;
    for (uint32_t i = 0; i < list->count; i++) {
        struct tkp_component_entry *entry = &list->rows[i].entry;
        if (winner != NULL && compare_name(winner, entry) == 0) {
            entry->state = TKP_COMPONENT_SHADOWED;
            entry->winner = winner;
            continue;
        }
        winner = entry;
        entry->state = entry->problem == NULL ? TKP_COMPONENT_AVAILABLE : TKP_COMPONENT_UNAVAILABLE;
    }
    return TOKPERF_OK;
}

/* Names of that kind for the closest one, at most a screen of them. */
static tokperf_status not_found(const struct tkp_registry_list *list, const char *kind,
                                const char *name, struct tokperf_error *error)
{
    const char *names[256];
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count && count + 1 < sizeof names / sizeof names[0]; i++)
        if (strcmp(list->rows[i].entry.kind, kind) == 0)
            names[count++] = list->rows[i].entry.name;
    names[count] = NULL;
    const char *closest = tkp_text_closest(name, names);
    if (closest != NULL)
        return tkp_fail(error, TOKPERF_E_NOT_FOUND,
                        "there is no %s '%s'; did you mean '%s'? (tokperf plugins list shows all)",
                        kind, name, closest);
    if (count == 0)
        return tkp_fail(error, TOKPERF_E_NOT_FOUND,
                        "there is no %s '%s', nor any other %s plugin; tokperf plugins dirs "
                        "shows where they are searched",
                        kind, name, kind);
    return tkp_fail(error, TOKPERF_E_NOT_FOUND,
                    "there is no %s '%s'; tokperf plugins list shows all", kind, name);
}

tokperf_status tkp_registry_list_find(const struct tkp_registry_list *list, const char *kind,
                                      const char *name, const struct tkp_component_entry **entry,
                                      struct tokperf_error *error)
{
    bool is_full = strchr(name, ':') != NULL;
    for (uint32_t i = 0; i < list->count; i++) { /* the first one has precedence */
        const struct tkp_component_entry *e = &list->rows[i].entry;
        if (strcmp(e->kind, kind) == 0 && strcmp(is_full ? e->full_id : e->name, name) == 0) {
            *entry = e;
            return TOKPERF_OK;
        }
    }
    *entry = NULL;
    return not_found(list, kind, name, error);
}

void tkp_registry_list_finish(struct tkp_registry_list *list)
{
    free(list->rows);
    *list = (struct tkp_registry_list){0};
}

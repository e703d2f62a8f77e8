/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registry files from a YAML tree to entries. Loads no module. Unknown keys are errors, except
 * below `metadata`, which is the author's.
 */
#include <plugin/fragment.h>

#include <base/error.h>
#include <base/text.h>
#include <config/yaml.h>
#include <limits.h>
#include <plugin/descriptor.h>
#include <plugin/kind.h>
#include <plugin/metadata.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { SCHEMA = 1 };

/* One row of `plugins`. */
struct plugin_row {
    const char *id, *version, *license, *module;
    int64_t abi;
    struct plugin_row *next;
};

struct reader {
    struct tkp_yaml yaml;
    struct tkp_arena *arena;
    const struct tkp_fragment_sink *sink;
    const char *path;
    struct plugin_row *plugins;
};

static tokperf_status no_memory(const struct reader *r, struct tokperf_error *error)
{
    return tkp_fail(error, TOKPERF_E_NO_MEMORY, "%s: the registry is out of memory", r->path);
}

/* A member that must be text; copied. optional: NULL when absent. */
static tokperf_status get_text(struct reader *r, const struct tkp_yaml_node *map, const char *where,
                               const char *key, const char **out, struct tokperf_error *error)
{
    const struct tkp_yaml_node *node = tkp_yaml_get(map, key);
    if (node == NULL || (node->kind == TKP_YAML_SCALAR && tkp_yaml_is_null(node)))
        return tkp_yaml_fail(&r->yaml, node != NULL ? node : map, error, "%s needs the key %s",
                             where, key);
    if (node->kind != TKP_YAML_SCALAR || node->text[0] == '\0')
        return tkp_yaml_fail(&r->yaml, node, error, "%s.%s: expected text, found %s", where, key,
                             node->kind == TKP_YAML_SCALAR ? "nothing" : tkp_yaml_kind_name(node));
    *out = tkp_arena_copy(r->arena, node->text, strlen(node->text));
    return *out != NULL ? TOKPERF_OK : no_memory(r, error);
}

static tokperf_status get_int(struct reader *r, const struct tkp_yaml_node *map, const char *where,
                              const char *key, int64_t *out, struct tokperf_error *error)
{
    const struct tkp_yaml_node *node = tkp_yaml_get(map, key);
    if (node == NULL)
        return tkp_yaml_fail(&r->yaml, map, error, "%s needs the key %s", where, key);
    if (node->kind != TKP_YAML_SCALAR || !tkp_yaml_to_int(node, out))
        return tkp_yaml_fail(&r->yaml, node, error, "%s.%s: expected a whole number, found %s",
                             where, key,
                             node->kind == TKP_YAML_SCALAR ? node->text : tkp_yaml_kind_name(node));
    return TOKPERF_OK;
}

/* A path of the file: relative ones start at the file's folder. */
static const char *beside(const struct reader *r, const char *path)
{
    if (path[0] == '/')
        return tkp_arena_copy(r->arena, path, strlen(path));
    const char *slash = strrchr(r->path, '/');
    return tkp_arena_printf(r->arena, "%.*s/%s", slash != NULL ? (int)(slash - r->path) : 0,
                            r->path, path);
}

static const struct plugin_row *find_plugin(const struct reader *r, const char *id)
{
    for (const struct plugin_row *p = r->plugins; p != NULL; p = p->next)
        if (strcmp(p->id, id) == 0)
            return p;
    return NULL;
}

static tokperf_status read_plugin(struct reader *r, const struct tkp_yaml_node *node,
                                  const char *where, struct tokperf_error *error)
{
    static const char *const keys[] = {"id",      "version",  "abi", "module",
                                       "license", "metadata", NULL};
    struct plugin_row *row = tkp_arena_alloc(r->arena, sizeof *row);
    if (row == NULL)
        return no_memory(r, error);
    const char *module = NULL;
    tokperf_status status = tkp_yaml_check_keys(&r->yaml, node, where, keys, error);
    if (status == TOKPERF_OK)
        status = get_text(r, node, where, "id", &row->id, error);
    if (status == TOKPERF_OK)
        status = get_text(r, node, where, "version", &row->version, error);
    if (status == TOKPERF_OK)
        status = get_text(r, node, where, "license", &row->license, error);
    if (status == TOKPERF_OK)
        status = get_text(r, node, where, "module", &module, error);
    if (status == TOKPERF_OK)
        status = get_int(r, node, where, "abi", &row->abi, error);
    if (status != TOKPERF_OK)
        return status;
    if (!tkp_descriptor_is_plugin_id(row->id))
        return tkp_yaml_fail(&r->yaml, tkp_yaml_get(node, "id"), error,
                             "%s.id: '%s' is not a reverse domain name such as com.acme.tokperf",
                             where, row->id);
    if (find_plugin(r, row->id) != NULL)
        return tkp_yaml_fail(&r->yaml, tkp_yaml_get(node, "id"), error, "%s.id: %s is listed twice",
                             where, row->id);
    row->module = beside(r, module);
    if (row->module == NULL)
        return no_memory(r, error);
    row->next = r->plugins;
    r->plugins = row;
    return TOKPERF_OK;
}

/* Why a component cannot be used, told without loading anything; NULL when nothing is wrong. */
static const char *problem_of(const struct reader *r, const char *kind,
                              const struct plugin_row *plugin)
{
    if (plugin->abi != TOKPERF_ABI_MAJOR)
        return tkp_arena_printf(r->arena, "it is built for plugin ABI %lld, this tokperf loads %d",
                                (long long)plugin->abi, TOKPERF_ABI_MAJOR);
    if (tkp_kind_by_name(kind) == NULL) {
        const char *closest = tkp_text_closest(kind, tkp_kind_names());
        return tkp_arena_printf(r->arena, "this tokperf has no plugin kind %s%s%s%s", kind,
                                closest != NULL ? "; did you mean '" : "",
                                closest != NULL ? closest : "", closest != NULL ? "'?" : "");
    }
    struct stat info;
    if (stat(plugin->module, &info) != 0)
        return tkp_arena_printf(r->arena, "its module %s is absent", plugin->module);
    if (!S_ISREG(info.st_mode))
        return tkp_arena_printf(r->arena, "its module %s is not a file", plugin->module);
    return NULL;
}

static tokperf_status give_component(struct reader *r, const struct tkp_yaml_node *node,
                                     struct tkp_component_entry *entry, const char *where,
                                     struct tokperf_error *error)
{
    if (!tkp_descriptor_is_name(entry->name))
        return tkp_yaml_fail(&r->yaml, tkp_yaml_get(node, "name"), error,
                             "%s.name: '%s' is not made of a-z, 0-9 and _", where, entry->name);
    const struct plugin_row *plugin = find_plugin(r, entry->plugin_id);
    if (plugin == NULL) {
        const char *ids[2] = {r->plugins != NULL ? r->plugins->id : NULL, NULL};
        return tkp_yaml_fail(&r->yaml, tkp_yaml_get(node, "plugin"), error,
                             "%s.plugin: %s is not listed under plugins%s%s", where,
                             entry->plugin_id, ids[0] != NULL ? "; there is " : "",
                             ids[0] != NULL ? ids[0] : "");
    }
    entry->version = plugin->version;
    entry->license = plugin->license;
    entry->module = plugin->module;
    entry->full_id = tkp_arena_printf(r->arena, "%s:%s", plugin->id, entry->name);
    entry->origin = tkp_arena_printf(r->arena, "%s:%u", r->path, node->line);
    entry->metadata = tkp_metadata_json(tkp_yaml_get(node, "metadata"), r->arena);
    entry->problem = problem_of(r, entry->kind, plugin);
    if (entry->full_id == NULL || entry->origin == NULL)
        return no_memory(r, error);
    return r->sink->component(r->sink->context, entry, error);
}

static tokperf_status read_component(struct reader *r, const struct tkp_yaml_node *node,
                                     const char *where, struct tokperf_error *error)
{
    static const char *const keys[] = {"kind",     "name",     "plugin", "summary",
                                       "priority", "metadata", NULL};
    struct tkp_component_entry entry = {0};
    tokperf_status status = tkp_yaml_check_keys(&r->yaml, node, where, keys, error);
    if (status == TOKPERF_OK)
        status = get_text(r, node, where, "kind", &entry.kind, error);
    if (status == TOKPERF_OK)
        status = get_text(r, node, where, "name", &entry.name, error);
    if (status == TOKPERF_OK)
        status = get_text(r, node, where, "plugin", &entry.plugin_id, error);
    if (status == TOKPERF_OK)
        status = get_text(r, node, where, "summary", &entry.summary, error);
    if (status == TOKPERF_OK && tkp_yaml_get(node, "priority") != NULL)
        status = get_int(r, node, where, "priority", &entry.priority, error);
    return status == TOKPERF_OK ? give_component(r, node, &entry, where, error) : status;
}

static tokperf_status read_include(struct reader *r, const struct tkp_yaml_node *node,
                                   const char *where, struct tokperf_error *error)
{
    if (node->kind != TKP_YAML_SCALAR || tkp_yaml_is_null(node))
        return tkp_yaml_fail(&r->yaml, node, error, "%s: expected a path, found %s", where,
                             node->kind == TKP_YAML_SCALAR ? "nothing" : tkp_yaml_kind_name(node));
    const char *path = beside(r, node->text);
    if (path == NULL)
        return no_memory(r, error);
    tokperf_status status = r->sink->include(r->sink->context, path, error);
    if (status == TOKPERF_E_NOT_FOUND)
        return tkp_yaml_fail(&r->yaml, node, error, "%s: there is no file %s", where, path);
    return status;
}

typedef tokperf_status (*read_item_fn)(struct reader *r, const struct tkp_yaml_node *node,
                                       const char *where, struct tokperf_error *error);

static tokperf_status read_list(struct reader *r, const char *key, enum tkp_yaml_kind item_kind,
                                read_item_fn read_item, struct tokperf_error *error)
{
    const struct tkp_yaml_node *list = tkp_yaml_get(r->yaml.root, key);
    if (list == NULL || (list->kind == TKP_YAML_SCALAR && tkp_yaml_is_null(list)))
        return TOKPERF_OK;
    if (list->kind != TKP_YAML_SEQ)
        return tkp_yaml_fail(&r->yaml, list, error, "%s: expected a list, found %s", key,
                             tkp_yaml_kind_name(list));
    unsigned index = 0;
    for (const struct tkp_yaml_node *node = list->first; node != NULL; node = node->next) {
        char where[64];
        snprintf(where, sizeof where, "%s[%u]", key, index++);
        if (node->kind != item_kind)
            return tkp_yaml_fail(&r->yaml, node, error, "%s: expected %s, found %s", where,
                                 item_kind == TKP_YAML_MAP ? "a mapping" : "text",
                                 tkp_yaml_kind_name(node));
        tokperf_status status = read_item(r, node, where, error);
        if (status != TOKPERF_OK)
            return status;
    }
    return TOKPERF_OK;
}

static tokperf_status check_top(struct reader *r, struct tokperf_error *error)
{
    static const char *const keys[] = {"schema", "plugins", "components", "includes", NULL};
    const struct tkp_yaml_node *root = r->yaml.root;
    if (root == NULL || root->kind != TKP_YAML_MAP)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s:1:1: a registry file is a mapping with schema, plugins and components",
                        r->path);
    tokperf_status status = tkp_yaml_check_keys(&r->yaml, root, "", keys, error);
    int64_t schema = 0;
    if (status == TOKPERF_OK)
        status = get_int(r, root, "the file", "schema", &schema, error);
    if (status != TOKPERF_OK)
        return status;
    if (schema != SCHEMA)
        return tkp_yaml_fail(&r->yaml, tkp_yaml_get(root, "schema"), error,
                             "schema: %lld is not known here, only %d; update tokperf",
                             (long long)schema, SCHEMA);
    const struct tkp_yaml_node *includes = tkp_yaml_get(root, "includes");
    if (includes != NULL && r->sink->include == NULL)
        return tkp_yaml_fail(&r->yaml, includes, error,
                             "includes: only a file that --registry names may include others");
    return TOKPERF_OK;
}

static tokperf_status read_tree(struct reader *r, struct tokperf_error *error)
{
    tokperf_status status = check_top(r, error);
    if (status == TOKPERF_OK)
        status = read_list(r, "plugins", TKP_YAML_MAP, read_plugin, error);
    if (status == TOKPERF_OK)
        status = read_list(r, "components", TKP_YAML_MAP, read_component, error);
    if (status == TOKPERF_OK && r->sink->include != NULL)
        status = read_list(r, "includes", TKP_YAML_SCALAR, read_include, error);
    return status;
}

tokperf_status tkp_fragment_read(const char *path, struct tkp_arena *arena,
                                 const struct tkp_fragment_sink *sink, struct tokperf_error *error)
{
    struct reader r = {.arena = arena, .sink = sink, .path = path};
    tokperf_status status = tkp_yaml_open(&r.yaml, path, error);
    if (status == TOKPERF_OK)
        status = read_tree(&r, error);
    tkp_yaml_close(&r.yaml);
    return status;
}

tokperf_status tkp_fragment_parse(const char *path, const char *data, size_t len,
                                  struct tkp_arena *arena, const struct tkp_fragment_sink *sink,
                                  struct tokperf_error *error)
{
    struct reader r = {.arena = arena, .sink = sink, .path = path};
    tokperf_status status = tkp_yaml_parse(&r.yaml, path, data, len, error);
    if (status == TOKPERF_OK)
        status = read_tree(&r, error);
    tkp_yaml_close(&r.yaml);
    return status;
}

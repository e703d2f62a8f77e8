/* SPDX-License-Identifier: Apache-2.0 */
/* A run's YAML file: from the envelope down to each option's value, which leaf.c reads. [main] */
#include <config/file.h>

#include <base/error.h>
#include <base/text.h>
#include <config/file_phases.h>
#include <config/leaf.h>
#include <ctype.h>
#include <string.h>

enum { KEY_BYTES = 96, PLACE_BYTES = 256 };

/* A section on the way down: its path in the option table, and as the file's reader sees it. */
struct place {
    char path[PLACE_BYTES];  /* "phases.warmup" */
    char where[PLACE_BYTES]; /* "benchmark.phases[0]" */
};

/* camelCase to snake_case; false when it is too long for any key. */
static bool fold_key(const char *key, char *out)
{
    size_t used = 0;
    for (; *key; key++) {
        if (used + 3 > KEY_BYTES)
            return false;
        if (isupper((unsigned char)*key))
            out[used++] = '_';
        out[used++] = (char)tolower((unsigned char)*key);
    }
    out[used] = '\0';
    return true;
}

static bool go_down(const struct place *from, const char *key, const char *shown, struct place *to)
{
    size_t path = tkp_text_copy(to->path, PLACE_BYTES, tkp_span(from->path));
    size_t where = tkp_text_copy(to->where, PLACE_BYTES, tkp_span(from->where));
    if (path + strlen(key) + 2 > PLACE_BYTES || where + strlen(shown) + 2 > PLACE_BYTES)
        return false;
    if (path)
        to->path[path++] = '.';
    to->where[where++] = '.';
    tkp_text_copy(to->path + path, PLACE_BYTES - path, tkp_span(key));
    tkp_text_copy(to->where + where, PLACE_BYTES - where, tkp_span(shown));
    return true;
}

static tokperf_status unknown(const struct tkp_file *file, const struct tkp_yaml_node *member,
                              const struct place *place)
{
    struct tkp_option_keys keys;
    if (!*place->path &&
        (strcmp(member->key, "random_seed") == 0 || strcmp(member->key, "plugins") == 0))
        return tkp_fail(
            file->error, TOKPERF_E_INVALID,
            "%s:%u:%u: unknown key '%s' in benchmark; it stands beside 'benchmark', not "
            "below it",
            file->yaml->name, member->key_line, member->key_column, member->key);
    tkp_options_keys(place->path, &keys);
    if (strncmp(place->path, "phases.", 7) == 0 && keys.count + 2 <= TKP_OPTION_MAX_KEYS) {
        keys.names[keys.count++] = "name";
        keys.names[keys.count++] = "kind";
        keys.names[keys.count] = NULL;
    }
    return tkp_yaml_unknown_key(file->yaml, member, place->where, keys.names, file->error);
}

static tokperf_status apply_phases(const struct tkp_file *file, const struct tkp_yaml_node *node);

static tokperf_status apply_section(const struct tkp_file *file, const struct tkp_yaml_node *map,
                                    const struct place *place);

static tokperf_status apply_member(const struct tkp_file *file, const struct tkp_yaml_node *n,
                                   const struct place *place)
{
    char key[KEY_BYTES];
    struct place below;
    if (!fold_key(n->key, key) || !go_down(place, key, n->key, &below))
        return unknown(file, n, place);
    if (strcmp(below.path, "phases") == 0)
        return apply_phases(file, n);
    bool is_section = tkp_options_is_section(below.path);
    if (is_section && n->kind == TKP_YAML_MAP)
        return apply_section(file, n, &below);
    const struct tkp_option *option = tkp_options_by_path(below.path);
    if (option && !(option->flags & TKP_OPTION_ENVELOPE))
        return tkp_leaf_apply(file, option, n, below.where);
    if (is_section)
        return tkp_yaml_fail(file->yaml, n, file->error, "%s: expected a mapping, found %s",
                             below.where, tkp_yaml_kind_name(n));
    return unknown(file, n, place);
}

/* `name` and `kind` of a phase are read before the rest of it. */
static bool is_phase_label(const struct place *place, const char *key)
{
    return strncmp(place->path, "phases.", 7) == 0 &&
           (strcmp(key, "name") == 0 || strcmp(key, "kind") == 0);
}

static tokperf_status apply_section(const struct tkp_file *file, const struct tkp_yaml_node *map,
                                    const struct place *place)
{
    tokperf_status status = TOKPERF_OK;
    for (const struct tkp_yaml_node *n = map->first; n && !status; n = n->next)
        if (!is_phase_label(place, n->key))
            status = apply_member(file, n, place);
    return status;
}

static tokperf_status apply_phase(const struct tkp_file *file, const struct tkp_yaml_node *node,
                                  const char *where)
{
    struct tkp_phase_settings *phase;
    struct place place;
    tokperf_status status = tkp_file_phase_begin(file, node, where, &phase);
    if (status)
        return status;
    struct tkp_file inner = *file;
    inner.settings = &phase->values;
    tkp_text_copy(place.path, PLACE_BYTES,
                  tkp_span(phase->is_warmup ? "phases.warmup" : "phases.profiling"));
    tkp_text_copy(place.where, PLACE_BYTES, tkp_span(where));
    status = apply_section(&inner, node, &place);
    return status ? status : tkp_file_phase_end(file, phase);
}

static tokperf_status apply_phases(const struct tkp_file *file, const struct tkp_yaml_node *node)
{
    tokperf_status status = TOKPERF_OK;
    uint32_t index = 0;
    if (node->kind == TKP_YAML_SCALAR)
        return tkp_yaml_fail(file->yaml, node, file->error,
                             "benchmark.phases: expected a list or mapping, found %s",
                             tkp_yaml_kind_name(node));
    for (const struct tkp_yaml_node *n = node->first; n && !status; n = n->next) {
        const char *where =
            node->kind == TKP_YAML_SEQ
                ? tkp_arena_printf(file->settings->arena, "benchmark.phases[%u]", index++)
                : tkp_arena_printf(file->settings->arena, "benchmark.phases.%s", n->key);
        status = apply_phase(file, n, where ? where : "benchmark.phases");
    }
    return status;
}

static tokperf_status unknown_envelope(const struct tkp_file *file, const struct tkp_yaml_node *n)
{
    static const char *const known[] = {"schemaVersion", "random_seed", "benchmark", "plugins",
                                        NULL};
    char key[KEY_BYTES];
    struct tkp_option_keys keys;
    tkp_options_keys("", &keys);
    for (size_t i = 0; fold_key(n->key, key) && i < keys.count; i++)
        if (strcmp(keys.names[i], key) == 0)
            return tkp_fail(file->error, TOKPERF_E_INVALID,
                            "%s:%u:%u: unknown key '%s'; it belongs below 'benchmark'",
                            file->yaml->name, n->key_line, n->key_column, n->key);
    return tkp_yaml_unknown_key(file->yaml, n, "", known, file->error);
}

static tokperf_status apply_version(const struct tkp_file *file, const struct tkp_yaml_node *n)
{
    /* The shape's version in AIPerf, whose files are to be read here. */
    if (n->kind == TKP_YAML_SCALAR && strcmp(n->text, "2.0") == 0)
        return TOKPERF_OK;
    return tkp_yaml_fail(file->yaml, n, file->error, "%s: expected \"2.0\", found %s", n->key,
                         n->text ? n->text : tkp_yaml_kind_name(n));
}

static tokperf_status apply_envelope(const struct tkp_file *file, const struct tkp_yaml_node *n)
{
    const struct place benchmark = {.path = "", .where = "benchmark"};
    char key[KEY_BYTES];
    if (!fold_key(n->key, key))
        return unknown_envelope(file, n);
    if (strcmp(key, "schema_version") == 0)
        return apply_version(file, n);
    if (strcmp(key, "random_seed") == 0)
        return tkp_leaf_apply(file, tkp_options_row(TKP_OPT_SEED), n, n->key);
    if (strcmp(key, "plugins") == 0)
        return tkp_leaf_apply_plugins(file, n);
    if (strcmp(key, "benchmark") != 0)
        return unknown_envelope(file, n);
    if (n->kind != TKP_YAML_MAP)
        return tkp_yaml_fail(file->yaml, n, file->error, "benchmark: expected a mapping, found %s",
                             tkp_yaml_kind_name(n));
    return apply_section(file, n, &benchmark);
}

static tokperf_status apply_tree(const struct tkp_file *file)
{
    const struct tkp_yaml_node *root = file->yaml->root;
    tokperf_status status = TOKPERF_OK;
    if (!root || root->kind != TKP_YAML_MAP)
        return tkp_fail(file->error, TOKPERF_E_INVALID,
                        "%s:1:1: expected a mapping with 'benchmark:', found %s", file->yaml->name,
                        root ? tkp_yaml_kind_name(root) : "nothing");
    for (const struct tkp_yaml_node *n = root->first; n && !status; n = n->next)
        status = apply_envelope(file, n);
    return status;
}

tokperf_status tkp_file_apply(const char *path, const char *const *environment,
                              struct tkp_settings *settings, struct tokperf_error *error)
{
    struct tkp_yaml yaml;
    tokperf_status status = tkp_yaml_open(&yaml, path, error);
    struct tkp_file file = {&yaml, environment, settings, error};
    if (!status)
        status = apply_tree(&file);
    tkp_yaml_close(&yaml);
    return status;
}

tokperf_status tkp_file_apply_text(const char *name, const char *data, size_t len,
                                   const char *const *environment, struct tkp_settings *settings,
                                   struct tokperf_error *error)
{
    struct tkp_yaml yaml;
    tokperf_status status = tkp_yaml_parse(&yaml, name, data, len, error);
    struct tkp_file file = {&yaml, environment, settings, error};
    if (!status)
        status = apply_tree(&file);
    tkp_yaml_close(&yaml);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One option's value in a YAML file. Structure above it is in file.c. [main] */
#include <config/leaf.h>

#include <base/error.h>
#include <string.h>

static const char *origin_of(const struct tkp_file *file, const struct tkp_yaml_node *node,
                             const char *where)
{
    const char *origin = tkp_arena_printf(file->settings->arena, "%s:%u:%u: %s", file->yaml->name,
                                          node->line, node->column, where);
    return origin ? origin : where;
}

static tokperf_status wrong_kind(const struct tkp_file *file, const struct tkp_yaml_node *node,
                                 const char *where, const char *expected)
{
    return tkp_yaml_fail(file->yaml, node, file->error, "%s: expected %s, found %s", where,
                         expected, tkp_yaml_kind_name(node));
}

/* A scalar's text with ${} replaced, as the option's reader takes it. */
static tokperf_status scalar_text(const struct tkp_file *file, const struct tkp_option *option,
                                  const struct tkp_yaml_node *node, const char *where,
                                  const char **text)
{
    int64_t integer;
    tokperf_status status = tkp_environment_expand(file->environment, node->text,
                                                   file->settings->arena, text, file->error);
    if (status) {
        tkp_error_prefix(file->error, "%s", origin_of(file, node, where));
        return status;
    }
    struct tkp_yaml_node expanded = *node;
    expanded.text = *text;
    if (tkp_yaml_is_null(&expanded))
        return wrong_kind(file, &expanded, where, "a value");
    if (option && option->type == TKP_TYPE_INTEGER && tkp_yaml_to_int(&expanded, &integer))
        *text = tkp_arena_printf(file->settings->arena, "%lld", (long long)integer);
    return *text ? TOKPERF_OK : tkp_fail(file->error, TOKPERF_E_NO_MEMORY, "no memory for a file");
}

static tokperf_status apply_list(const struct tkp_file *file, const struct tkp_option *option,
                                 const struct tkp_yaml_node *node, const char *where)
{
    if (!node->count)
        return tkp_yaml_fail(file->yaml, node, file->error, "%s: the list is empty", where);
    for (const struct tkp_yaml_node *n = node->first; n; n = n->next) {
        const char *text;
        if (n->kind != TKP_YAML_SCALAR)
            return wrong_kind(file, n, where, "text in the list");
        tokperf_status status = scalar_text(file, option, n, where, &text);
        if (!status)
            status = tkp_settings_add_value(file->settings, option, TKP_LAYER_FILE,
                                            origin_of(file, n, where), text, file->error);
        if (status)
            return status;
    }
    return TOKPERF_OK;
}

static tokperf_status apply_map(const struct tkp_file *file, const struct tkp_option *option,
                                const struct tkp_yaml_node *node, const char *where)
{
    for (const struct tkp_yaml_node *n = node->first; n; n = n->next) {
        const char *text;
        const char *place = tkp_arena_printf(file->settings->arena, "%s.%s", where, n->key);
        place = place ? place : where;
        tokperf_status status;
        if (option->type == TKP_TYPE_JSON)
            status = tkp_leaf_to_json(file, n, &text);
        else if (n->kind != TKP_YAML_SCALAR)
            return wrong_kind(file, n, place, "one value");
        else
            status = scalar_text(file, option, n, place, &text);
        if (!status)
            status = tkp_settings_add_member(file->settings, option, TKP_LAYER_FILE,
                                             origin_of(file, n, place), n->key, text, file->error);
        if (status)
            return status;
    }
    return TOKPERF_OK;
}

static bool is_number(const struct tkp_option *option)
{
    return option->type == TKP_TYPE_INTEGER || option->type == TKP_TYPE_NUMBER ||
           option->type == TKP_TYPE_DURATION;
}

tokperf_status tkp_leaf_apply(const struct tkp_file *file, const struct tkp_option *option,
                              const struct tkp_yaml_node *node, const char *where)
{
    const char *text;
    const struct tkp_setting *before = tkp_settings_given(file->settings, option->id);
    if (before) /* under another spelling: the same key twice is the YAML reader's error */
        return tkp_yaml_fail(file->yaml, node, file->error, "%s: given twice, first at %s", where,
                             before->origin);
    if (option->flags & TKP_OPTION_MAP)
        return node->kind == TKP_YAML_MAP ? apply_map(file, option, node, where)
                                          : wrong_kind(file, node, where, "a mapping");
    if (option->flags & TKP_OPTION_LIST && node->kind == TKP_YAML_SEQ)
        return apply_list(file, option, node, where);
    if (node->kind == TKP_YAML_SEQ && is_number(option))
        return wrong_kind(file, node, where,
                          "one value (sweeps are not supported, run once for each)");
    if (node->kind != TKP_YAML_SCALAR)
        return wrong_kind(file, node, where, "one value");
    tokperf_status status = scalar_text(file, option, node, where, &text);
    if (status)
        return status;
    return tkp_settings_add_value(file->settings, option, TKP_LAYER_FILE,
                                  origin_of(file, node, where), text, file->error);
}

static tokperf_status apply_setting(const struct tkp_file *file, const char *component,
                                    const char *key, const struct tkp_yaml_node *node)
{
    const struct tkp_option *option = tkp_options_row(TKP_OPT_SET);
    struct tkp_arena *arena = file->settings->arena;
    const char *name = tkp_arena_printf(arena, "%s.%s", component, key);
    const char *where = tkp_arena_printf(arena, "plugins.%s.%s", component, key);
    const char *text;
    if (!name || !where)
        return tkp_fail(file->error, TOKPERF_E_NO_MEMORY, "no memory for a file");
    if (strchr(key, '.'))
        return tkp_yaml_fail(file->yaml, node, file->error, "%s: a dot in the key '%s'", where,
                             key);
    if (node->kind != TKP_YAML_SCALAR)
        return wrong_kind(file, node, where, "one value or a list of them");
    tokperf_status status = scalar_text(file, option, node, where, &text);
    if (status)
        return status;
    return tkp_settings_add_member(file->settings, option, TKP_LAYER_FILE,
                                   origin_of(file, node, where), name, text, file->error);
}

static tokperf_status apply_component(const struct tkp_file *file,
                                      const struct tkp_yaml_node *component)
{
    tokperf_status status = TOKPERF_OK;
    for (const struct tkp_yaml_node *n = component->first; n && !status; n = n->next) {
        if (n->kind != TKP_YAML_SEQ) {
            status = apply_setting(file, component->key, n->key, n);
            continue;
        }
        for (const struct tkp_yaml_node *item = n->first; item && !status; item = item->next)
            status = apply_setting(file, component->key, n->key, item);
    }
    return status;
}

tokperf_status tkp_leaf_apply_plugins(const struct tkp_file *file, const struct tkp_yaml_node *node)
{
    if (node->kind != TKP_YAML_MAP)
        return wrong_kind(file, node, "plugins", "a mapping of component names");
    for (const struct tkp_yaml_node *n = node->first; n; n = n->next) {
        if (n->kind != TKP_YAML_MAP)
            return tkp_yaml_fail(file->yaml, n, file->error,
                                 "plugins.%s: expected a mapping of options, found %s", n->key,
                                 tkp_yaml_kind_name(n));
        tokperf_status status = apply_component(file, n);
        if (status)
            return status;
    }
    return TOKPERF_OK;
}

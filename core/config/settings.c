/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was given for each option, merged by layer. How one text holds several members of a map is
 * in members.c, what a single value means in value.c. [main]
 */
#include <config/settings.h>

#include <base/error.h>
#include <config/members.h>
#include <config/value.h>
#include <string.h>
#include <strings.h>

enum { MAX_VALUES = 1024 }; /* of one option: bounds every walk over them */

static tokperf_status no_memory(struct tokperf_error *error)
{
    return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the configuration");
}

static struct tkp_setting *make(struct tkp_settings *settings, enum tkp_layer layer,
                                const char *origin, const char *key, const char *text)
{
    struct tkp_setting *made = tkp_arena_alloc(settings->arena, sizeof *made);
    if (!made)
        return NULL;
    made->layer = layer;
    made->origin = tkp_arena_copy(settings->arena, origin, strlen(origin));
    made->text = tkp_arena_copy(settings->arena, text, strlen(text));
    if (key)
        made->key = tkp_arena_copy(settings->arena, key, strlen(key));
    return made->origin && made->text && (!key || made->key) ? made : NULL;
}

static tokperf_status append(struct tkp_settings *settings, const struct tkp_option *option,
                             struct tkp_setting *made, struct tokperf_error *error)
{
    struct tkp_setting **end = &settings->first[option->id];
    uint32_t count = 0;
    for (; *end; end = &(*end)->next)
        count++;
    if (count == MAX_VALUES)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: more than 1024 values", made->origin);
    *end = made;
    return TOKPERF_OK;
}

tokperf_status tkp_settings_add_value(struct tkp_settings *settings,
                                      const struct tkp_option *option, enum tkp_layer layer,
                                      const char *origin, const char *text,
                                      struct tokperf_error *error)
{
    struct tkp_setting *made = make(settings, layer, origin, NULL, text);
    if (!made)
        return no_memory(error);
    tokperf_status status = tkp_value_read(option, made, error);
    if (status)
        return status;
    struct tkp_setting **first = &settings->first[option->id];
    if (*first && (*first)->layer < layer)
        *first = NULL;
    if (*first && !(option->flags & TKP_OPTION_LIST))
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: given twice, first by %s", origin,
                        (*first)->origin);
    return append(settings, option, made, error);
}

static bool is_same_key(const struct tkp_option *option, const char *a, const char *b)
{
    return option->id == TKP_OPT_HEADERS ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

static bool holds_key(const struct tkp_settings *settings, const struct tkp_option *option,
                      enum tkp_layer layer, const char *key)
{
    for (const struct tkp_setting *s = settings->first[option->id]; s; s = s->next)
        if (s->layer == layer && is_same_key(option, s->key, key))
            return true;
    return false;
}

/* Takes out members that the new one replaces. Plugin settings of one layer may repeat a key: only
 * the component knows whether it is a list. */
static void remove_replaced(struct tkp_settings *settings, const struct tkp_option *option,
                            enum tkp_layer layer, const char *key)
{
    struct tkp_setting **at = &settings->first[option->id];
    while (*at) {
        bool repeats = option->id == TKP_OPT_SET && (*at)->layer == layer;
        if (is_same_key(option, (*at)->key, key) && !repeats)
            *at = (*at)->next;
        else
            at = &(*at)->next;
    }
}

tokperf_status tkp_settings_add_member(struct tkp_settings *settings,
                                       const struct tkp_option *option, enum tkp_layer layer,
                                       const char *origin, const char *key, const char *text,
                                       struct tokperf_error *error)
{
    tokperf_status status = tkp_members_check_key(option, origin, key, error);
    if (status)
        return status;
    struct tkp_setting *made = make(settings, layer, origin, key, text);
    if (!made)
        return no_memory(error);
    status = tkp_value_read(option, made, error);
    if (status)
        return status;
    if (option->id == TKP_OPT_SLOS && holds_key(settings, option, layer, key))
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: '%s' is given twice", origin, key);
    remove_replaced(settings, option, layer, key);
    return append(settings, option, made, error);
}

/* "a,b": items of a list. */
static tokperf_status add_items(struct tkp_settings *settings, const struct tkp_option *option,
                                enum tkp_layer layer, const char *origin, const char *text,
                                struct tokperf_error *error)
{
    for (const char *p = text;; p++) {
        size_t len = strcspn(p, ",");
        const char *item = tkp_arena_copy(settings->arena, p, len);
        tokperf_status status =
            item ? tkp_settings_add_value(settings, option, layer, origin, item, error)
                 : no_memory(error);
        p += len;
        if (status || !*p)
            return status;
    }
}

tokperf_status tkp_settings_add(struct tkp_settings *settings, const struct tkp_option *option,
                                enum tkp_layer layer, const char *origin, const char *text,
                                struct tokperf_error *error)
{
    if (option->flags & TKP_OPTION_MAP)
        return tkp_members_add(settings, option, layer, origin, text, error);
    bool is_path = option->id == TKP_OPT_PLUGIN_FILES || option->id == TKP_OPT_REGISTRY_FILES;
    bool is_mock = option->id == TKP_OPT_URL && strncmp(text, "mock:", 5) == 0;
    bool has_commas = option->id == TKP_OPT_RESOLVE || option->id == TKP_OPT_COLLECTORS;
    if (option->flags & TKP_OPTION_LIST && !is_path && !is_mock && !has_commas)
        return add_items(settings, option, layer, origin, text, error);
    return tkp_settings_add_value(settings, option, layer, origin, text, error);
}

tokperf_status tkp_settings_init(struct tkp_settings *settings, struct tkp_arena *arena,
                                 struct tokperf_error *error)
{
    *settings = (struct tkp_settings){.arena = arena};
    const struct tkp_option *row;
    tokperf_status status = TOKPERF_OK;
    for (size_t i = 0; !status && (row = tkp_options_at(i)); i++)
        if (row->fallback)
            status =
                tkp_settings_add(settings, row, TKP_LAYER_DEFAULT, "default", row->fallback, error);
    return status;
}

const struct tkp_setting *tkp_settings_get(const struct tkp_settings *settings,
                                           enum tkp_option_id id)
{
    return settings->first[id];
}

const struct tkp_setting *tkp_settings_given(const struct tkp_settings *settings,
                                             enum tkp_option_id id)
{
    const struct tkp_setting *first = settings->first[id];
    return first && first->layer > TKP_LAYER_DEFAULT ? first : NULL;
}

bool tkp_settings_bool(const struct tkp_settings *settings, enum tkp_option_id id)
{
    return settings->first[id] && settings->first[id]->boolean;
}

double tkp_settings_number(const struct tkp_settings *settings, enum tkp_option_id id)
{
    return settings->first[id] ? settings->first[id]->number : 0;
}

int64_t tkp_settings_integer(const struct tkp_settings *settings, enum tkp_option_id id)
{
    return settings->first[id] ? settings->first[id]->integer : 0;
}

uint64_t tkp_settings_ns(const struct tkp_settings *settings, enum tkp_option_id id)
{
    return settings->first[id] ? settings->first[id]->duration_ns : 0;
}

uint32_t tkp_settings_choice(const struct tkp_settings *settings, enum tkp_option_id id)
{
    return settings->first[id] ? settings->first[id]->choice : 0;
}

const char *tkp_settings_text(const struct tkp_settings *settings, enum tkp_option_id id)
{
    return settings->first[id] ? settings->first[id]->text : NULL;
}

uint32_t tkp_settings_count(const struct tkp_settings *settings, enum tkp_option_id id)
{
    uint32_t count = 0;
    for (const struct tkp_setting *s = settings->first[id]; s; s = s->next)
        count++;
    return count;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Variables of the environment, as options and inside a file. Reads what it is given, never the
 * process's own. [main] */
#include <config/environment.h>

#include <base/buffer.h>
#include <base/error.h>
#include <base/text.h>
#include <string.h>

enum { VARIABLE_BYTES = 96, MAX_EXPANDED_BYTES = 1 << 20 };

static const char prefix[] = "TOKPERF_";
/* The plugin registry's own, see docs/plugins.md. */
static const char *const reserved[] = {"TOKPERF_PLUGIN_PATH", "TOKPERF_NO_DEFAULT_PLUGINS"};

struct names {
    char text[2 * TKP_OPT_COUNT + 2][VARIABLE_BYTES];
    const char *list[2 * TKP_OPT_COUNT + 3];
};

static const struct tkp_option *find(const char *name)
{
    const struct tkp_option *row;
    char variable[VARIABLE_BYTES];
    for (size_t i = 0; (row = tkp_options_at(i)); i++) {
        if (!row->path)
            continue;
        tkp_options_variable(row->path, variable, sizeof variable);
        if (strcmp(variable, name) == 0)
            return row;
        if (row->path_alias)
            tkp_options_variable(row->path_alias, variable, sizeof variable);
        if (strcmp(variable, name) == 0)
            return row;
    }
    return NULL;
}

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (strcmp(name, reserved[i]) == 0)
            return true;
    return false;
}

static tokperf_status unknown(const char *name, struct tkp_arena *arena,
                              struct tokperf_error *error)
{
    struct names *names = tkp_arena_alloc(arena, sizeof *names);
    if (!names)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the environment");
    size_t n = 0;
    const struct tkp_option *row;
    for (size_t i = 0; (row = tkp_options_at(i)); i++)
        if (row->path) {
            tkp_options_variable(row->path, names->text[n], VARIABLE_BYTES);
            names->list[n] = names->text[n] + sizeof prefix - 1;
            n++;
        }
    names->list[n++] = reserved[0] + sizeof prefix - 1;
    names->list[n++] = reserved[1] + sizeof prefix - 1;
    /* what all of them begin with makes no name close */
    const char *closest = tkp_text_closest(name + sizeof prefix - 1, names->list);
    return tkp_fail(error, TOKPERF_E_INVALID, "%.128s: unknown variable%s%s%s", name,
                    closest ? "; did you mean 'TOKPERF_" : "", closest ? closest : "",
                    closest ? "'?" : "; unset it or see docs/cli.md for the names");
}

static tokperf_status apply_one(const char *pair, struct tkp_settings *settings,
                                struct tokperf_error *error)
{
    size_t len = strcspn(pair, "=");
    const char *name = tkp_arena_copy(settings->arena, pair, len);
    if (!name)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the environment");
    if (is_reserved(name))
        return TOKPERF_OK;
    const struct tkp_option *option = find(name);
    if (!option)
        return unknown(name, settings->arena, error);
    return tkp_settings_add(settings, option, TKP_LAYER_ENVIRONMENT, name,
                            pair[len] ? pair + len + 1 : "", error);
}

const char *tkp_environment_get(const char *const *environment, const char *name, size_t name_len)
{
    for (const char *const *p = environment; p && *p; p++)
        if (strncmp(*p, name, name_len) == 0 && (*p)[name_len] == '=')
            return *p + name_len + 1;
    return NULL;
}

tokperf_status tkp_environment_apply(const char *const *environment, struct tkp_settings *settings,
                                     struct tokperf_error *error)
{
    tokperf_status status = TOKPERF_OK;
    for (const char *const *p = environment; !status && p && *p; p++)
        if (strncmp(*p, prefix, sizeof prefix - 1) == 0)
            status = apply_one(*p, settings, error);
    return status;
}

/* One ${NAME} or ${NAME:default} at p (behind the brace). Returns its end behind '}', or NULL. */
static const char *expand_one(const char *const *environment, const char *p, struct tkp_buffer *out,
                              struct tokperf_error *error)
{
    size_t len = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    size_t rest = strcspn(p + len, "}");
    bool has_default = p[len] == ':';
    if (!len || (p[0] >= '0' && p[0] <= '9') || !p[len + rest] || (rest && !has_default)) {
        (void)tkp_fail(error, TOKPERF_E_INVALID,
                       "'${' without NAME} or NAME:default} behind it; write $${ for the text ${");
        return NULL;
    }
    const char *value = tkp_environment_get(environment, p, len);
    if (value)
        tkp_buffer_puts(out, value);
    else if (has_default)
        tkp_buffer_append(out, p + len + 1, rest - 1);
    else {
        (void)tkp_fail(error, TOKPERF_E_INVALID,
                       "the variable %.*s is not set; set it, or write ${%.*s:default}", (int)len,
                       p, (int)len, p);
        return NULL;
    }
    return p + len + rest + 1;
}

tokperf_status tkp_environment_expand(const char *const *environment, const char *text,
                                      struct tkp_arena *arena, const char **out,
                                      struct tokperf_error *error)
{
    struct tkp_buffer expanded;
    tokperf_status status = TOKPERF_OK;
    *out = text;
    if (!strstr(text, "${"))
        return TOKPERF_OK;
    tkp_buffer_init(&expanded, MAX_EXPANDED_BYTES);
    for (const char *p = text; p && *p;) {
        if (strncmp(p, "$${", 3) == 0) {
            tkp_buffer_puts(&expanded, "${");
            p += 3;
        } else if (strncmp(p, "${", 2) == 0) {
            p = expand_one(environment, p + 2, &expanded, error);
            status = p ? TOKPERF_OK : TOKPERF_E_INVALID;
        } else {
            tkp_buffer_append(&expanded, p++, 1);
        }
    }
    *out = tkp_arena_copy(arena, tkp_buffer_text(&expanded), expanded.len);
    if (!status && (!*out || expanded.failed))
        status = tkp_fail(error, TOKPERF_E_LIMIT, "more than 1 MiB after ${} was replaced");
    tkp_buffer_finish(&expanded);
    return status;
}

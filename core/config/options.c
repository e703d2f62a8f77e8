/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up in the option table. The rows are in options_<group>.c. Constant. */
#include <config/options.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct tkp_option_rows *const groups[] = {
    &tkp_options_endpoint, &tkp_options_connection, &tkp_options_transport,
    &tkp_options_server,   &tkp_options_load,       &tkp_options_dataset,
    &tkp_options_token,    &tkp_options_output,     &tkp_options_verdict};
enum { GROUP_FILES = sizeof groups / sizeof groups[0] };

const struct tkp_option *tkp_options_at(size_t index)
{
    for (size_t g = 0; g < GROUP_FILES; g++) {
        if (index < groups[g]->count)
            return &groups[g]->rows[index];
        index -= groups[g]->count;
    }
    return NULL;
}

const struct tkp_option *tkp_options_row(enum tkp_option_id id)
{
    const struct tkp_option *row = tkp_options_at(0);
    for (size_t i = 0; row && row->id != id; i++)
        row = tkp_options_at(i + 1);
    return row;
}

static bool has_flag(const struct tkp_option *row, const char *flag)
{
    if (row->flag && strcmp(row->flag, flag) == 0)
        return true;
    if (row->short_flag && flag[0] == '-' && flag[1] == row->short_flag && !flag[2])
        return true;
    for (size_t i = 0; row->aliases[i]; i++)
        if (strcmp(row->aliases[i], flag) == 0)
            return true;
    return false;
}

const struct tkp_option *tkp_options_by_flag(const char *flag)
{
    const struct tkp_option *row;
    for (size_t i = 0; (row = tkp_options_at(i)); i++)
        if (has_flag(row, flag))
            return row;
    return NULL;
}

const struct tkp_option *tkp_options_by_path(const char *path)
{
    const struct tkp_option *row;
    for (size_t i = 0; (row = tkp_options_at(i)); i++)
        if ((row->path && strcmp(row->path, path) == 0) ||
            (row->path_alias && strcmp(row->path_alias, path) == 0))
            return row;
    return NULL;
}

void tkp_options_flags(struct tkp_option_flags_list *list)
{
    const struct tkp_option *row;
    size_t n = 0;
    for (size_t i = 0; (row = tkp_options_at(i)); i++) {
        if (row->flag && n < TKP_OPTION_MAX_FLAGS)
            list->names[n++] = row->flag;
        for (size_t a = 0; row->aliases[a] && n < TKP_OPTION_MAX_FLAGS; a++)
            list->names[n++] = row->aliases[a];
    }
    list->names[n] = NULL;
}

/* What follows prefix and its dot in path, or NULL when path is not below prefix. */
static const char *below(const char *path, const char *prefix)
{
    size_t len = strlen(prefix);
    if (!path || strncmp(path, prefix, len) != 0)
        return NULL;
    if (!len)
        return path;
    return path[len] == '.' ? path + len + 1 : NULL;
}

bool tkp_options_is_section(const char *prefix)
{
    const struct tkp_option *row;
    for (size_t i = 0; (row = tkp_options_at(i)); i++)
        if (below(row->path, prefix))
            return true;
    return false;
}

static void add_key(struct tkp_option_keys *keys, const char *rest)
{
    size_t len = rest ? strcspn(rest, ".") : 0;
    if (!len || len >= TKP_OPTION_KEY_BYTES || keys->count == TKP_OPTION_MAX_KEYS)
        return;
    char *text = keys->text[keys->count];
    memcpy(text, rest, len);
    text[len] = '\0';
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->names[i], text) == 0)
            return;
    keys->names[keys->count++] = text;
    keys->names[keys->count] = NULL;
}

void tkp_options_keys(const char *prefix, struct tkp_option_keys *keys)
{
    const struct tkp_option *row;
    keys->count = 0;
    keys->names[0] = NULL;
    for (size_t i = 0; (row = tkp_options_at(i)); i++) {
        if (row->flags & TKP_OPTION_ENVELOPE)
            continue;
        add_key(keys, below(row->path, prefix));
        add_key(keys, below(row->path_alias, prefix));
    }
}

const char *tkp_options_group_title(enum tkp_option_group group)
{
    static const char *const titles[TKP_GROUP_COUNT] = {
        "Endpoint", "Connections",  "Server control", "Load",    "Warm-up",
        "Dataset",  "Token counts", "Output",         "Verdict", "Configuration and plugins"};
    return titles[group];
}

static void join_choices(const struct tkp_option *option, char *out, size_t capacity)
{
    size_t used = 0;
    for (size_t i = 0; option->choices[i] && used < capacity; i++) {
        int n = snprintf(out + used, capacity - used, "%s%s", i ? "|" : "", option->choices[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

void tkp_options_value_name(const struct tkp_option *option, char *out, size_t capacity)
{
    const char *name = option->value;
    if (option->type == TKP_TYPE_CHOICE) {
        join_choices(option, out, capacity);
        return;
    }
    if (!name)
        switch (option->type) {
        case TKP_TYPE_INTEGER:
            name = "N";
            break;
        case TKP_TYPE_NUMBER:
            name = "X";
            break;
        case TKP_TYPE_DURATION:
            name = "SECONDS";
            break;
        case TKP_TYPE_TEXT:
        case TKP_TYPE_JSON:
            name = "TEXT";
            break;
        case TKP_TYPE_BOOLEAN:
        case TKP_TYPE_CHOICE:
            name = "";
            break;
        }
    snprintf(out, capacity, "%s", name ? name : "");
}

void tkp_options_variable(const char *path, char *out, size_t capacity)
{
    size_t used = (size_t)snprintf(out, capacity, "%s", "TOKPERF_");
    for (const char *p = path; *p && used + 2 < capacity; p++) {
        if (*p == '.')
            out[used++] = '_';
        out[used++] = *p == '.' ? '_' : (char)toupper((unsigned char)*p);
    }
    if (used < capacity)
        out[used] = '\0';
}

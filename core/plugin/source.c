/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of plugin folders. The current directory is never one of them, and a secure-exec process
 * does not look at the environment.
 */
#include <plugin/source.h>

#include <base/log.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Relative to the executable's folder, or absolute; computed when the build was configured. */
#ifndef TKP_INSTALLED_PLUGINS
#error "the build defines TKP_INSTALLED_PLUGINS and TKP_SYSTEM_DROPINS"
#endif
static const char build_tree_plugins[] = "../lib/tokperf/plugins/1"; /* plugins/CMakeLists.txt */
static const char build_tree_marker[] = ".build-tree";
static const char local_plugins[] = "/usr/local/lib/tokperf/plugins/1";

struct search {
    const struct tkp_source_place *place;
    struct tkp_arena *arena;
    struct tkp_source_list *list;
};

static const char *variable(const struct search *s, const char *name)
{
    size_t len = strlen(name);
    const char *const *env = s->place->is_secure ? NULL : s->place->environment;
    for (; env != NULL && *env != NULL; env++)
        if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
            return *env + len + 1;
    return NULL;
}

static bool is_listed(const struct tkp_source_list *list, const char *path)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].path, path) == 0)
            return true;
    return false;
}

void tkp_source_add(struct tkp_source_list *list, const char *name, const char *path, bool exists)
{
    if (list->count == TKP_SOURCES_MAX) {
        tkp_log(TKP_LOG_WARNING, "%s is not searched for plugins: there are more than %d places",
                path, TKP_SOURCES_MAX);
        return;
    }
    list->items[list->count++] = (struct tkp_registry_source){name, path, exists};
}

/* A folder by its real path, so that one reached by two names is listed once. */
static void add_folder(struct search *s, const char *name, const char *path)
{
    char real[PATH_MAX];
    bool exists = realpath(path, real) != NULL;
    const char *shown = exists ? real : path;
    if (is_listed(s->list, shown))
        return;
    const char *copy = tkp_arena_copy(s->arena, shown, strlen(shown));
    if (copy != NULL)
        tkp_source_add(s->list, name, copy, exists);
}

static void add_search_path(struct search *s, const char *name, const char *value)
{
    while (*value != '\0') {
        size_t len = strcspn(value, ":");
        char folder[PATH_MAX];
        int need =
            snprintf(folder, sizeof folder, "%.*s", (int)(len < PATH_MAX ? len : PATH_MAX), value);
        if (folder[0] != '/' || need >= (int)sizeof folder)
            tkp_log(TKP_LOG_WARNING, "%s: '%.64s' is left out: only absolute folders are searched",
                    name, folder);
        else
            add_folder(s, name, folder);
        value += len + (value[len] == ':' ? 1 : 0);
    }
}

/* $variable/below, or $HOME/fallback/below. Relative values are ignored (XDG base directories). */
static void add_xdg(struct search *s, const char *name, const char *fallback, const char *below)
{
    const char *base = variable(s, name);
    const char *middle = "";
    if (base == NULL || base[0] != '/') {
        base = variable(s, "HOME");
        middle = fallback;
    }
    char path[PATH_MAX];
    if (base == NULL || base[0] != '/' ||
        snprintf(path, sizeof path, "%s%s/%s", base, middle, below) >= (int)sizeof path)
        return;
    add_folder(s, name, path);
}

/* Joins a path that may climb, and climbs where it does, so that messages read well. */
static bool from_program(const struct search *s, const char *relative, char out[PATH_MAX])
{
    if (relative[0] == '/')
        return snprintf(out, PATH_MAX, "%s", relative) < PATH_MAX;
    if (s->place->program_dir[0] != '/' ||
        snprintf(out, PATH_MAX, "%s", s->place->program_dir) >= PATH_MAX)
        return false;
    while (strncmp(relative, "../", 3) == 0) {
        char *slash = strrchr(out, '/');
        if (slash == NULL)
            return false;
        *slash = '\0';
        relative += 3;
    }
    size_t used = strlen(out);
    return snprintf(out + used, PATH_MAX - used, "/%s", relative) < (int)(PATH_MAX - used);
}

static bool is_build_tree(const char *folder)
{
    char marker[PATH_MAX];
    if (snprintf(marker, sizeof marker, "%s/%s", folder, build_tree_marker) >= (int)sizeof marker)
        return false;
    return access(marker, F_OK) == 0;
}

const char *tkp_source_program_dir(struct tkp_arena *arena)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path);
    if (len <= 0 || len >= (ssize_t)sizeof path)
        return "";
    path[len] = '\0';
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return "";
    const char *copy = tkp_arena_copy(arena, path, (size_t)(slash - path));
    return copy != NULL ? copy : "";
}

void tkp_source_search(const struct tkp_source_place *place, struct tkp_arena *arena,
                       struct tkp_source_list *list)
{
    struct search s = {place, arena, list};
    char path[PATH_MAX];
    const char *only = variable(&s, "TOKPERF_NO_DEFAULT_PLUGINS");
    bool with_defaults = only == NULL || strcmp(only, "1") != 0;
    if (with_defaults) {
        const char *folders = variable(&s, "TOKPERF_PLUGIN_PATH");
        if (folders != NULL)
            add_search_path(&s, "TOKPERF_PLUGIN_PATH", folders);
        add_xdg(&s, "XDG_CONFIG_HOME", "/.config", "tokperf/plugins.d");
        add_xdg(&s, "XDG_DATA_HOME", "/.local/share", "tokperf/plugins/1");
        if (from_program(&s, TKP_SYSTEM_DROPINS, path))
            add_folder(&s, "system", path);
        add_folder(&s, "local", local_plugins);
    }
    if (from_program(&s, build_tree_plugins, path) && is_build_tree(path))
        add_folder(&s, "build tree", path);
    else if (with_defaults && from_program(&s, TKP_INSTALLED_PLUGINS, path))
        add_folder(&s, "installed", path);
}

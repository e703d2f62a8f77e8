/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry: gathers entries from named files and searched folders, then settles which entry of
 * each kind and name wins. Reads files when it is opened and never again; loads modules for
 * --plugin alone. [main]
 */
#include <plugin/registry.h>

#include <base/error.h>
#include <base/log.h>
#include <base/text.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <plugin/fragment.h>
#include <plugin/registry_list.h>
#include <plugin/source.h>
#include <plugin/trust.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum {
    REGISTRY_ARENA_BYTES = 64 * 1024 * 1024,
    MAX_FILES_PER_FOLDER = 1024,
    REASON_BYTES = PATH_MAX + 128
};

/* File names that an earlier folder has, so that later ones are overridden. */
struct seen_name {
    const char *name;
    const struct seen_name *next;
};

struct tkp_registry {
    struct tkp_arena arena;
    struct tkp_source_list sources;
    struct tkp_registry_list list;
    const struct seen_name *seen;
};

/* The file that is being read, for the sink. */
struct reading {
    struct tkp_registry *registry;
    uint32_t source;
    bool is_explicit;
};

static tokperf_status take_component(void *context, const struct tkp_component_entry *given,
                                     struct tokperf_error *error)
{
    struct reading *r = context;
    struct tkp_component_entry entry = *given;
    char reason[REASON_BYTES];
    entry.source = r->registry->sources.items[r->source].name;
    entry.is_explicit = r->is_explicit;
    if (entry.problem == NULL && !tkp_trust_file(entry.module, reason, sizeof reason)) {
        if (r->is_explicit)
            tkp_log(TKP_LOG_WARNING, "plugin %s: %s", entry.full_id, reason);
        else
            entry.problem = tkp_arena_printf(&r->registry->arena, "it is refused: %s", reason);
    }
    return tkp_registry_list_add(&r->registry->list, &entry, r->source, error);
}

static tokperf_status take_include(void *context, const char *path, struct tokperf_error *error)
{
    struct reading *r = context;
    const struct tkp_fragment_sink sink = {r, take_component, NULL};
    char reason[REASON_BYTES];
    if (!tkp_trust_file(path, reason, sizeof reason))
        tkp_log(TKP_LOG_WARNING, "registry file: %s", reason);
    return tkp_fragment_read(path, &r->registry->arena, &sink, error);
}

/* A broken source that the user named ends the program's start, whatever was wrong with it. */
static tokperf_status refuse(struct tokperf_error *error, const char *flag)
{
    (void)tkp_error_prefix(error, "%s", flag);
    if (error != NULL)
        error->status = TOKPERF_E_UNSUPPORTED;
    return TOKPERF_E_UNSUPPORTED;
}

static tokperf_status resolve(const char *flag, const char *path, char real[PATH_MAX],
                              struct tokperf_error *error)
{
    if (realpath(path, real) == NULL)
        return tkp_fail_errno(error, TOKPERF_E_NOT_FOUND, errno, "%s: cannot open %s", flag, path);
    char reason[REASON_BYTES];
    if (!tkp_trust_file(real, reason, sizeof reason))
        tkp_log(TKP_LOG_WARNING, "%s: %s", flag, reason);
    return TOKPERF_OK;
}

static tokperf_status add_source(struct tkp_registry *registry, const char *name, const char *path,
                                 struct tokperf_error *error)
{
    const char *copy = tkp_arena_copy(&registry->arena, path, strlen(path));
    if (copy == NULL)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plugin registry");
    if (registry->sources.count == TKP_SOURCES_MAX)
        return tkp_fail(error, TOKPERF_E_LIMIT, "%s %s: there are more than %d plugin sources",
                        name, path, TKP_SOURCES_MAX);
    tkp_source_add(&registry->sources, name, copy, true);
    return TOKPERF_OK;
}

static tokperf_status read_plugin_file(struct tkp_registry *registry, const char *path,
                                       struct tokperf_error *error)
{
    static const char flag[] = "--plugin";
    char real[PATH_MAX];
    tokperf_status status = resolve(flag, path, real, error);
    if (status == TOKPERF_OK)
        status = add_source(registry, flag, real, error);
    if (status != TOKPERF_OK)
        return status;
    struct reading reading = {registry, registry->sources.count - 1, true};
    const struct tkp_fragment_sink sink = {&reading, take_component, NULL};
    status = tkp_registry_list_module(real, &registry->arena, &sink, error);
    return status == TOKPERF_OK ? status : refuse(error, flag);
}

static tokperf_status read_registry_file(struct tkp_registry *registry, const char *path,
                                         struct tokperf_error *error)
{
    static const char flag[] = "--registry";
    char real[PATH_MAX];
    tokperf_status status = resolve(flag, path, real, error);
    if (status == TOKPERF_OK)
        status = add_source(registry, flag, real, error);
    if (status != TOKPERF_OK)
        return status;
    const char *kept = registry->sources.items[registry->sources.count - 1].path;
    struct reading reading = {registry, registry->sources.count - 1, true};
    const struct tkp_fragment_sink sink = {&reading, take_component, take_include};
    status = tkp_fragment_read(kept, &registry->arena, &sink, error);
    return status == TOKPERF_OK ? status : refuse(error, flag);
}

static bool was_seen(const struct tkp_registry *registry, const char *name)
{
    for (const struct seen_name *s = registry->seen; s != NULL; s = s->next)
        if (strcmp(s->name, name) == 0)
            return true;
    return false;
}

static bool remember(struct tkp_registry *registry, const char *name)
{
    struct seen_name *s = tkp_arena_alloc(&registry->arena, sizeof *s);
    const char *copy = tkp_arena_copy(&registry->arena, name, strlen(name));
    if (s == NULL || copy == NULL)
        return false;
    *s = (struct seen_name){copy, registry->seen};
    registry->seen = s;
    return true;
}

/* A link to /dev/null masks the files of that name in later folders. */
static bool is_mask(const char *real)
{
    struct stat info;
    return stat(real, &info) == 0 && S_ISCHR(info.st_mode) && major(info.st_rdev) == 1 &&
           minor(info.st_rdev) == 3;
}

/* One file of a searched folder. Whatever is wrong with it is a warning. */
static void read_drop_in(struct tkp_registry *registry, uint32_t source, const char *name)
{
    char path[PATH_MAX];
    char real[PATH_MAX];
    char reason[REASON_BYTES];
    struct tokperf_error error;
    const char *folder = registry->sources.items[source].path;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return;
    if (realpath(path, real) == NULL) {
        tkp_log(TKP_LOG_WARNING, "%s is left out: %s", path, strerror(errno));
        return;
    }
    if (is_mask(real)) {
        (void)remember(registry, name);
        return;
    }
    if (!tkp_trust_file(real, reason, sizeof reason)) {
        tkp_log(TKP_LOG_WARNING, "%s is refused: %s", path, reason);
        return;
    }
    const char *kept = tkp_arena_copy(&registry->arena, real, strlen(real));
    if (kept == NULL || !remember(registry, name)) {
        tkp_log(TKP_LOG_WARNING, "%s is left out: the registry is out of memory", path);
        return;
    }
    struct reading reading = {registry, source, false};
    const struct tkp_fragment_sink sink = {&reading, take_component, NULL};
    uint32_t before = registry->list.count;
    if (tkp_fragment_read(kept, &registry->arena, &sink, &error) != TOKPERF_OK) {
        registry->list.count = before; /* all of a file or nothing */
        tkp_log(TKP_LOG_WARNING, "%s is left out: %s", name, error.message);
    }
}

static int is_fragment_name(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

static void read_folder(struct tkp_registry *registry, uint32_t source)
{
    const struct tkp_registry_source *s = &registry->sources.items[source];
    char reason[REASON_BYTES];
    if (!s->exists)
        return;
    if (!tkp_trust_folder(s->path, reason, sizeof reason)) {
        tkp_log(TKP_LOG_WARNING, "no plugin of %s is used: %s", s->path, reason);
        return;
    }
    struct dirent **names = NULL;
    int count = scandir(s->path, &names, is_fragment_name, alphasort);
    if (count < 0) {
        tkp_log(TKP_LOG_WARNING, "cannot look for plugins in %s: %s", s->path, strerror(errno));
        return;
    }
    if (count > MAX_FILES_PER_FOLDER)
        tkp_log(TKP_LOG_WARNING, "%s holds more than %d plugin files; the rest is left out",
                s->path, MAX_FILES_PER_FOLDER);
    for (int i = 0; i < count; i++) {
        if (i < MAX_FILES_PER_FOLDER && !was_seen(registry, names[i]->d_name))
            read_drop_in(registry, source, names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

static tokperf_status read_all(struct tkp_registry *registry,
                               const struct tkp_registry_options *options,
                               struct tokperf_error *error)
{
    tokperf_status status = TOKPERF_OK;
    for (uint32_t i = 0; status == TOKPERF_OK && i < options->plugin_file_count; i++)
        status = read_plugin_file(registry, options->plugin_files[i], error);
    for (uint32_t i = 0; status == TOKPERF_OK && i < options->registry_file_count; i++)
        status = read_registry_file(registry, options->registry_files[i], error);
    if (status != TOKPERF_OK)
        return status;
    const struct tkp_source_place place = {
        .environment = options->environment,
        .program_dir = tkp_source_program_dir(&registry->arena),
        .is_secure = getauxval(AT_SECURE) != 0,
    };
    uint32_t first = registry->sources.count;
    tkp_source_search(&place, &registry->arena, &registry->sources);
    for (uint32_t i = first; i < registry->sources.count; i++)
        read_folder(registry, i);
    return tkp_registry_list_settle(&registry->list, &registry->arena, error);
}

tokperf_status tkp_registry_open(const struct tkp_registry_options *options,
                                 struct tkp_registry **registry, struct tokperf_error *error)
{
    *registry = NULL;
    struct tkp_registry *made = calloc(1, sizeof *made);
    if (made == NULL)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plugin registry");
    tkp_arena_init(&made->arena, REGISTRY_ARENA_BYTES);
    tokperf_status status = read_all(made, options, error);
    if (status != TOKPERF_OK) {
        tkp_registry_close(made);
        return status;
    }
    *registry = made;
    return TOKPERF_OK;
}

void tkp_registry_close(struct tkp_registry *registry)
{
    if (registry == NULL)
        return;
    tkp_registry_list_finish(&registry->list);
    tkp_arena_finish(&registry->arena);
    free(registry);
}

uint32_t tkp_registry_count(const struct tkp_registry *registry)
{
    return registry->list.count;
}

const struct tkp_component_entry *tkp_registry_at(const struct tkp_registry *registry,
                                                  uint32_t index)
{
    return index < registry->list.count ? &registry->list.rows[index].entry : NULL;
}

tokperf_status tkp_registry_find(const struct tkp_registry *registry, const char *kind,
                                 const char *name, const struct tkp_component_entry **entry,
                                 struct tokperf_error *error)
{
    return tkp_registry_list_find(&registry->list, kind, name, entry, error);
}

uint32_t tkp_registry_source_count(const struct tkp_registry *registry)
{
    return registry->sources.count;
}

const struct tkp_registry_source *tkp_registry_source_at(const struct tkp_registry *registry,
                                                         uint32_t index)
{
    return index < registry->sources.count ? &registry->sources.items[index] : NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where plugins are searched: the folders of sdk.md, "Registry", in order of precedence. [main]
 */
#ifndef TKP_PLUGIN_SOURCE_H
#define TKP_PLUGIN_SOURCE_H

#include <base/arena.h>
#include <plugin/registry.h>

enum { TKP_SOURCES_MAX = 64 };

struct tkp_source_list {
    struct tkp_registry_source items[TKP_SOURCES_MAX];
    uint32_t count;
};

/* What the search depends on; tests give their own. */
struct tkp_source_place {
    const char *const *environment; /* NULL-ended, or NULL */
    const char *program_dir;        /* resolved folder of the executable */
    bool is_secure;                 /* the environment must not be believed */
};

/* The folder of /proc/self/exe, copied into arena, or "" when it cannot be told. */
const char *tkp_source_program_dir(struct tkp_arena *arena);
/* Appends the folders. One that was listed before is left out. Entries of a search path that are
 * not absolute are left out with a warning. Past TKP_SOURCES_MAX the rest is left out, likewise. */
void tkp_source_search(const struct tkp_source_place *place, struct tkp_arena *arena,
                       struct tkp_source_list *list);
void tkp_source_add(struct tkp_source_list *list, const char *name, const char *path, bool exists);

#endif

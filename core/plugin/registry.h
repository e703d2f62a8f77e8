/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry: which components exist, from YAML fragments of several sources, without loading a
 * module. sdk.md, "Registry" is the rule. [main]
 */
#ifndef TKP_PLUGIN_REGISTRY_H
#define TKP_PLUGIN_REGISTRY_H

#include <base/arena.h>
#include <stdbool.h>
#include <tokperf/plugin.h>

enum tkp_component_state {
    TKP_COMPONENT_AVAILABLE = 1,
    TKP_COMPONENT_UNAVAILABLE, /* its module is absent or refused: see problem */
    TKP_COMPONENT_SHADOWED     /* another of the same kind and name wins: see winner */
};

struct tkp_component_entry {
    const char *kind; /* "endpoint" */
    const char *name;
    const char *plugin_id, *version, *license, *summary;
    const char *full_id;  /* "ID:name" */
    const char *module;   /* absolute path */
    const char *metadata; /* JSON, as its fragment has it; or NULL */
    const char *origin;   /* fragment path with line, or "--plugin" */
    const char *source;   /* which source of the list: "--registry", "build tree", ... */
    int64_t priority;
    bool is_explicit; /* from --plugin or --registry */
    enum tkp_component_state state;
    const char *problem;
    const struct tkp_component_entry *winner;
};

struct tkp_registry;

struct tkp_registry_options {
    const char *const *plugin_files;
    uint32_t plugin_file_count;
    const char *const *registry_files;
    uint32_t registry_file_count;
    const char *const *environment; /* NULL-ended, as environ */
};

/* A searched directory or named file, in order of precedence. */
struct tkp_registry_source {
    const char *name; /* "TOKPERF_PLUGIN_PATH", "XDG_CONFIG_HOME", "system", "build tree", ... */
    const char *path;
    bool exists;
};

/* Reads every source. A broken drop-in is a logged warning; a broken explicit source is an error
 * (TOKPERF_E_UNSUPPORTED; TOKPERF_E_NOT_FOUND when the named file is absent). --plugin modules are
 * loaded here, since only they know their components. */
tokperf_status tkp_registry_open(const struct tkp_registry_options *options,
                                 struct tkp_registry **registry,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_registry_close(struct tkp_registry *registry);

/* All components, winners and shadowed, ordered by kind, name, precedence. */
uint32_t tkp_registry_count(const struct tkp_registry *registry);
const struct tkp_component_entry *tkp_registry_at(const struct tkp_registry *registry,
                                                  uint32_t index);
/* By name or full id. NOT_FOUND names the closest one and how to list them. */
tokperf_status tkp_registry_find(const struct tkp_registry *registry, const char *kind,
                                 const char *name, const struct tkp_component_entry **entry,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
uint32_t tkp_registry_source_count(const struct tkp_registry *registry);
const struct tkp_registry_source *tkp_registry_source_at(const struct tkp_registry *registry,
                                                         uint32_t index);

#endif

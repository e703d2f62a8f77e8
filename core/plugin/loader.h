/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules and instances: dlopen, entry, ABI check, agreement of fragment and descriptor, options,
 * create. The only user of dlopen. A module that was instantiated is never unloaded. [main]
 */
#ifndef TKP_PLUGIN_LOADER_H
#define TKP_PLUGIN_LOADER_H

#include <config/plan.h>
#include <plugin/host.h>
#include <plugin/registry.h>

struct tkp_module;

/* Loads a file and checks its descriptor. One sentence per way to be broken. */
tokperf_status tkp_module_open(const char *path, struct tkp_module **module,
                               struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_module_close(struct tkp_module *module); /* unloads only if nothing was instantiated */
const struct tokperf_plugin *tkp_module_plugin(const struct tkp_module *module);
/* NULL when it has no such component. kind: "endpoint". */
const struct tokperf_component *tkp_module_component(const struct tkp_module *module,
                                                     const char *kind, const char *name);
/* From here on close leaves the module in memory: something of it was instantiated. */
void tkp_module_keep(struct tkp_module *module);
/* Whether the module offers what the registry's entry says: plugin id, kind, name. */
tokperf_status tkp_entry_check(const struct tkp_component_entry *entry,
                               const struct tkp_module *module,
                               struct tokperf_error *error) TOKPERF_MUST_USE;

/* A component that was created. */
struct tkp_instance {
    const struct tokperf_component *component;
    const void *vtable; /* of the kind; cast by who asked for the kind */
    void *self;
    const char *name;      /* instance name: the component's unless several */
    const char *plugin_id; /* for crash notes and messages */
    struct tkp_instance_private *priv;
};

/* Finds, loads, types the settings that name the component and creates it. Unknown keys are errors
 * with the closest one. TOKPERF_E_INVALID and _NOT_FOUND: the name or a setting is wrong;
 * TOKPERF_E_UNSUPPORTED and _ABI: the plugin is broken or absent. `settings` are those of the plan;
 * entries for other components are left alone. */
tokperf_status tkp_instance_create(const struct tkp_registry *registry, const char *kind,
                                   const char *name, const struct tkp_plugin_setting *settings,
                                   uint32_t setting_count, const struct tokperf_host *host,
                                   struct tkp_instance **instance,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_instance_destroy(struct tkp_instance *instance); /* accepts NULL */

#endif

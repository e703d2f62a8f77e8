/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances: from a name to a created component. Checks that fragment and descriptor agree, types
 * the settings, calls create, and destroys. [main]
 */
#include <plugin/loader.h>

#include <base/error.h>
#include <base/log.h>
#include <plugin/kind.h>
#include <plugin/option.h>
#include <stdlib.h>
#include <string.h>

enum { INSTANCE_ARENA_BYTES = 16 * 1024 * 1024 };

struct tkp_instance_private {
    struct tkp_arena arena;
    struct tkp_module *module;
    const struct tokperf_config *config;
    bool created;
};

static const struct tokperf_component *same_name(const struct tokperf_plugin *plugin,
                                                 const char *name)
{
    for (size_t i = 0; plugin->components[i] != NULL; i++)
        if (strcmp(plugin->components[i]->name, name) == 0)
            return plugin->components[i];
    return NULL;
}

/* The module does not offer what the fragment promised: says in what they differ. */
static tokperf_status disagree(const struct tkp_component_entry *entry,
                               const struct tokperf_plugin *plugin, struct tokperf_error *error)
{
    const struct tokperf_component *other = same_name(plugin, entry->name);
    const struct tkp_kind *kind = tkp_kind_by_name(entry->kind);
    if (other == NULL)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s lists %s %s, but its module %s has no such component", entry->origin,
                        entry->kind, entry->name, entry->module);
    if (kind != NULL && tkp_kind_of_other_revision(other->kind) == kind)
        return tkp_fail(error, TOKPERF_E_ABI,
                        "%s: component %s is of kind %s, this tokperf uses %s; build the plugin "
                        "with the headers of this tokperf",
                        entry->module, entry->name, other->kind, kind->id);
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "%s lists %s as kind %s, but the module %s says kind %s", entry->origin,
                    entry->name, entry->kind, entry->module, other->kind);
}

static tokperf_status find_component(const struct tkp_component_entry *entry,
                                     const struct tkp_module *module,
                                     const struct tokperf_component **component,
                                     struct tokperf_error *error)
{
    const struct tokperf_plugin *plugin = tkp_module_plugin(module);
    if (strcmp(plugin->id, entry->plugin_id) != 0)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s lists plugin %s, but the module %s is plugin %s", entry->origin,
                        entry->plugin_id, entry->module, plugin->id);
    *component = tkp_module_component(module, entry->kind, entry->name);
    return *component != NULL ? TOKPERF_OK : disagree(entry, plugin, error);
}

tokperf_status tkp_entry_check(const struct tkp_component_entry *entry,
                               const struct tkp_module *module, struct tokperf_error *error)
{
    const struct tokperf_component *component = NULL;
    return find_component(entry, module, &component, error);
}

/* Runs create with the note for the crash handler, and makes its answer presentable. */
static tokperf_status call_create(struct tkp_instance *instance, const struct tokperf_host *host,
                                  struct tokperf_error *error)
{
    struct tokperf_error reason = {0};
    const struct tokperf_vtable *head = instance->vtable;
    const char *outer = tkp_crash_enter(instance->plugin_id);
    tokperf_status status = head->create(host, instance->priv->config, &instance->self, &reason);
    tkp_crash_leave(outer);
    if (status == TOKPERF_OK) {
        instance->priv->created = true;
        return TOKPERF_OK;
    }
    reason.message[sizeof reason.message - 1] = '\0';
    for (char *c = reason.message; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20)
            *c = ' ';
    if (reason.message[0] == '\0')
        return tkp_fail(error, status,
                        "component %s of plugin %s failed to create and gave no reason (%s)",
                        instance->name, instance->plugin_id, tkp_status_name(status));
    return tkp_fail(error, status, "component %s of plugin %s failed to create: %s", instance->name,
                    instance->plugin_id, reason.message);
}

/* A plugin that was selected and is broken is not the user's wrong input: another exit code. */
static tokperf_status unusable(tokperf_status status, struct tokperf_error *error)
{
    if (status != TOKPERF_E_INVALID && status != TOKPERF_E_NOT_FOUND)
        return status;
    if (error != NULL)
        error->status = TOKPERF_E_UNSUPPORTED;
    return TOKPERF_E_UNSUPPORTED;
}

static tokperf_status prepare(const struct tkp_component_entry *entry,
                              const struct tkp_option_input *input, struct tkp_instance *instance,
                              struct tokperf_error *error)
{
    struct tkp_instance_private *priv = instance->priv;
    tokperf_status status = tkp_module_open(entry->module, &priv->module, error);
    if (status == TOKPERF_OK)
        status = find_component(entry, priv->module, &instance->component, error);
    if (status != TOKPERF_OK || !instance->component) /* gcc does not see that one means both */
        return unusable(status, error);
    instance->vtable = instance->component->vtable;
    instance->plugin_id = tkp_module_plugin(priv->module)->id;
    status =
        tkp_option_resolve(instance->component->options, input, &priv->arena, &priv->config, error);
    if (status == TOKPERF_OK)
        instance->name = priv->config->instance_name.data;
    return status;
}

/* NULL without memory. */
static struct tkp_instance *instance_alloc(void)
{
    struct tkp_instance *made = calloc(1, sizeof *made);
    struct tkp_instance_private *priv = calloc(1, sizeof *priv);
    if (made == NULL || priv == NULL) {
        free(made);
        free(priv);
        return NULL;
    }
    tkp_arena_init(&priv->arena, INSTANCE_ARENA_BYTES);
    made->priv = priv;
    return made;
}

tokperf_status tkp_instance_create(const struct tkp_registry *registry, const char *kind,
                                   const char *name, const struct tkp_plugin_setting *settings,
                                   uint32_t setting_count, const struct tokperf_host *host,
                                   struct tkp_instance **instance, struct tokperf_error *error)
{
    *instance = NULL;
    const struct tkp_component_entry *entry = NULL;
    tokperf_status status = tkp_registry_find(registry, kind, name, &entry, error);
    if (status != TOKPERF_OK)
        return status;
    if (entry->problem != NULL)
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED, "%s %s cannot be used: %s", kind, name,
                        entry->problem);
    struct tkp_instance *made = instance_alloc();
    if (made == NULL)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a plugin instance");
    const struct tkp_option_input input = {settings, setting_count, entry->name, entry->full_id};
    status = prepare(entry, &input, made, error);
    if (status == TOKPERF_OK) {
        tkp_module_keep(made->priv->module);
        status = call_create(made, host, error);
    }
    if (status != TOKPERF_OK) {
        tkp_instance_destroy(made);
        return status;
    }
    *instance = made;
    return TOKPERF_OK;
}

void tkp_instance_destroy(struct tkp_instance *instance)
{
    if (instance == NULL)
        return;
    struct tkp_instance_private *priv = instance->priv;
    const struct tokperf_vtable *head = instance->vtable;
    if (priv->created) {
        const char *outer = tkp_crash_enter(instance->plugin_id);
        head->destroy(instance->self);
        tkp_crash_leave(outer);
    }
    tkp_module_close(priv->module);
    tkp_arena_finish(&priv->arena);
    free(priv);
    free(instance);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of a module's descriptor, in the order in which a reader would make them. Nothing here
 * calls into the module.
 */
#include <plugin/descriptor.h>

#include <base/error.h>
#include <plugin/host.h>
#include <plugin/kind.h>
#include <plugin/option.h>
#include <string.h>

enum { NAME_MAX_BYTES = 63, ID_MAX_BYTES = 127, MAX_SERVICES = 64 };

bool tkp_descriptor_is_name(const char *name)
{
    size_t len = strnlen(name, NAME_MAX_BYTES + 1);
    if (len == 0 || len > NAME_MAX_BYTES || name[0] < 'a' || name[0] > 'z')
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

bool tkp_descriptor_is_plugin_id(const char *id)
{
    size_t len = strnlen(id, ID_MAX_BYTES + 1);
    const char *dot = strchr(id, '.');
    if (len == 0 || len > ID_MAX_BYTES || dot == NULL || dot == id || id[len - 1] == '.')
        return false;
    return strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == len;
}

static tokperf_status check_sizes(const struct tokperf_plugin *p, struct tokperf_error *error)
{
    if (p == NULL)
        return tkp_fail(error, TOKPERF_E_ABI, TOKPERF_PLUGIN_ENTRY "() returned no descriptor");
    if (p->struct_size < sizeof *p)
        return tkp_fail(error, TOKPERF_E_ABI,
                        "the descriptor's struct_size is %u, at least %zu is needed; build the "
                        "plugin with tokperf/plugin.h of ABI %d",
                        p->struct_size, sizeof *p, TOKPERF_ABI_MAJOR);
    if (p->min_host_minor > TOKPERF_ABI_MINOR)
        return tkp_fail(error, TOKPERF_E_ABI,
                        "the plugin needs a host of ABI %d.%u or later, this one is %d.%d; update "
                        "tokperf",
                        TOKPERF_ABI_MAJOR, p->min_host_minor, TOKPERF_ABI_MAJOR, TOKPERF_ABI_MINOR);
    return TOKPERF_OK;
}

static tokperf_status check_identity(const struct tokperf_plugin *p, struct tokperf_error *error)
{
    if (p->id == NULL || !tkp_descriptor_is_plugin_id(p->id))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "the plugin id '%.*s' is not a reverse domain name such as "
                        "com.acme.tokperf",
                        ID_MAX_BYTES, p->id != NULL ? p->id : "");
    const struct {
        const char *what, *text;
    } texts[] = {{"version", p->version}, {"license", p->license}, {"summary", p->summary}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].text == NULL || texts[i].text[0] == '\0')
            return tkp_fail(error, TOKPERF_E_INVALID, "the plugin %s states no %s", p->id,
                            texts[i].what);
    if (p->components == NULL || p->components[0] == NULL)
        return tkp_fail(error, TOKPERF_E_INVALID, "the plugin %s has no components", p->id);
    return TOKPERF_OK;
}

static tokperf_status check_services(const struct tokperf_plugin *p, struct tokperf_error *error)
{
    for (size_t i = 0; p->requires_services != NULL && p->requires_services[i] != NULL; i++) {
        if (i == MAX_SERVICES)
            return tkp_fail(error, TOKPERF_E_LIMIT,
                            "the plugin %s requires more than %d services; end the list with NULL",
                            p->id, MAX_SERVICES);
        if (tkp_host_service(p->requires_services[i]) == NULL)
            return tkp_fail(error, TOKPERF_E_ABI,
                            "the plugin %s requires the service %s, which this tokperf does not "
                            "offer",
                            p->id, p->requires_services[i]);
    }
    return TOKPERF_OK;
}

static tokperf_status check_vtable(const struct tokperf_component *c, const struct tkp_kind *kind,
                                   struct tokperf_error *error)
{
    if (c->vtable == NULL)
        return tkp_fail(error, TOKPERF_E_INVALID, "component %s has no vtable", c->name);
    const struct tokperf_vtable *head = c->vtable;
    if (head->struct_size < kind->vtable_min_bytes)
        return tkp_fail(error, TOKPERF_E_ABI,
                        "the vtable of component %s has struct_size %u, at least %u is needed for "
                        "kind %s",
                        c->name, head->struct_size, kind->vtable_min_bytes, kind->id);
    for (const struct tkp_kind_member *m = kind->members; m->name != NULL; m++) {
        void (*function)(void);
        memcpy(&function, (const char *)c->vtable + m->offset_bytes, sizeof function);
        if (function == NULL)
            return tkp_fail(error, TOKPERF_E_INVALID, "the vtable of component %s lacks %s()",
                            c->name, m->name);
    }
    return TOKPERF_OK;
}

static tokperf_status check_component(const struct tokperf_component *c, size_t index,
                                      struct tokperf_error *error)
{
    if (c->struct_size < sizeof *c)
        return tkp_fail(error, TOKPERF_E_ABI,
                        "component %zu has struct_size %u, at least %zu is needed", index,
                        c->struct_size, sizeof *c);
    if (c->kind == NULL || c->name == NULL || !tkp_descriptor_is_name(c->name))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "component %zu has no kind, or its name '%.*s' is not made of a-z, 0-9 "
                        "and _",
                        index, NAME_MAX_BYTES, c->name != NULL ? c->name : "");
    const struct tkp_kind *kind = tkp_kind_by_id(c->kind);
    if (kind == NULL)
        return TOKPERF_OK; /* of a newer or older host; refused when the registry names it */
    if (c->summary == NULL || c->summary[0] == '\0')
        return tkp_fail(error, TOKPERF_E_INVALID, "component %s has no summary", c->name);
    tokperf_status status = check_vtable(c, kind, error);
    if (status != TOKPERF_OK)
        return status;
    status = tkp_option_check_rows(c->options, error);
    return status == TOKPERF_OK ? status : tkp_error_prefix(error, "component %s", c->name);
}

static tokperf_status check_twice(const struct tokperf_component *const *all, size_t index,
                                  struct tokperf_error *error)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(all[i]->kind, all[index]->kind) == 0 &&
            strcmp(all[i]->name, all[index]->name) == 0)
            return tkp_fail(error, TOKPERF_E_INVALID, "component %s of kind %s is there twice",
                            all[index]->name, all[index]->kind);
    return TOKPERF_OK;
}

tokperf_status tkp_descriptor_check(const struct tokperf_plugin *plugin,
                                    struct tokperf_error *error)
{
    tokperf_status status = check_sizes(plugin, error);
    if (status == TOKPERF_OK)
        status = check_identity(plugin, error);
    if (status == TOKPERF_OK)
        status = check_services(plugin, error);
    for (size_t i = 0; status == TOKPERF_OK && plugin->components[i] != NULL; i++) {
        if (i == TKP_DESCRIPTOR_MAX_COMPONENTS)
            return tkp_fail(error, TOKPERF_E_LIMIT,
                            "the plugin %s has more than %d components; end the list with NULL",
                            plugin->id, TKP_DESCRIPTOR_MAX_COMPONENTS);
        status = check_component(plugin->components[i], i, error);
        if (status == TOKPERF_OK)
            status = check_twice(plugin->components, i, error);
    }
    return status;
}

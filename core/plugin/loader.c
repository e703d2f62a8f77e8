/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules: dlopen, the entry, and what its descriptor offers. [main]. Instances are in instance.c;
 * what a descriptor must look like is in descriptor.c.
 */
#include <plugin/loader.h>

#include <base/error.h>
#include <base/log.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <plugin/descriptor.h>
#include <plugin/elf_file.h>
#include <plugin/kind.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Entries of ABI majors that a module may have been built for, to name the right remedy. */
enum { OTHER_ABI_MAX = 16 };

struct tkp_module {
    void *handle;
    const struct tokperf_plugin *plugin;
    bool stays; /* something was instantiated */
};

static tokperf_status find_entry(const char *path, void *handle, tokperf_plugin_entry_fn *entry,
                                 struct tokperf_error *error)
{
    void *symbol = dlsym(handle, TOKPERF_PLUGIN_ENTRY);
    if (symbol != NULL) {
        memcpy(entry, &symbol, sizeof symbol); /* POSIX: dlsym's result is a function's address */
        return TOKPERF_OK;
    }
    for (int abi = 0; abi <= OTHER_ABI_MAX; abi++) {
        char name[64];
        snprintf(name, sizeof name, "tokperf_plugin_entry_v%d", abi);
        if (dlsym(handle, name) != NULL)
            return tkp_fail(error, TOKPERF_E_ABI,
                            "%s is a plugin of ABI %d, this tokperf loads ABI %d; build it with "
                            "the headers of this tokperf",
                            path, abi, TOKPERF_ABI_MAJOR);
    }
    return tkp_fail(error, TOKPERF_E_ABI,
                    "%s is no tokperf plugin: it does not export " TOKPERF_PLUGIN_ENTRY
                    "; use TOKPERF_PLUGIN() and tokperf_add_plugin()",
                    path);
}

/* dlerror() begins with the path, which our sentence names already. */
static const char *linker_reason(const char *path)
{
    const char *text = dlerror();
    size_t len = strlen(path);
    if (text == NULL)
        return "the dynamic linker gave no reason";
    if (strncmp(text, path, len) == 0 && strncmp(text + len, ": ", 2) == 0)
        return text + len + 2;
    return text;
}

static tokperf_status load(const char *path, struct tkp_module *module, struct tokperf_error *error)
{
    const char *outer = tkp_crash_enter(path); /* constructors of the module run here */
    module->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    tkp_crash_leave(outer);
    if (module->handle == NULL)
        return tkp_fail(error, TOKPERF_E_INVALID, "cannot load %s: %s", path, linker_reason(path));
    tokperf_plugin_entry_fn entry = NULL;
    tokperf_status status = find_entry(path, module->handle, &entry, error);
    if (status != TOKPERF_OK || !entry)
        return status;
    outer = tkp_crash_enter(path);
    module->plugin = entry();
    tkp_crash_leave(outer);
    status = tkp_descriptor_check(module->plugin, error);
    return status == TOKPERF_OK ? status : tkp_error_prefix(error, "%s", path);
}

/* Components of kinds that this program does not know are passed over, but not in silence. */
static void show_unknown_kinds(const char *path, const struct tokperf_plugin *plugin)
{
    for (size_t i = 0; plugin->components[i] != NULL; i++) {
        const struct tokperf_component *c = plugin->components[i];
        if (tkp_kind_by_id(c->kind) == NULL)
            tkp_log(TKP_LOG_INFO, "%s: component %s is of kind %s, which this tokperf does not use",
                    path, c->name, c->kind);
    }
}

tokperf_status tkp_module_open(const char *path, struct tkp_module **module,
                               struct tokperf_error *error)
{
    char real[PATH_MAX];
    *module = NULL;
    if (realpath(path, real) == NULL) /* absolute, so that no library path is searched */
        return tkp_fail_errno(error, errno == ENOENT ? TOKPERF_E_NOT_FOUND : TOKPERF_E_IO, errno,
                              "cannot open the module %s", path);
    tokperf_status status = tkp_elf_check(real, error);
    if (status != TOKPERF_OK)
        return status;
    struct tkp_module *made = calloc(1, sizeof *made);
    if (made == NULL)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory to load %s", path);
    status = load(real, made, error);
    if (status != TOKPERF_OK) {
        tkp_module_close(made);
        return status;
    }
    show_unknown_kinds(real, made->plugin);
    *module = made;
    return TOKPERF_OK;
}

void tkp_module_close(struct tkp_module *module)
{
    if (module == NULL)
        return;
    if (module->handle != NULL && !module->stays)
        dlclose(module->handle);
    free(module);
}

void tkp_module_keep(struct tkp_module *module)
{
    module->stays = true;
}

const struct tokperf_plugin *tkp_module_plugin(const struct tkp_module *module)
{
    return module->plugin;
}

const struct tokperf_component *tkp_module_component(const struct tkp_module *module,
                                                     const char *kind, const char *name)
{
    const struct tkp_kind *row = tkp_kind_by_name(kind);
    for (size_t i = 0; row != NULL && module->plugin->components[i] != NULL; i++) {
        const struct tokperf_component *c = module->plugin->components[i];
        if (strcmp(c->kind, row->id) == 0 && strcmp(c->name, name) == 0)
            return c;
    }
    return NULL;
}

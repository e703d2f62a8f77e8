/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of `tokperf plugins ...`. [main] */
#ifndef TKP_CLI_PLUGINS_ARGS_H
#define TKP_CLI_PLUGINS_ARGS_H

#include <config/plan.h>
#include <plugin/registry.h>

enum tkp_plugins_format { TKP_PLUGINS_TEXT = 1, TKP_PLUGINS_JSON, TKP_PLUGINS_TAP };
enum { TKP_PLUGINS_ARGS_MAX = 64 };

struct tkp_plugins_args {
    const char *command;  /* "list", or NULL */
    const char *operand;  /* NAME or FILE.so, or NULL */
    const char *fixtures; /* or NULL */
    enum tkp_plugins_format format;
    const char *format_name;
    bool explain;
    uint64_t timeout_ns; /* of one call into the plugin under check */
    const char *plugin_files[TKP_PLUGINS_ARGS_MAX];
    const char *registry_files[TKP_PLUGINS_ARGS_MAX];
    uint32_t plugin_file_count, registry_file_count;
    struct tkp_plugin_setting settings[TKP_PLUGINS_ARGS_MAX]; /* --set NAME.key=value */
    const char *set_texts[TKP_PLUGINS_ARGS_MAX];              /* as they were given */
    uint32_t setting_count;
    struct tkp_arena arena;
};

/* Fills args (finish it in any case). Texts are borrowed from argv. */
tokperf_status tkp_plugins_args_parse(int argc, char **argv, struct tkp_plugins_args *args,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_plugins_args_finish(struct tkp_plugins_args *args);
/* The registry with the files of the arguments and this process's environment. */
tokperf_status tkp_plugins_args_open(const struct tkp_plugins_args *args,
                                     struct tkp_registry **registry,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

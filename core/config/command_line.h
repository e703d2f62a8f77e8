/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arguments of a run: flags of the option table with their values. Parsed before anything else
 * is read, applied after the file and the environment. [main]
 */
#ifndef TKP_CONFIG_COMMAND_LINE_H
#define TKP_CONFIG_COMMAND_LINE_H

#include <config/settings.h>

struct tkp_command_line_item {
    const struct tkp_option *option;
    const char *origin; /* the flag as it was written: "-m" */
    const char *text;   /* its value; "true" or "false" for a flag without */
};

struct tkp_command_line {
    const char *config_file; /* --config, or NULL */
    const char *command;     /* "tokperf profile ...", quoted for a shell, secrets redacted */
    struct tkp_command_line_item *items;
    uint32_t item_count;
};

/* Everything points into arena or argv. */
tokperf_status tkp_command_line_parse(int argc, const char *const *argv, struct tkp_arena *arena,
                                      struct tkp_command_line *line,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
tokperf_status tkp_command_line_apply(const struct tkp_command_line *line,
                                      struct tkp_settings *settings,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

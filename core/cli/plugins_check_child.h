/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The child of `tokperf plugins check`: foreign code is tried here, under limits, and each step is
 * told to the parent before it begins, so that a crash or a hang has a name. One thread.
 *
 * What the parent reads, one line each: "B name" a step begins, "F sentence" a finding of it,
 * "S reason" it was skipped, "L sentence" the module cannot be loaded, "N" nothing to check, "I
 * text" what the module is, "P" it is still alive, "E" the end.
 */
#ifndef TKP_CLI_PLUGINS_CHECK_CHILD_H
#define TKP_CLI_PLUGINS_CHECK_CHILD_H

#include <cli/plugins_args.h>
#include <plugin/loader.h>

enum { TKP_CHECK_REPORT_FD = 3, TKP_CHECK_FINDINGS_PER_STEP = 10 };

struct tkp_check {
    const struct tkp_plugins_args *args;
    struct tkp_module *module;
    const struct tokperf_plugin *plugin;
    struct tkp_host host;
    uint32_t step_findings, findings;
    uint64_t alive_ns; /* when the parent last heard */
};

/* One component under test. */
struct tkp_check_subject {
    struct tkp_check *check;
    const struct tokperf_component *component;
    const char *kind; /* "endpoint" */
    struct tkp_arena arena;
    const struct tokperf_config *config;
    void *self;
};

void tkp_check_step(struct tkp_check *check, const char *format, ...) TOKPERF_PRINTF(2, 3);
void tkp_check_skip(struct tkp_check *check, const char *format, ...) TOKPERF_PRINTF(2, 3);
/* Between calls into the plugin: lets the parent's deadline begin again. */
void tkp_check_alive(struct tkp_check *check);
/* Past TKP_CHECK_FINDINGS_PER_STEP of a step the rest is one line. */
void tkp_check_finding(struct tkp_check *check, const char *format, ...) TOKPERF_PRINTF(2, 3);

/* Calls create or destroy of a component with the note for crashes. */
tokperf_status tkp_check_create(struct tkp_check *check, const struct tokperf_component *component,
                                const struct tokperf_config *config, void **self,
                                struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_check_destroy(const struct tokperf_component *component, void *self);

/* Runs all steps. Returns the exit code, of which the parent believes only that it is 0. */
int tkp_plugins_check_child(const struct tkp_plugins_args *args);

#endif

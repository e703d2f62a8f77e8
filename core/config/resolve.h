/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a user gave (argv, YAML file, environment) to a plan. Order: defaults < YAML <
 * environment < flags. [main]
 */
#ifndef TKP_CONFIG_RESOLVE_H
#define TKP_CONFIG_RESOLVE_H

#include <config/plan.h>

struct tkp_config_input {
    int argc; /* arguments behind the command word */
    const char *const *argv;
    const char *const *environment; /* NULL-ended NAME=value, as environ */
    const char *config_file;        /* used when argv names none (config validate FILE); or NULL */
    const char *config_text;        /* instead of any file: the configuration that a record log
                                       holds; what it hides may stay hidden, since nothing is sent */
};

/* Fills plan (zeroed by the caller; finish it in any case). TOKPERF_E_INVALID with one sentence
 * naming the flag, variable or file:line:column, the value, the reason and the closest valid
 * choice. */
tokperf_status tkp_config_resolve(const struct tkp_config_input *input, struct tkp_plan *plan,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
/* Fills config_yaml and input_config_json from the rest of the plan. */
tokperf_status tkp_resolve_documents(struct tkp_plan *plan,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

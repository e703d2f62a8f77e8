/* SPDX-License-Identifier: Apache-2.0 */
/* One option's value in a YAML file: a scalar, a list or a mapping, into settings. [main] */
#ifndef TKP_CONFIG_LEAF_H
#define TKP_CONFIG_LEAF_H

#include <config/settings.h>
#include <config/environment.h>
#include <config/yaml.h>

/* A file that is being read. */
struct tkp_file {
    const struct tkp_yaml *yaml;
    const char *const *environment;
    struct tkp_settings *settings;
    struct tokperf_error *error;
};

/* The value of option at node; where names it for messages: "benchmark.endpoint.url". */
tokperf_status tkp_leaf_apply(const struct tkp_file *file, const struct tkp_option *option,
                              const struct tkp_yaml_node *node, const char *where) TOKPERF_MUST_USE;
/* `plugins: {NAME: {KEY: VALUE}}`. */
tokperf_status tkp_leaf_apply_plugins(const struct tkp_file *file,
                                      const struct tkp_yaml_node *node) TOKPERF_MUST_USE;
/* A node as JSON by the core schema, ${} replaced; *json lives in the settings' arena. */
tokperf_status tkp_leaf_to_json(const struct tkp_file *file, const struct tkp_yaml_node *node,
                                const char **json) TOKPERF_MUST_USE;

#endif

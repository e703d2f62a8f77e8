/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run's YAML file: envelope (schemaVersion, random_seed, benchmark, plugins), sections by the
 * option table, phases as a list or mapping. Keys in snake_case or camelCase; ${NAME} and
 * ${NAME:default} in values. [main]
 */
#ifndef TKP_CONFIG_FILE_H
#define TKP_CONFIG_FILE_H

#include <config/settings.h>

/* Reads the file into settings, layer TKP_LAYER_FILE. */
tokperf_status tkp_file_apply(const char *path, const char *const *environment,
                              struct tkp_settings *settings,
                              struct tokperf_error *error) TOKPERF_MUST_USE;
/* The same from memory. */
tokperf_status tkp_file_apply_text(const char *name, const char *data, size_t len,
                                   const char *const *environment, struct tkp_settings *settings,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

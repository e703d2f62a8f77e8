/* SPDX-License-Identifier: Apache-2.0 */
/* A phase of a YAML file: its name and kind, and where its values go. Only file.c calls. [main] */
#ifndef TKP_CONFIG_FILE_PHASES_H
#define TKP_CONFIG_FILE_PHASES_H

#include <config/leaf.h>

/* Reads name and kind of `phase`, an element of the list or a member of the mapping
 * benchmark.phases, and appends it to the file's settings. where: "benchmark.phases[0]". Its other
 * values belong into (*made)->values. */
tokperf_status tkp_file_phase_begin(const struct tkp_file *file, const struct tkp_yaml_node *phase,
                                    const char *where,
                                    struct tkp_phase_settings **made) TOKPERF_MUST_USE;
/* After its values: what holds for the whole run moves to the run's settings. */
tokperf_status tkp_file_phase_end(const struct tkp_file *file,
                                  struct tkp_phase_settings *phase) TOKPERF_MUST_USE;

#endif

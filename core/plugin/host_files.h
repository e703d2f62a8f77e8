/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host services that touch files: output_file/1 and file/1 of tokperf/host.h.
 */
#ifndef TKP_PLUGIN_HOST_FILES_H
#define TKP_PLUGIN_HOST_FILES_H

#include <tokperf/host.h>

extern const struct tokperf_output_file_v1 tkp_host_output_file_service;
extern const struct tokperf_file_v1 tkp_host_file_service;

#endif

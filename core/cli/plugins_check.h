/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tokperf plugins check FILE.so`: tries a module in a child process and reports. The child is this
 * program again (plugins_check_child.h); a crash or a hang of it is a finding of the step it was
 * in. [main]
 */
#ifndef TKP_CLI_PLUGINS_CHECK_H
#define TKP_CLI_PLUGINS_CHECK_H

#include <base/buffer.h>
#include <cli/plugins_args.h>

/* Writes the report to out, and the exit code to *code: 0 nothing found, 1 findings, 3 the module
 * cannot be loaded, 77 nothing applicable. Fails when no check could be made. */
tokperf_status tkp_plugins_check(const struct tkp_plugins_args *args, struct tkp_buffer *out,
                                 int *code, struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

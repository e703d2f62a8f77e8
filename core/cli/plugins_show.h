/* SPDX-License-Identifier: Apache-2.0 */
/* `tokperf plugins show NAME`: one component in full, with its options. Loads its module. [main] */
#ifndef TKP_CLI_PLUGINS_SHOW_H
#define TKP_CLI_PLUGINS_SHOW_H

#include <base/buffer.h>
#include <cli/plugins_args.h>

/* Shows every component of that name or full id, whatever its kind. */
tokperf_status tkp_plugins_show(const struct tkp_registry *registry,
                                const struct tkp_plugins_args *args, struct tkp_buffer *out,
                                struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

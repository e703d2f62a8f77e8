/* SPDX-License-Identifier: Apache-2.0 */
/* `tokperf plugins list` and `dirs`: what the registry knows, without loading anything. [main] */
#ifndef TKP_CLI_PLUGINS_LIST_H
#define TKP_CLI_PLUGINS_LIST_H

#include <base/buffer.h>
#include <cli/plugins_args.h>

/* Writes to out. Shadowed entries only with explain. */
void tkp_plugins_list(const struct tkp_registry *registry, const struct tkp_plugins_args *args,
                      struct tkp_buffer *out);
void tkp_plugins_dirs(const struct tkp_registry *registry, struct tkp_buffer *out);
/* The members of one entry, between object_begin and object_end of the caller. */
void tkp_plugins_write_entry(struct tokperf_json_writer *w,
                             const struct tkp_component_entry *entry);

#endif

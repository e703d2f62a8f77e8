/* SPDX-License-Identifier: Apache-2.0 */
/* What a fragment says of a component below `metadata`, as JSON. [main] */
#ifndef TKP_PLUGIN_METADATA_H
#define TKP_PLUGIN_METADATA_H

#include <base/arena.h>
#include <config/yaml.h>

/* The node as one line of JSON in the arena; NULL for no node, or without memory. */
const char *tkp_metadata_json(const struct tkp_yaml_node *node, struct tkp_arena *arena);

#endif

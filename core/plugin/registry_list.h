/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry's entries and the rules between them: precedence, duplicates, lookup. [main]
 */
#ifndef TKP_PLUGIN_REGISTRY_LIST_H
#define TKP_PLUGIN_REGISTRY_LIST_H

#include <plugin/fragment.h>

enum { TKP_REGISTRY_MAX_ENTRIES = 4096 };

struct tkp_registry_row {
    struct tkp_component_entry entry;
    uint32_t source; /* rank of its source */
    uint32_t order;  /* rank within everything read */
};

struct tkp_registry_list {
    struct tkp_registry_row *rows;
    uint32_t count, capacity;
};

tokperf_status tkp_registry_list_add(struct tkp_registry_list *list,
                                     const struct tkp_component_entry *entry, uint32_t source,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;
/* Gives the components of a module, which is loaded for it, to sink. */
tokperf_status tkp_registry_list_module(const char *path, struct tkp_arena *arena,
                                        const struct tkp_fragment_sink *sink,
                                        struct tokperf_error *error) TOKPERF_MUST_USE;
/* Orders by kind, name and precedence, and fills state, winner and the problem of duplicates.
 * Nothing may be added afterwards. */
tokperf_status tkp_registry_list_settle(struct tkp_registry_list *list, struct tkp_arena *arena,
                                        struct tokperf_error *error) TOKPERF_MUST_USE;
tokperf_status tkp_registry_list_find(const struct tkp_registry_list *list, const char *kind,
                                      const char *name, const struct tkp_component_entry **entry,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_registry_list_finish(struct tkp_registry_list *list);

#endif

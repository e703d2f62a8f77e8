/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin kinds that this program knows: one row each. [any]
 */
#ifndef TKP_PLUGIN_KIND_H
#define TKP_PLUGIN_KIND_H

#include <stdbool.h>
#include <tokperf/plugin.h>

/* A function that a vtable must hold. */
struct tkp_kind_member {
    const char *name;
    uint32_t offset_bytes;
};

struct tkp_kind {
    const char *name;                      /* what users and fragments say: "endpoint" */
    const char *id;                        /* what descriptors say: TOKPERF_KIND_ENDPOINT */
    uint32_t vtable_min_bytes;             /* the smallest struct_size that works */
    const struct tkp_kind_member *members; /* ended by a NULL name */
};

/* NULL when there is no such kind. */
const struct tkp_kind *tkp_kind_by_name(const char *name);
const struct tkp_kind *tkp_kind_by_id(const char *id);
/* The kind whose id differs from this one in its revision alone ("tokperf.endpoint/2"), or NULL. */
const struct tkp_kind *tkp_kind_of_other_revision(const char *id);
/* Names, NULL-ended, in the order of the table. [main] */
const char *const *tkp_kind_names(void);

#endif

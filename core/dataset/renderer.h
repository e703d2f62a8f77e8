/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the dataset share: its inside, and rendering with answers left out. */
#ifndef TKP_DATASET_RENDERER_H
#define TKP_DATASET_RENDERER_H

#include <dataset/store.h>

struct tkp_dataset {
    const struct tkp_plan *plan;
    const struct tkp_instance *endpoint;
    const struct tokperf_endpoint_vtable *vtable; /* of the endpoint */
    struct tokperf_span model;
    uint32_t request_flags; /* TOKPERF_REQUEST_* */
    struct tkp_store store;
    struct tkp_arena rendered; /* requests that were rendered ahead */
};

/* tkp_renderer_render(); an answer that is not there is left out of the history instead of being an
 * error. */
tokperf_status tkp_renderer_render_without(struct tkp_renderer *renderer, uint64_t row,
                                           uint32_t turn, struct tkp_rendered *rendered,
                                           struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

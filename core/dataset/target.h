/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an endpoint plugin renders to: buffers that keep their memory from request to request.
 * Owned by one thread.
 */
#ifndef TKP_DATASET_TARGET_H
#define TKP_DATASET_TARGET_H

#include <base/buffer.h>
#include <dataset/dataset.h>

enum {
    TKP_MAX_BODY_BYTES = 256 << 20,
    TKP_MAX_HEADERS_BYTES = 64 << 10,
    TKP_MAX_PATH_BYTES = 8 << 10,
    TKP_MAX_TYPE_BYTES = 256,
    TKP_MAX_METHOD_BYTES = 16
};

struct tkp_target {
    struct tokperf_request_sink sink; /* what format() gets */
    struct tkp_buffer method, path, content_type, headers, body;
    struct tkp_rendered holes; /* only its holes are used */
    const char *problem;       /* the first refused call, or NULL */
};

/* The sink points into the target: it must not move. */
void tkp_target_init(struct tkp_target *target);
void tkp_target_finish(struct tkp_target *target);
void tkp_target_clear(struct tkp_target *target);
/* What was rendered, borrowed until the next clear. Fails when a call was refused or a bound was
 * reached. Hashes the body; the token counts stay as they are. */
tokperf_status tkp_target_take(struct tkp_target *target, struct tkp_rendered *rendered,
                               struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

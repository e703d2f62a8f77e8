/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an endpoint plugin renders to: buffers that keep their memory from request to request.
 * Owned by one thread.
 */
#ifndef TKP_DATASET_RENDERING_H
#define TKP_DATASET_RENDERING_H

#include <base/buffer.h>
#include <dataset/dataset.h>

enum {
    TKP_MAX_BODY_BYTES = 256 << 20,
    TKP_MAX_HEADERS_BYTES = 64 << 10,
    TKP_MAX_PATH_BYTES = 8 << 10,
    TKP_MAX_TYPE_BYTES = 256,
    TKP_MAX_METHOD_BYTES = 16
};

struct tkp_rendering {
    struct tokperf_request_sink sink; /* what format() gets */
    struct tkp_buffer method, path, content_type, headers, body;
    struct tkp_rendered holes; /* only its holes are used */
    const char *problem;       /* the first refused call, or NULL */
};

/* The sink points into the rendering: it must not move. */
void tkp_rendering_init(struct tkp_rendering *rendering);
void tkp_rendering_finish(struct tkp_rendering *rendering);
void tkp_rendering_clear(struct tkp_rendering *rendering);
/* What was rendered, borrowed until the next clear. Fails when a call was refused or a bound was
 * reached. Hashes the body; the token counts stay as they are. */
tokperf_status tkp_rendering_take(struct tkp_rendering *rendering, struct tkp_rendered *rendered,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

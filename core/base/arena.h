/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is freed all at once. One thread fills it; afterwards any thread may read.
 */
#ifndef TKP_BASE_ARENA_H
#define TKP_BASE_ARENA_H

#include <stddef.h>
#include <tokperf/base.h>

struct tkp_arena_chunk;
struct tkp_arena {
    struct tkp_arena_chunk *chunks;
    size_t used_bytes, max_bytes; /* max_bytes 0: no bound */
};

void tkp_arena_init(struct tkp_arena *a, size_t max_bytes);
void tkp_arena_finish(struct tkp_arena *a);
/* Zeroed, aligned to 16, or NULL at the bound or without memory. len 0 gives a valid pointer. */
void *tkp_arena_alloc(struct tkp_arena *a, size_t len);
/* Copies with a NUL behind; NULL like alloc. */
char *tkp_arena_copy(struct tkp_arena *a, const char *data, size_t len);
/* A copied span; data NULL when it failed and len was not 0. */
struct tokperf_span tkp_arena_span(struct tkp_arena *a, struct tokperf_span span);
char *tkp_arena_printf(struct tkp_arena *a, const char *format, ...) TOKPERF_PRINTF(2, 3);

#endif

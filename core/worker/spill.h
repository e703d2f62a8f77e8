/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that must outlive the read they came in: a header line, an event or a body that is cut by
 * the end of the read buffer. A worker owns one pool of such buffers; they grow on the way to a new
 * peak and are kept for the next one who needs one. Owned by one thread.
 */
#ifndef TKP_WORKER_SPILL_H
#define TKP_WORKER_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <tokperf/base.h>

struct tkp_spill {
    struct tkp_spill *next; /* in the pool */
    char *data;
    size_t len, capacity;
};

struct tkp_spill_pool {
    struct tkp_spill *free;
    size_t total_bytes, max_total_bytes; /* of all buffers, in use or not */
};

/* All buffers of a pool together never exceed max_total_bytes. */
void tkp_spill_pool_init(struct tkp_spill_pool *pool, size_t max_total_bytes);
/* Frees the buffers that were given back; the others must have been. */
void tkp_spill_pool_finish(struct tkp_spill_pool *pool);

/* An empty buffer, or NULL without memory. */
struct tkp_spill *tkp_spill_take(struct tkp_spill_pool *pool);
/* Accepts NULL. */
void tkp_spill_give(struct tkp_spill_pool *pool, struct tkp_spill *spill);
/* Room for len more bytes behind the content, or NULL at the pool's bound or without memory; the
 * caller then raises spill->len. */
char *tkp_spill_reserve(struct tkp_spill_pool *pool, struct tkp_spill *spill, size_t len);
/* Appends to *spill, taking one first when it is NULL. false: changed nothing. */
bool tkp_spill_append(struct tkp_spill_pool *pool, struct tkp_spill **spill, const char *data,
                      size_t len);

#endif

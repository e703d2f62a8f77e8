/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrival times of a request's content chunks, in pages of a worker's pool: about 4 bytes a chunk,
 * for as long as the request is not recorded. Owned by one thread.
 */
#ifndef TKP_WORKER_CHUNK_TIMES_H
#define TKP_WORKER_CHUNK_TIMES_H

#include <record/block.h>
#include <stddef.h>

enum {
    TKP_CHUNK_PAGE_TIMES = 124,           /* a page is 512 bytes */
    TKP_CHUNK_MAX_TIMES = 4 * 1024 * 1024 /* of one request */
};

struct tkp_chunk_page {
    struct tkp_chunk_page *next;
    uint64_t first_ns;
    uint32_t count;
    uint32_t gaps_ns[TKP_CHUNK_PAGE_TIMES - 1]; /* a longer gap than 32 bits begins a page */
};

struct tkp_chunk_times {
    struct tkp_chunk_page *first, *last;
    uint64_t last_ns;
    uint32_t count;
};

struct tkp_chunk_slab;
struct tkp_chunk_pool {
    struct tkp_chunk_page *free;
    struct tkp_chunk_slab *slabs;
    /* of the source: what it reads, the page that comes next, the piece that it gave */
    const struct tkp_chunk_times *source;
    const struct tkp_chunk_page *reading;
    uint64_t piece_ns[TKP_CHUNK_PAGE_TIMES];
};
void tkp_chunk_pool_init(struct tkp_chunk_pool *pool);
void tkp_chunk_pool_finish(struct tkp_chunk_pool *pool); /* frees every page */

/* Adds a time, not below the one before. false: at the bound or without memory. */
bool tkp_chunk_times_add(struct tkp_chunk_times *times, struct tkp_chunk_pool *pool,
                         uint64_t time_ns);
/* Gives the pages back. */
void tkp_chunk_times_clear(struct tkp_chunk_times *times, struct tkp_chunk_pool *pool);
/* A source over the times; it borrows them. One at a time of a pool; a piece lasts until the next.
 */
struct tkp_chunk_source tkp_chunk_times_source(const struct tkp_chunk_times *times,
                                               struct tkp_chunk_pool *pool);

#endif

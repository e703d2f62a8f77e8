/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a worker to the recorder: finished requests encoded into 64 KiB blocks of a fixed pool. A
 * worker owns its encoder; blocks travel through two rings (full ones there, empty ones back).
 * Nothing is lost: put() that finds no free block changes nothing and says so.
 */
#ifndef TKP_RECORD_BLOCK_H
#define TKP_RECORD_BLOCK_H

#include <record/row.h>

enum { TKP_BLOCK_BYTES = 64 * 1024, TKP_BLOCK_MAX_AGE_MS = 50 };

/* Arrival times of a request's content chunks, in any pieces. */
struct tkp_chunk_source {
    void *context;
    /* Gives the next piece of ascending monotonic ns; returns its length, 0 at the end. */
    uint32_t (*next)(void *context, const uint64_t **times_ns);
    void (*rewind)(void *context);
};

struct tkp_block_encoder;
struct tkp_block_channel; /* one per worker: pool and both rings */

struct tkp_block_channel *tkp_block_channel_create(uint32_t worker, uint32_t block_count);
void tkp_block_channel_destroy(struct tkp_block_channel *channel);

/* Worker side. */
/* false when there is no free block: keep the request and try again later. chunks may be NULL. */
bool tkp_block_put(struct tkp_block_channel *channel, const struct tkp_row *row,
                   const struct tkp_chunk_source *chunks, uint64_t now_ns);
/* Hands on a block that is older than TKP_BLOCK_MAX_AGE_MS (force: any that is not empty). Returns
 * the time by which it wants to be called again, or TKP_NEVER_NS. */
uint64_t tkp_block_flush(struct tkp_block_channel *channel, uint64_t now_ns, bool force);

#endif

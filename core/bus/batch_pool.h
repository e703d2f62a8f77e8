/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Within core/bus: batches that are not in use, kept for their memory, and those whose bytes libzmq
 * reads. It sends from where they lie, without a copy, and gives them back from a thread of its
 * own, maybe after the publisher is gone: the pool lives until the last one is back.
 */
#ifndef TKP_BUS_BATCH_POOL_H
#define TKP_BUS_BATCH_POOL_H

#include <bus/frame.h>

/* Unused batches that are kept. */
enum { TKP_BATCH_SPARE_COUNT = 8 };

struct tkp_batch {
    struct tkp_batch *next;
    struct tkp_buffer bytes; /* room for the head, then frames */
    enum tkp_topic topic;
    uint32_t frame_count;
    uint64_t sequence;  /* of its first frame, in its topic */
    uint64_t place;     /* of its first frame, among those of all topics */
    uint64_t opened_ns; /* when its first frame was put */
};

struct tkp_batch_pool;
struct tkp_batch_pool *tkp_batch_pool_create(void); /* NULL without memory */
/* Its owner is done with it; batches that were taken were given back or are lent. Accepts NULL. */
void tkp_batch_pool_destroy(struct tkp_batch_pool *pool);

/* An empty batch, or NULL. [any] */
struct tkp_batch *tkp_batch_pool_take(struct tkp_batch_pool *pool);
void tkp_batch_pool_give(struct tkp_batch_pool *pool, struct tkp_batch *batch); /* [any] */

/* From here on the batch is whoever's reads its bytes, who says tkp_batch_pool_return() once.
 * [any] */
void tkp_batch_pool_lend(struct tkp_batch_pool *pool, struct tkp_batch *batch);
/* A lent batch is the caller's again: the return that comes nevertheless means nothing. [any] */
void tkp_batch_pool_reclaim(struct tkp_batch_pool *pool, struct tkp_batch *batch);
/* Frames in batches that are lent: somebody has not got them yet. [any] */
uint64_t tkp_batch_pool_lent_frames(struct tkp_batch_pool *pool);
/* Of type zmq_free_fn: data is the bytes of a batch that was lent, pool is the pool. [any] */
void tkp_batch_pool_return(void *data, void *pool);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Within core/bus: the batches of a publisher. Each topic has one that is open, which frames are
 * put into; behind them is one queue of closed batches, in the order in which they go out. The
 * owner holds a lock around every call.
 */
#ifndef TKP_BUS_BATCH_H
#define TKP_BUS_BATCH_H

#include <bus/batch_pool.h>

struct tkp_batches {
    uint32_t batch_frames, queue_batches;
    struct {
        struct tkp_batch *open; /* NULL: empty */
        uint64_t next_sequence;
        uint32_t queued; /* batches */
    } topics[TKP_TOPIC_COUNT];
    struct tkp_batch *first, **last; /* the queue */
    struct tkp_batch_pool *pool;
    uint64_t next_place;
};

/* False: no memory. */
bool tkp_batches_init(struct tkp_batches *b, uint32_t batch_frames, uint32_t queue_batches);
/* Accepts a zeroed one. */
void tkp_batches_finish(struct tkp_batches *b);

/* Numbers frames that nobody is to get. Returns as the next. */
uint64_t tkp_batches_skip(struct tkp_batches *b, enum tkp_topic topic, uint64_t count);
/* Puts frames into the topic's open batch; one that has batch_frames is closed and the next begun.
 * Returns how many were lost: those without memory, too long for a batch, or over queue_batches. */
uint64_t tkp_batches_put(struct tkp_batches *b, enum tkp_topic topic, struct tokperf_span frames,
                         uint32_t count, uint64_t now_ns);
/* When the oldest open batch was opened; TKP_NEVER_NS: none is. */
uint64_t tkp_batches_oldest_ns(const struct tkp_batches *b);
/* Closes those that were opened at until_ns or before, in the order of their first frames. Returns
 * how many frames were lost. */
uint64_t tkp_batches_close(struct tkp_batches *b, uint64_t until_ns);
/* Takes the first of the queue; NULL: it is empty. It goes back to the pool, or to its place. */
struct tkp_batch *tkp_batches_take(struct tkp_batches *b);
void tkp_batches_put_back(struct tkp_batches *b, struct tkp_batch *batch);
/* Batches in the queue. */
uint32_t tkp_batches_queued(const struct tkp_batches *b);
/* Frames in open and closed batches. */
uint64_t tkp_batches_waiting(const struct tkp_batches *b);

#endif

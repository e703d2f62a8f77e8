/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a worker to the recorder: finished requests encoded into 64 KiB blocks of a fixed pool. A
 * worker owns its encoder; blocks travel through two rings (full ones there, empty ones back).
 * Nothing is lost: put() that finds no free block changes nothing and says so.
 *
 * Beside them, while somebody watches: events of requests, in blocks of a kind and a pool of their
 * own. They may be lost, which is counted; they never take a block from the rows. Blocks arrive in
 * an order in which the events of a request come before its row.
 */
#ifndef TKP_RECORD_BLOCK_H
#define TKP_RECORD_BLOCK_H

#include <record/request_event.h>
#include <record/row.h>

enum {
    TKP_BLOCK_BYTES = 64 * 1024,
    TKP_BLOCK_MAX_AGE_MS = 50,
    /* Of events, in each channel: 18,000 events, which outlast a recorder that does not get to run
     * for a third of a second when a worker sends 25,000 requests/s. */
    TKP_BLOCK_EVENT_BLOCKS = 16
};

/* Arrival times of a request's content chunks, in any pieces. */
struct tkp_chunk_source {
    void *context;
    /* Gives the next piece of ascending monotonic ns; returns its length, 0 at the end. */
    uint32_t (*next)(void *context, const uint64_t **times_ns);
    void (*rewind)(void *context);
};

/* The kind of a block of events (struct tkp_request_event, one behind the other). It is no kind of
 * the record log, whose kinds have 16 bits: such a block is never written there. */
#define TKP_BLOCK_EVENTS UINT32_C(0x10000)

/* The payload of one block of the record log, or events. */
struct tkp_block {
    uint32_t kind; /* enum tkp_log_kind: ROWS or CHUNKS; or TKP_BLOCK_EVENTS */
    uint32_t used_bytes;
    unsigned char data[TKP_BLOCK_BYTES];
};

struct tkp_block_encoder;
struct tkp_block_channel; /* one per worker: pool and both rings */

/* NULL without memory, or with no block. The recorder must have returned every block, or be gone,
 * when a channel is destroyed. [main] */
struct tkp_block_channel *tkp_block_channel_create(uint32_t worker, uint32_t block_count);
void tkp_block_channel_destroy(struct tkp_block_channel *channel);
/* Of both pools: no more are on their way at a time. [any] */
uint32_t tkp_block_count(const struct tkp_block_channel *channel);
/* Events that were dropped so far because the recorder had all of their blocks. [any] */
uint64_t tkp_block_events_lost(const struct tkp_block_channel *channel);

/* Worker side: one thread. */
/*
 * Hands a finished request over; true when all of it is. Until then the caller keeps row, chunks
 * and texts and calls again later: false means that there is no free block. chunks may be NULL: the
 * row has no chunk times then; otherwise it must hold row->chunk_count times, of which the first 16
 * M are kept. It is rewound before it is read. texts: row->kept_bytes of them (kept_text.h).
 *
 * A row that fits one block goes over whole or not at all. A longer one goes over block by block,
 * across as many calls as it takes (any pool of at least one block suffices); from its first false
 * to its true, put() of any other row returns false and changes nothing. The row is known again by
 * (phase, ordinal, turn_index, retries, start_ns), so a copy will do; it must not be given up.
 */
bool tkp_block_put(struct tkp_block_channel *channel, const struct tkp_row *row,
                   const struct tkp_chunk_source *chunks, const char *texts, uint64_t now_ns);
/* Hands an event over, or drops and counts it. Before the put() of its row. */
void tkp_block_put_event(struct tkp_block_channel *channel, const struct tkp_request_event *event,
                         uint64_t now_ns);
/* Hands on blocks that are older than TKP_BLOCK_MAX_AGE_MS, while the recorder keeps up (force: any
 * that is not empty). Returns the time by which it wants to be called again, or TKP_NEVER_NS. */
uint64_t tkp_block_flush(struct tkp_block_channel *channel, uint64_t now_ns, bool force);

/* Recorder side: one thread. */
/* The oldest block that was handed on, or NULL. Borrowed until it is given back. */
struct tkp_block *tkp_block_take(struct tkp_block_channel *channel);
void tkp_block_give_back(struct tkp_block_channel *channel, struct tkp_block *block);

#endif

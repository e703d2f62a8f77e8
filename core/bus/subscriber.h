/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receives what a publisher sends, and counts what did not come. One thread from open to close,
 * which owns the socket.
 */
#ifndef TKP_BUS_SUBSCRIBER_H
#define TKP_BUS_SUBSCRIBER_H

#include <bus/bus.h>
#include <bus/frame.h>

struct tkp_subscriber_counts {
    uint64_t batches, frames;
    uint64_t missed[TKP_TOPIC_COUNT]; /* frames between those that came, by their sequence */
    uint64_t unknown;                 /* frames of kinds or versions that are not known here */
    uint64_t damaged;                 /* messages that are no batch, and batches cut short */
};

struct tkp_subscriber;
/* topics: bit 1 << enum tkp_topic. Connects; that nobody is there is no error: it is waited for.
 * high_water_batches: of the receiving side; 0: the publisher's. */
tokperf_status tkp_subscriber_open(struct tkp_bus *bus, const char *address, uint32_t topics,
                                   uint32_t high_water_batches, struct tkp_subscriber **subscriber,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
/* Waits up to timeout_ms for a batch. TOKPERF_E_TIMEOUT: none came. TOKPERF_E_PARSE: a message that
 * is no batch, counted; go on. The reader borrows the batch until the next call. A batch's frames
 * are counted when it is given out. */
tokperf_status tkp_subscriber_next(struct tkp_subscriber *subscriber, uint32_t timeout_ms,
                                   struct tkp_frame_reader *reader,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
const struct tkp_subscriber_counts *tkp_subscriber_counts(const struct tkp_subscriber *subscriber);
void tkp_subscriber_close(struct tkp_subscriber *subscriber);

#endif

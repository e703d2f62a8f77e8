/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what the recorder hears of requests to the bus's sample topic: collects frames and puts them
 * in one piece when the recorder pauses. While nobody listens it does nothing but count what it
 * left out, so that whoever comes later sees the numbers of the frames go on. [recorder]
 */
#ifndef TKP_RUN_SAMPLE_FEED_H
#define TKP_RUN_SAMPLE_FEED_H

#include <base/buffer.h>
#include <bus/publisher.h>
#include <record/request_event.h>
#include <record/row.h>

struct tkp_sample_feed {
    struct tkp_publisher *publisher; /* NULL: there is no bus */
    const struct tkp_flag *wanted;
    struct tkp_buffer frames;
    uint32_t count;    /* of frames */
    uint64_t left_out; /* frames that were not made since the last put */
};

/* publisher may be NULL. [main] */
void tkp_sample_feed_init(struct tkp_sample_feed *feed, struct tkp_publisher *publisher);
/* Accepts a zeroed one. [main] */
void tkp_sample_feed_finish(struct tkp_sample_feed *feed);

void tkp_sample_feed_event(struct tkp_sample_feed *feed, const struct tkp_request_event *event);
void tkp_sample_feed_row(struct tkp_sample_feed *feed, const struct tkp_row *row);
/* So many events did not get here: subscribers see a gap. */
void tkp_sample_feed_lost(struct tkp_sample_feed *feed, uint64_t count);
/* Puts what was collected. */
void tkp_sample_feed_put(struct tkp_sample_feed *feed);

#endif

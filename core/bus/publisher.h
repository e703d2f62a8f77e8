/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishes frames: any thread hands them over, one thread of the publisher's owns the socket. A
 * batch per topic goes out when it has batch_frames frames or its oldest is max_age_ns old,
 * whichever is first, and at once by flush. Nobody waits for a subscriber: libzmq drops what is
 * over a slow one's high-water mark, and that one sees the gap in the sequence. A batch whose send
 * fails is kept and sent again, in order, until `queue_batches` wait; what is then lost is counted.
 */
#ifndef TKP_BUS_PUBLISHER_H
#define TKP_BUS_PUBLISHER_H

#include <base/atomic.h>
#include <bus/bus.h>
#include <bus/frame.h>

enum { TKP_PUBLISHER_HIGH_WATER_BATCHES = 64, TKP_PUBLISHER_MAX_AGE_MS = 100 };

struct tkp_publisher_options {
    const char *address;
    uint32_t batch_frames; /* --events-batch */
    uint64_t max_age_ns;
    uint32_t queue_batches; /* of a topic, waiting to be sent */
    /* Sends one part of a message; returns an errno value, 0 when it went out. NULL: libzmq
     * sends, without a copy. Tests put their own here, to make it fail. [publisher's thread] */
    int (*send_part)(void *context, void *socket, struct tokperf_span part, bool is_last);
    void *send_context;
};

struct tkp_publisher;
/* Binds. [main] */
tokperf_status tkp_publisher_open(struct tkp_bus *bus, const struct tkp_publisher_options *options,
                                  struct tkp_publisher **publisher,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
/* Whether somebody subscribed to a topic; cheap. A topic without a subscriber takes frames and
 * numbers them, and drops them. [any] */
bool tkp_publisher_has_subscriber(const struct tkp_publisher *publisher, enum tkp_topic topic);
/* The same for the sample topic, to be looked at by workers; valid until close. */
const struct tkp_flag *tkp_publisher_sample_flag(const struct tkp_publisher *publisher);
/* Hands frames over (tkp_frame_put), `count` of them. Copies; waits for nobody. [any] */
void tkp_publisher_put(struct tkp_publisher *publisher, enum tkp_topic topic,
                       struct tokperf_span frames, uint32_t count);
/* So many frames of a topic are not there to be put: those put later are numbered as if they had
 * been, and a subscriber sees the gap. [any] */
void tkp_publisher_skip(struct tkp_publisher *publisher, enum tkp_topic topic, uint64_t count);
/* Sends every topic's batch now, in the order in which their first frames came. [any] */
void tkp_publisher_flush(struct tkp_publisher *publisher);
/* Frames that never went out. [any] */
uint64_t tkp_publisher_lost(const struct tkp_publisher *publisher);
struct tkp_publisher_losses {
    uint64_t unsent;  /* frames that never went out */
    uint64_t untaken; /* that went out, and that a subscriber had not taken at the end */
};
/* Sends what waits and closes. Sends that fail are repeated for linger_ms, and what subscribers do
 * not take is waited for as long, at least 0.1 s. *losses is filled unless NULL. Accepts NULL.
 * [main] */
void tkp_publisher_close(struct tkp_publisher *publisher, uint32_t linger_ms,
                         struct tkp_publisher_losses *losses);

#endif

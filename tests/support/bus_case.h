/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A publisher on a real socket, and who listens to it. Frames carry their own number as payload, so
 * that a test knows which ones came. Include behind cmocka.h.
 */
#ifndef TKP_TEST_BUS_CASE_H
#define TKP_TEST_BUS_CASE_H

#include <base/clock.h>
#include <base/text.h>
#include <bus/publisher.h>
#include <bus/subscriber.h>
#include <sched.h>
#include <stdio.h>

enum { BUS_PATIENCE_MS = 60000 }; /* for what must come: only a defect waits so long */

struct bus_case {
    struct tkp_bus *bus;
    struct tkp_bus_folder folder; /* of ipc */
    char address[TKP_BUS_ADDRESS_BYTES];
    struct tkp_publisher *publisher;
};

#define BUS_OK(call)                                   \
    do {                                               \
        struct tokperf_error error_ = {0};             \
        struct tokperf_error *error = &error_;         \
        if (call)                                      \
            fail_msg("%s: %s", #call, error_.message); \
    } while (0)

/* Waits for a condition that threads of the bus bring about. */
#define BUS_AWAIT(condition)                                                       \
    do {                                                                           \
        uint64_t until_ns_ = tkp_clock_now_ns() + BUS_PATIENCE_MS * TKP_NS_PER_MS; \
        while (!(condition)) {                                                     \
            if (tkp_clock_now_ns() > until_ns_)                                    \
                fail_msg("waited in vain for %s", #condition);                     \
            sched_yield();                                                         \
        }                                                                          \
    } while (0)

static inline void bus_case_make(struct bus_case *c, bool is_ipc)
{
    memset(c, 0, sizeof *c);
    BUS_OK(tkp_bus_create(&c->bus, error));
    if (is_ipc) {
        BUS_OK(tkp_bus_folder_make(&c->folder, error));
        tkp_bus_folder_address(&c->folder, "events", c->address);
    } else {
        snprintf(c->address, sizeof c->address, "inproc://events");
    }
}

/* batch_frames, max_age_ns and the rest as given; queue_batches 0: many. */
static inline void bus_case_publish(struct bus_case *c, struct tkp_publisher_options options)
{
    options.address = c->address;
    if (!options.queue_batches)
        options.queue_batches = 4096;
    BUS_OK(tkp_publisher_open(c->bus, &options, &c->publisher, error));
}

static inline struct tkp_subscriber *bus_case_subscribe(struct bus_case *c, uint32_t topics)
{
    struct tkp_subscriber *subscriber;
    BUS_OK(tkp_subscriber_open(c->bus, c->address, topics, 0, &subscriber, error));
    for (uint32_t i = 0; i < TKP_TOPIC_COUNT; i++)
        if (topics & 1u << i)
            BUS_AWAIT(tkp_publisher_has_subscriber(c->publisher, (enum tkp_topic)i));
    return subscriber;
}

/* Returns the frames that the publisher says were not sent: with BUS_PATIENCE_MS none that could
 * go. */
static inline uint64_t bus_case_end(struct bus_case *c, uint32_t linger_ms)
{
    struct tkp_publisher_losses losses;
    tkp_publisher_close(c->publisher, linger_ms, &losses);
    tkp_bus_folder_remove(&c->folder);
    tkp_bus_destroy(c->bus);
    return losses.unsent;
}

static inline enum tkp_frame_kind bus_case_kind(enum tkp_topic topic)
{
    static const enum tkp_frame_kind kinds[TKP_TOPIC_COUNT] = {
        TKP_FRAME_SESSION_STARTED, TKP_FRAME_PHASE_BEGUN, TKP_FRAME_ISSUED, TKP_FRAME_SNAPSHOT};
    return kinds[topic];
}

/* Puts `count` frames with the numbers from `first` on in one call, each `bytes` long (at least 8).
 */
static inline void bus_case_put_long(struct bus_case *c, enum tkp_topic topic, uint64_t first,
                                     uint32_t count, size_t bytes)
{
    struct tkp_buffer frames;
    char *payload = test_calloc(1, bytes);
    tkp_buffer_init(&frames, (bytes + sizeof(struct tkp_frame_head)) * count + 1);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = first + i;
        memcpy(payload, &number, sizeof number);
        tkp_frame_put(&frames, bus_case_kind(topic), payload, bytes);
    }
    assert_false(frames.failed);
    tkp_publisher_put(c->publisher, topic, tkp_buffer_span(&frames), count);
    tkp_buffer_finish(&frames);
    test_free(payload);
}

static inline void bus_case_put(struct bus_case *c, enum tkp_topic topic, uint64_t first,
                                uint32_t count)
{
    bus_case_put_long(c, topic, first, count, sizeof(uint64_t));
}

/* The next batch, which must have so many frames, numbered on from `first`. */
static inline void bus_case_expect(struct tkp_subscriber *subscriber, enum tkp_topic topic,
                                   uint64_t first, uint32_t count)
{
    struct tkp_frame_reader reader;
    BUS_OK(tkp_subscriber_next(subscriber, BUS_PATIENCE_MS, &reader, error));
    assert_string_equal(tkp_topic_name((enum tkp_topic)reader.head.topic), tkp_topic_name(topic));
    assert_int_equal(reader.head.frame_count, count);
    for (uint32_t i = 0; i < count; i++) {
        struct tkp_frame frame;
        uint64_t number;
        BUS_OK(tkp_frame_reader_next(&reader, &frame, error));
        assert_int_equal(frame.kind, bus_case_kind(topic));
        assert_true(frame.payload.len >= sizeof number);
        memcpy(&number, frame.payload.data, sizeof number);
        assert_int_equal(number, first + i);
    }
}

/* Nothing more is there: what is put now comes next. */
static inline void bus_case_expect_nothing(struct tkp_subscriber *subscriber)
{
    struct tkp_frame_reader reader;
    assert_int_equal(tkp_subscriber_next(subscriber, 0, &reader, NULL), TOKPERF_E_TIMEOUT);
}

#endif

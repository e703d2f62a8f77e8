/* SPDX-License-Identifier: Apache-2.0 */
/* A subscriber: one socket, one message at a time, checked as a whole before it is given out. */
#include <bus/subscriber.h>

#include <base/error.h>
#include <base/text.h>
#include <bus/handoff.h>
#include <bus/publisher.h>
#include <bus/socket.h>
#include <stdlib.h>
#include <zmq.h>

struct tkp_subscriber {
    struct tkp_bus *bus;
    void *socket;
    zmq_msg_t batch; /* the message that was given out last */
    struct tkp_subscriber_counts counts;
    struct {
        bool is_known; /* a batch has come */
        uint64_t next_sequence;
    } topics[TKP_TOPIC_COUNT];
};

static tokperf_status connect_and_subscribe(struct tkp_subscriber *s, const char *address,
                                            uint32_t topics, uint32_t high_water_batches,
                                            struct tokperf_error *error)
{
    static const char name[] = "a subscriber to events";
    struct tkp_socket_bounds bounds = {TKP_PUBLISHER_HIGH_WATER_BATCHES, TKP_BATCH_MAX_BYTES};
    if (high_water_batches)
        bounds.high_water_messages = (int)(high_water_batches & INT32_MAX);
    tokperf_status status = tkp_socket_open(s->bus, ZMQ_SUB, name, &bounds, &s->socket, error);
    for (uint32_t i = 0; !status && i < TKP_TOPIC_COUNT; i++) {
        const char *topic = tkp_topic_name((enum tkp_topic)i);
        if (topics & 1u << i && zmq_setsockopt(s->socket, ZMQ_SUBSCRIBE, topic, strlen(topic)))
            status = tkp_fail(error, TOKPERF_E_INTERNAL, "cannot subscribe to '%s': %s", topic,
                              zmq_strerror(zmq_errno()));
    }
    return status ? status : tkp_socket_connect(s->socket, address, name, error);
}

tokperf_status tkp_subscriber_open(struct tkp_bus *bus, const char *address, uint32_t topics,
                                   uint32_t high_water_batches, struct tkp_subscriber **subscriber,
                                   struct tokperf_error *error)
{
    *subscriber = NULL;
    struct tkp_subscriber *s = calloc(1, sizeof *s);
    if (!s)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a subscriber to events");
    s->bus = bus;
    zmq_msg_init(&s->batch);
    tokperf_status status = connect_and_subscribe(s, address, topics, high_water_batches, error);
    if (status) {
        tkp_subscriber_close(s);
        return status;
    }
    *subscriber = s;
    return TOKPERF_OK;
}

/* Reads all parts of the next message, the second into s->batch. False: there is none. */
static bool receive(struct tkp_subscriber *s, uint32_t *parts, enum tkp_topic *topic)
{
    zmq_msg_t other;
    zmq_msg_init(&other);
    *parts = 0;
    *topic = TKP_TOPIC_COUNT;
    for (bool more = true; more; ++*parts) {
        zmq_msg_t *part = *parts == 1 ? &s->batch : &other;
        if (zmq_msg_recv(part, s->socket, ZMQ_DONTWAIT) < 0)
            break; /* the parts of a message come together: there was no message */
        more = zmq_msg_more(part);
        if (*parts == 0)
            *topic = tkp_topic_find((struct tokperf_span){zmq_msg_data(part), zmq_msg_size(part)});
    }
    zmq_msg_close(&other);
    return *parts > 0;
}

static tokperf_status check(const struct tkp_subscriber *s, uint32_t parts, enum tkp_topic topic,
                            struct tkp_frame_reader *reader, struct tokperf_error *error)
{
    if (parts != 2 || topic == TKP_TOPIC_COUNT)
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "a message on the bus is not the name of a topic and a batch");
    zmq_msg_t *batch = (zmq_msg_t *)(uintptr_t)&s->batch; /* libzmq's getters are not const */
    tkp_handoff_acquire(zmq_msg_data(batch)); /* of inproc it is the publisher's own memory */
    struct tokperf_span bytes = {zmq_msg_data(batch), zmq_msg_size(batch)};
    tokperf_status status = tkp_frame_reader_init(reader, bytes, error);
    if (!status && reader->head.topic != topic)
        return tkp_fail(error, TOKPERF_E_PARSE, "a batch of the topic %s came under the name %s",
                        tkp_topic_name((enum tkp_topic)reader->head.topic), tkp_topic_name(topic));
    return status;
}

/* A sequence that goes back is that of another publisher at the same address. */
static void count_missed(struct tkp_subscriber *s, const struct tkp_batch_head *head)
{
    uint64_t next = s->topics[head->topic].next_sequence;
    if (s->topics[head->topic].is_known && head->sequence > next)
        s->counts.missed[head->topic] += head->sequence - next;
    s->topics[head->topic].is_known = true;
    s->topics[head->topic].next_sequence = head->sequence + head->frame_count;
}

/* Walks over the whole batch once, so that one that is cut short is not given out in part. */
static tokperf_status count_frames(struct tkp_subscriber *s, struct tkp_frame_reader reader,
                                   struct tokperf_error *error)
{
    struct tkp_frame frame;
    uint64_t unknown = 0;
    tokperf_status status;
    while (!(status = tkp_frame_reader_next(&reader, &frame, error)))
        unknown += !tkp_frame_kind_name(frame.kind) || frame.version != TKP_FRAME_VERSION;
    if (status != TOKPERF_E_NOT_FOUND)
        return status;
    s->counts.batches++;
    s->counts.frames += reader.head.frame_count;
    s->counts.unknown += unknown;
    count_missed(s, &reader.head);
    return TOKPERF_OK;
}

tokperf_status tkp_subscriber_next(struct tkp_subscriber *subscriber, uint32_t timeout_ms,
                                   struct tkp_frame_reader *reader, struct tokperf_error *error)
{
    struct tkp_subscriber *s = subscriber;
    uint32_t parts;
    enum tkp_topic topic;
    if (!receive(s, &parts, &topic) &&
        (!timeout_ms || !tkp_socket_wait(s->socket, timeout_ms) || !receive(s, &parts, &topic)))
        return tkp_fail(error, TOKPERF_E_TIMEOUT, "no event came in %u ms", (unsigned)timeout_ms);
    tokperf_status status = check(s, parts, topic, reader, error);
    if (!status)
        status = count_frames(s, *reader, error);
    s->counts.damaged += status != TOKPERF_OK;
    return status;
}

const struct tkp_subscriber_counts *tkp_subscriber_counts(const struct tkp_subscriber *subscriber)
{
    return &subscriber->counts;
}

void tkp_subscriber_close(struct tkp_subscriber *subscriber)
{
    if (!subscriber)
        return;
    zmq_msg_close(&subscriber->batch);
    tkp_socket_close(subscriber->bus, subscriber->socket, 0);
    free(subscriber);
}

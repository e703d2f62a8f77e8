/* SPDX-License-Identifier: Apache-2.0 */
/* Frames and batches as bytes (docs/bus.md). Pure; nothing of what is read is trusted. [any] */
#include <bus/frame.h>

#include <base/error.h>
#include <base/text.h>
#include <inttypes.h>

static const char *const topic_names[TKP_TOPIC_COUNT] = {
    [TKP_TOPIC_SESSION] = "session",
    [TKP_TOPIC_PHASE] = "phase",
    [TKP_TOPIC_SAMPLE] = "sample",
    [TKP_TOPIC_SNAPSHOT] = "snapshot",
};

static const struct {
    uint32_t kind;
    const char *name;
} kind_names[] = {
    {TKP_FRAME_SESSION_STARTED, "session.started"},
    {TKP_FRAME_SESSION_ENDED, "session.ended"},
    {TKP_FRAME_PHASE_BEGUN, "phase.begun"},
    {TKP_FRAME_PHASE_ENDED, "phase.ended"},
    {TKP_FRAME_ISSUED, "sample.issued"},
    {TKP_FRAME_FIRST_TOKEN, "sample.first_token"},
    {TKP_FRAME_ERROR, "sample.error"},
    {TKP_FRAME_COMPLETE, "sample.complete"},
    {TKP_FRAME_SNAPSHOT, "snapshot"},
};

const char *tkp_topic_name(enum tkp_topic topic)
{
    return topic_names[topic];
}

const char *tkp_frame_kind_name(uint32_t kind)
{
    for (size_t i = 0; i < sizeof kind_names / sizeof kind_names[0]; i++)
        if (kind_names[i].kind == kind)
            return kind_names[i].name;
    return NULL;
}

enum tkp_topic tkp_topic_find(struct tokperf_span name)
{
    uint32_t topic = 0;
    while (topic < TKP_TOPIC_COUNT && !tkp_span_is(name, topic_names[topic]))
        topic++;
    return (enum tkp_topic)topic;
}

void tkp_frame_put(struct tkp_buffer *out, enum tkp_frame_kind kind, const void *payload,
                   size_t len)
{
    if (len > TKP_BATCH_MAX_BYTES - sizeof(struct tkp_batch_head) - sizeof(struct tkp_frame_head)) {
        out->failed = true;
        return;
    }
    struct tkp_frame_head head = {(uint16_t)kind, TKP_FRAME_VERSION, (uint32_t)len};
    char *at = tkp_buffer_reserve(out, sizeof head + len); /* both or neither */
    if (!at)
        return;
    memcpy(at, &head, sizeof head);
    if (len)
        memcpy(at + sizeof head, payload, len);
    tkp_buffer_advance(out, sizeof head + len);
}

/* What the head says must fit the bytes that are there. */
static tokperf_status check_head(const struct tkp_batch_head *head, uint64_t length_bytes,
                                 struct tokperf_error *error)
{
    if (memcmp(head->magic, TKP_BATCH_MAGIC, sizeof head->magic) != 0)
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "a message on the bus is no batch of frames: it "
                        "does not begin with " TKP_BATCH_MAGIC);
    if (head->version != TKP_BATCH_VERSION)
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "a batch of version %u on the bus: this program reads version %u",
                        (unsigned)head->version, (unsigned)TKP_BATCH_VERSION);
    if (head->topic >= TKP_TOPIC_COUNT)
        return tkp_fail(error, TOKPERF_E_PARSE, "a batch of an unknown topic, %u, on the bus",
                        (unsigned)head->topic);
    if (head->length_bytes != length_bytes)
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "a batch on the bus says that it has %" PRIu32
                        " bytes of frames, and has %" PRIu64,
                        head->length_bytes, length_bytes);
    if (head->frame_count > length_bytes / sizeof(struct tkp_frame_head))
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "a batch on the bus says that it has %" PRIu32
                        " frames, which do not fit into its %" PRIu64 " bytes",
                        head->frame_count, length_bytes);
    return TOKPERF_OK;
}

tokperf_status tkp_frame_reader_init(struct tkp_frame_reader *reader, struct tokperf_span batch,
                                     struct tokperf_error *error)
{
    memset(reader, 0, sizeof *reader);
    if (batch.len < sizeof reader->head || batch.len > TKP_BATCH_MAX_BYTES)
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "a message of %" PRIu64 " bytes on the bus is no batch of frames: those "
                        "have %zu to %d",
                        batch.len, sizeof reader->head, TKP_BATCH_MAX_BYTES);
    struct tkp_batch_head head;
    memcpy(&head, batch.data, sizeof head);
    tokperf_status status = check_head(&head, batch.len - sizeof head, error);
    if (status)
        return status;
    reader->head = head;
    reader->at = batch.data + sizeof head;
    reader->end = batch.data + batch.len;
    return TOKPERF_OK;
}

/* Nothing more is read out of a batch that is damaged. */
static tokperf_status fail_damaged(struct tkp_frame_reader *reader, struct tokperf_error *error)
{
    uint32_t index = reader->index;
    reader->index = reader->head.frame_count;
    reader->at = reader->end;
    return tkp_fail(error, TOKPERF_E_PARSE,
                    "a batch of the topic %s on the bus is damaged behind its frame %" PRIu32
                    " of %" PRIu32,
                    topic_names[reader->head.topic], index, reader->head.frame_count);
}

tokperf_status tkp_frame_reader_next(struct tkp_frame_reader *reader, struct tkp_frame *frame,
                                     struct tokperf_error *error)
{
    struct tkp_frame_head head;
    size_t rest_bytes = (size_t)(reader->end - reader->at);
    if (reader->index == reader->head.frame_count) {
        if (rest_bytes)
            return fail_damaged(reader, error);
        return tkp_fail(error, TOKPERF_E_NOT_FOUND, "the batch has no more frames");
    }
    if (rest_bytes < sizeof head)
        return fail_damaged(reader, error);
    memcpy(&head, reader->at, sizeof head);
    if (head.length_bytes > rest_bytes - sizeof head)
        return fail_damaged(reader, error);
    *frame = (struct tkp_frame){
        .kind = head.kind,
        .version = head.version,
        .sequence = reader->head.sequence + reader->index,
        .payload = {reader->at + sizeof head, head.length_bytes},
    };
    reader->at += sizeof head + head.length_bytes;
    reader->index++;
    return TOKPERF_OK;
}

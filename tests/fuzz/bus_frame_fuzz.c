/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a batch from the bus: reading ends and never leaves them. The first byte chooses
 * whether the head is made to fit, so that the frames behind it are reached too.
 */
#include <bus/sample.h>

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum_of(struct tokperf_span span)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < span.len; i++)
        sum += (unsigned char)span.data[i];
    return sum;
}

/* Reads the payload as what it says that it is; returns something of everything in it. */
static uint64_t read_payload(const struct tkp_frame *frame)
{
    struct tkp_sample_issued issued;
    struct tkp_sample_first_token first_token;
    struct tkp_sample_complete complete;
    struct tkp_sample_error failure;
    struct tokperf_span type, message;
    struct tokperf_error error;
    if (frame->kind == TKP_FRAME_ISSUED && !tkp_sample_read_issued(frame->payload, &issued, &error))
        return issued.start_ns;
    if (frame->kind == TKP_FRAME_FIRST_TOKEN &&
        !tkp_sample_read_first_token(frame->payload, &first_token, &error))
        return first_token.time_ns;
    if (frame->kind == TKP_FRAME_COMPLETE &&
        !tkp_sample_read_complete(frame->payload, &complete, &error))
        return strlen(complete.finish_reason);
    if (frame->kind == TKP_FRAME_ERROR &&
        !tkp_sample_read_error(frame->payload, &failure, &type, &message, &error))
        return sum_of(type) + sum_of(message);
    return 0;
}

static void mend_head(char *batch, size_t size)
{
    struct tkp_batch_head head;
    memcpy(&head, batch, sizeof head);
    memcpy(head.magic, TKP_BATCH_MAGIC, sizeof head.magic);
    head.version = TKP_BATCH_VERSION;
    head.topic = (uint16_t)(head.topic % TKP_TOPIC_COUNT);
    head.length_bytes = (uint32_t)(size - sizeof head);
    memcpy(batch, &head, sizeof head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tkp_frame_reader reader;
    struct tkp_frame frame;
    struct tokperf_error error;
    uint64_t sum = 0, frames = 0;
    if (size == 0)
        return 0;
    char *batch = malloc(size);
    if (!batch)
        return 0;
    memcpy(batch, data + 1, size - 1);
    if (data[0] % 2 && size - 1 >= sizeof(struct tkp_batch_head))
        mend_head(batch, size - 1);
    if (!tkp_frame_reader_init(&reader, (struct tokperf_span){batch, size - 1}, &error))
        while (!tkp_frame_reader_next(&reader, &frame, &error)) {
            frames++;
            sum += sum_of(frame.payload) + read_payload(&frame) +
                   (tkp_frame_kind_name(frame.kind) != NULL);
        }
    if (frames > size || sum == UINT64_MAX) /* a frame has a head: so many do not fit */
        abort();
    free(batch);
    return 0;
}

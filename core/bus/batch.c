/* SPDX-License-Identifier: Apache-2.0 */
/* Open and closed batches of a publisher, under its lock; nothing here sends or waits. */
#include <bus/batch.h>

#include <base/clock.h>
#include <stdlib.h>

bool tkp_batches_init(struct tkp_batches *b, uint32_t batch_frames, uint32_t queue_batches)
{
    memset(b, 0, sizeof *b);
    b->batch_frames = batch_frames ? batch_frames : 1;
    b->queue_batches = queue_batches ? queue_batches : 1;
    b->last = &b->first;
    b->pool = tkp_batch_pool_create();
    return b->pool != NULL;
}

void tkp_batches_finish(struct tkp_batches *b)
{
    struct tkp_batch *batch;
    while (b->first && (batch = tkp_batches_take(b)))
        tkp_batch_pool_give(b->pool, batch);
    for (int i = 0; i < TKP_TOPIC_COUNT; i++)
        if (b->topics[i].open)
            tkp_batch_pool_give(b->pool, b->topics[i].open);
    tkp_batch_pool_destroy(b->pool);
    memset(b, 0, sizeof *b);
}

static void write_head(struct tkp_batch *batch)
{
    struct tkp_batch_head head = {
        .magic = {'T', 'K', 'P', 'B'},
        .version = TKP_BATCH_VERSION,
        .topic = (uint16_t)batch->topic,
        .sequence = batch->sequence,
        .frame_count = batch->frame_count,
        .length_bytes = (uint32_t)(batch->bytes.len - sizeof head),
    };
    memcpy(batch->bytes.data, &head, sizeof head);
}

/* Puts the topic's open batch at the end of the queue; drops it when the topic's part of that is
 * full. Returns how many frames were lost. */
static uint64_t close_open(struct tkp_batches *b, enum tkp_topic topic)
{
    struct tkp_batch *batch = b->topics[topic].open;
    b->topics[topic].open = NULL;
    if (b->topics[topic].queued >= b->queue_batches) {
        uint64_t lost = batch->frame_count;
        tkp_batch_pool_give(b->pool, batch);
        return lost;
    }
    write_head(batch);
    batch->next = NULL;
    *b->last = batch;
    b->last = &batch->next;
    b->topics[topic].queued++;
    return 0;
}

static struct tkp_batch *open_batch(struct tkp_batches *b, enum tkp_topic topic, uint64_t now_ns)
{
    static const struct tkp_batch_head empty_head;
    struct tkp_batch *batch = tkp_batch_pool_take(b->pool);
    if (!batch)
        return NULL;
    tkp_buffer_append(&batch->bytes, (const char *)&empty_head, sizeof empty_head);
    if (batch->bytes.failed) {
        tkp_batch_pool_give(b->pool, batch);
        return NULL;
    }
    batch->topic = topic;
    batch->sequence = b->topics[topic].next_sequence;
    batch->place = b->next_place;
    batch->opened_ns = now_ns;
    b->topics[topic].open = batch;
    return batch;
}

/* Bytes of the first `count` frames; 0: there are not so many. */
static size_t measure(struct tokperf_span frames, uint32_t count)
{
    size_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct tkp_frame_head head;
        if (frames.len - at < sizeof head)
            return 0;
        memcpy(&head, frames.data + at, sizeof head);
        at += sizeof head;
        if (head.length_bytes > frames.len - at)
            return 0;
        at += head.length_bytes;
    }
    return at;
}

/* Frames of one put() that stay together in one batch. */
static uint64_t put_piece(struct tkp_batches *b, enum tkp_topic topic, struct tokperf_span piece,
                          uint32_t count, uint64_t now_ns)
{
    struct tkp_batch *batch = b->topics[topic].open;
    uint64_t lost = 0;
    if (batch && piece.len >= TKP_BATCH_MAX_BYTES - batch->bytes.len) {
        lost += close_open(b, topic);
        batch = NULL;
    }
    if (!batch)
        batch = open_batch(b, topic, now_ns);
    if (batch)
        tkp_buffer_append(&batch->bytes, piece.data, piece.len);
    b->topics[topic].next_sequence += count;
    b->next_place += count;
    if (!batch || batch->bytes.failed) {
        lost += count;
        if (batch) {
            lost += batch->frame_count;
            b->topics[topic].open = NULL;
            tkp_batch_pool_give(b->pool, batch);
        }
        return lost;
    }
    batch->frame_count += count;
    return batch->frame_count >= b->batch_frames ? lost + close_open(b, topic) : lost;
}

uint64_t tkp_batches_skip(struct tkp_batches *b, enum tkp_topic topic, uint64_t count)
{
    uint64_t lost = b->topics[topic].open ? close_open(b, topic) : 0; /* no gap inside of it */
    b->topics[topic].next_sequence += count;
    return lost;
}

uint64_t tkp_batches_put(struct tkp_batches *b, enum tkp_topic topic, struct tokperf_span frames,
                         uint32_t count, uint64_t now_ns)
{
    uint64_t lost = 0;
    while (count) {
        const struct tkp_batch *open = b->topics[topic].open;
        uint32_t room = b->batch_frames - (open ? open->frame_count : 0);
        uint32_t taken = count < room ? count : room;
        size_t bytes = taken == count ? frames.len : measure(frames, taken);
        if (!bytes) { /* fewer frames than was said */
            lost += tkp_batches_skip(b, topic, count);
            return lost + count;
        }
        lost += put_piece(b, topic, (struct tokperf_span){frames.data, bytes}, taken, now_ns);
        frames.data += bytes;
        frames.len -= bytes;
        count -= taken;
    }
    return lost;
}

uint64_t tkp_batches_oldest_ns(const struct tkp_batches *b)
{
    uint64_t oldest_ns = TKP_NEVER_NS;
    for (int i = 0; i < TKP_TOPIC_COUNT; i++) {
        const struct tkp_batch *open = b->topics[i].open;
        if (open && open->opened_ns < oldest_ns)
            oldest_ns = open->opened_ns;
    }
    return oldest_ns;
}

uint64_t tkp_batches_close(struct tkp_batches *b, uint64_t until_ns)
{
    uint64_t lost = 0;
    for (;;) {
        const struct tkp_batch *next = NULL;
        for (int i = 0; i < TKP_TOPIC_COUNT; i++) {
            const struct tkp_batch *open = b->topics[i].open;
            if (open && open->opened_ns <= until_ns && (!next || open->place < next->place))
                next = open;
        }
        if (!next)
            return lost;
        lost += close_open(b, next->topic);
    }
}

struct tkp_batch *tkp_batches_take(struct tkp_batches *b)
{
    struct tkp_batch *batch = b->first;
    if (!batch)
        return NULL;
    b->first = batch->next;
    if (!b->first)
        b->last = &b->first;
    b->topics[batch->topic].queued--;
    return batch;
}

void tkp_batches_put_back(struct tkp_batches *b, struct tkp_batch *batch)
{
    batch->next = b->first;
    b->first = batch;
    if (!batch->next)
        b->last = &batch->next;
    b->topics[batch->topic].queued++;
}

uint32_t tkp_batches_queued(const struct tkp_batches *b)
{
    uint32_t batches = 0;
    for (int i = 0; i < TKP_TOPIC_COUNT; i++)
        batches += b->topics[i].queued;
    return batches;
}

uint64_t tkp_batches_waiting(const struct tkp_batches *b)
{
    uint64_t frames = 0;
    for (const struct tkp_batch *batch = b->first; batch; batch = batch->next)
        frames += batch->frame_count;
    for (int i = 0; i < TKP_TOPIC_COUNT; i++)
        frames += b->topics[i].open ? b->topics[i].open->frame_count : 0;
    return frames;
}

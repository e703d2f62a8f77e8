/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's end of the record log: encodes rows into blocks of a pool that is allocated once and
 * hands them on through a ring. Each function runs on the one thread that block.h names; nothing
 * here allocates or waits after create.
 */
#include <record/block.h>

#include <assert.h>
#include <base/atomic.h>
#include <base/clock.h>
#include <base/ring.h>
#include <record/log.h>
#include <record/log_format.h>
#include <record/row_codec.h>
#include <stdlib.h>

/* Handed on and not taken: more than a recorder leaves that keeps up. */
enum { BACKLOG_BLOCKS = TKP_BLOCK_EVENT_BLOCKS / 2 };

/* Where the reading of a row's chunk times is. */
struct time_cursor {
    const struct tkp_chunk_source *source;
    const uint64_t *piece;
    uint32_t piece_len, at;
    uint32_t done, count; /* times taken, and to be taken */
    uint64_t last_ns;
};

/* Where the writing of what follows a row is: its chunk times, then its texts. */
struct tail {
    struct time_cursor times;
    const char *texts;
    uint64_t texts_done, texts_bytes;
};

/* What identifies a row in a second call. */
struct row_key {
    uint64_t ordinal, start_ns;
    uint32_t phase, turn_index, retries;
};

/* The worker's side. */
struct tkp_block_encoder {
    struct tkp_block *block; /* being filled: at least one row is in it. Or NULL */
    uint64_t due_ns;         /* when it is to be handed on */
    uint64_t base_ns;        /* start_ns of the row before in this block */
    uint32_t sequence;
    bool is_open;        /* a row is partly handed over; block is NULL between the calls */
    uint32_t open_times; /* what of its tail is handed over */
    uint64_t open_texts_bytes;
    struct row_key open_key;
    struct tkp_block *events; /* being filled: at least one is in it. Or NULL */
    uint64_t events_due_ns;
    struct tkp_gauge events_lost;
};

struct tkp_block_channel {
    struct tkp_ring *full;         /* worker to recorder */
    struct tkp_ring *empty;        /* recorder to worker: for rows */
    struct tkp_ring *empty_events; /* likewise, for events */
    struct tkp_block *blocks;      /* block_count for rows, then those for events */
    uint32_t block_count, worker;
    _Alignas(64) struct tkp_block_encoder encoder; /* off the line that the recorder reads */
};

static struct row_key key_of(const struct tkp_row *row)
{
    return (struct row_key){row->ordinal, row->start_ns, row->phase, row->turn_index, row->retries};
}

static bool same_key(struct row_key a, struct row_key b)
{
    return a.ordinal == b.ordinal && a.start_ns == b.start_ns && a.phase == b.phase &&
           a.turn_index == b.turn_index && a.retries == b.retries;
}

static uint64_t next_time(struct time_cursor *c)
{
    if (c->at == c->piece_len) {
        c->at = 0;
        c->piece_len = c->source->next(c->source->context, &c->piece);
        assert(c->piece_len); /* the source holds row->chunk_count times */
        if (!c->piece_len)
            return c->last_ns;
    }
    return c->piece[c->at++];
}

/* Puts the cursor behind the first `skip` times. */
static void seek_times(struct time_cursor *c, const struct tkp_row *row,
                       const struct tkp_chunk_source *chunks, uint32_t skip)
{
    *c = (struct time_cursor){.source = chunks, .last_ns = row->start_ns};
    if (!chunks)
        return;
    c->count =
        row->chunk_count < TKP_ROW_MAX_CHUNK_TIMES ? row->chunk_count : TKP_ROW_MAX_CHUNK_TIMES;
    chunks->rewind(chunks->context);
    while (c->done < skip) {
        c->last_ns = next_time(c);
        uint32_t rest = c->piece_len - c->at; /* whole pieces at a time */
        uint32_t step = rest < skip - c->done - 1 ? rest : skip - c->done - 1;
        c->at += step;
        c->done += step + 1;
        if (step)
            c->last_ns = c->piece[c->at - 1];
    }
}

/* Appends times until they or the block's room end; true when all are in. */
static bool put_times(struct tkp_block *block, struct time_cursor *c)
{
    unsigned char *p = block->data + block->used_bytes;
    const unsigned char *limit = block->data + TKP_BLOCK_BYTES - TKP_VARINT_MAX_BYTES;
    while (c->done < c->count && p <= limit) {
        uint64_t time_ns = next_time(c);
        p = tkp_varint_put(p, time_ns - c->last_ns);
        c->last_ns = time_ns;
        c->done++;
    }
    block->used_bytes = (uint32_t)(p - block->data);
    return c->done == c->count;
}

static struct tail seek_tail(const struct tkp_row *row, const struct tkp_chunk_source *chunks,
                             const char *texts, uint32_t times_done, uint64_t texts_done)
{
    struct tail t = {.texts = texts, .texts_done = texts_done, .texts_bytes = row->kept_bytes};
    seek_times(&t.times, row, chunks, times_done);
    return t;
}

/* Appends of the tail what the block has room for; true when all of it is in. */
static bool put_tail(struct tkp_block *block, struct tail *t)
{
    if (!put_times(block, &t->times))
        return false;
    uint64_t room = TKP_BLOCK_BYTES - block->used_bytes, len = t->texts_bytes - t->texts_done;
    if (!len)
        return true;
    if (len > room)
        len = room;
    memcpy(block->data + block->used_bytes, t->texts + t->texts_done, len);
    block->used_bytes += (uint32_t)len;
    t->texts_done += len;
    return t->texts_done == t->texts_bytes;
}

static uint64_t due_after_ns(uint64_t now_ns)
{
    return tkp_clock_after_ns(now_ns, TKP_BLOCK_MAX_AGE_MS * TKP_NS_PER_MS);
}

static bool begin_block(struct tkp_block_channel *channel, uint32_t kind, uint64_t now_ns)
{
    struct tkp_block_encoder *e = &channel->encoder;
    e->block = tkp_ring_pop(channel->empty);
    if (!e->block)
        return false;
    e->block->kind = kind;
    e->block->used_bytes = sizeof(struct tkp_log_part);
    e->due_ns = due_after_ns(now_ns);
    e->base_ns = 0;
    return true;
}

static void push_block(struct tkp_ring *ring, struct tkp_block *block)
{
    bool pushed = tkp_ring_push(ring, block);
    assert(pushed); /* a ring holds its whole pool */
    (void)pushed;
}

static void hand_on_events(struct tkp_block_channel *channel)
{
    push_block(channel->full, channel->encoder.events);
    channel->encoder.events = NULL;
}

/* Events first: those of the rows in the block are in it, or have gone before. */
static void hand_on(struct tkp_block_channel *channel)
{
    struct tkp_block_encoder *e = &channel->encoder;
    struct tkp_log_part part = {channel->worker, e->sequence++};
    memcpy(e->block->data, &part, sizeof part);
    if (e->events)
        hand_on_events(channel);
    push_block(channel->full, e->block);
    e->block = NULL;
}

/* Goes on with the open row, in blocks of its own; false when there is no free one. */
static bool continue_row(struct tkp_block_channel *channel, struct tail *t, uint64_t now_ns)
{
    struct tkp_block_encoder *e = &channel->encoder;
    for (bool whole = false; !whole;) {
        if (!begin_block(channel, TKP_LOG_CHUNKS, now_ns))
            return false;
        whole = put_tail(e->block, t);
        e->open_times = t->times.done;
        e->open_texts_bytes = t->texts_done;
        hand_on(channel);
    }
    e->is_open = false;
    return true;
}

static bool resume_row(struct tkp_block_channel *channel, const struct tkp_row *row,
                       const struct tkp_chunk_source *chunks, const char *texts, uint64_t now_ns)
{
    struct tkp_block_encoder *e = &channel->encoder;
    if (!same_key(e->open_key, key_of(row)))
        return false;
    struct tail t = seek_tail(row, chunks, texts, e->open_times, e->open_texts_bytes);
    return continue_row(channel, &t, now_ns);
}

/* Writes the row and as much of its tail as fits; true when that is all of it. */
static bool put_row(struct tkp_block_encoder *e, const struct tkp_row *row, struct tail *t)
{
    unsigned char *at = e->block->data + e->block->used_bytes;
    unsigned char *end = tkp_row_encode(at, row, e->base_ns, t->times.count > 0);
    e->block->used_bytes += (uint32_t)(end - at);
    return put_tail(e->block, t);
}

struct tkp_block_channel *tkp_block_channel_create(uint32_t worker, uint32_t block_count)
{
    struct tkp_block_channel *channel = aligned_alloc(64, sizeof *channel);
    if (!channel)
        return NULL;
    *channel = (struct tkp_block_channel){.worker = worker, .block_count = block_count};
    uint32_t both = tkp_block_count(channel);
    channel->full = tkp_ring_create(both);
    channel->empty = tkp_ring_create(block_count);
    channel->empty_events = tkp_ring_create(TKP_BLOCK_EVENT_BLOCKS);
    channel->blocks = block_count ? calloc(both, sizeof *channel->blocks) : NULL;
    if (!channel->full || !channel->empty || !channel->empty_events || !channel->blocks) {
        tkp_block_channel_destroy(channel);
        return NULL;
    }
    for (uint32_t i = 0; i < both; i++) {
        channel->blocks[i].kind = i < block_count ? TKP_LOG_ROWS : TKP_BLOCK_EVENTS;
        tkp_block_give_back(channel, &channel->blocks[i]);
    }
    return channel;
}

void tkp_block_channel_destroy(struct tkp_block_channel *channel)
{
    if (!channel)
        return;
    tkp_ring_destroy(channel->full);
    tkp_ring_destroy(channel->empty);
    tkp_ring_destroy(channel->empty_events);
    free(channel->blocks);
    free(channel);
}

uint32_t tkp_block_count(const struct tkp_block_channel *channel)
{
    return channel->block_count + TKP_BLOCK_EVENT_BLOCKS;
}

uint64_t tkp_block_events_lost(const struct tkp_block_channel *channel)
{
    return tkp_gauge_get(&channel->encoder.events_lost);
}

bool tkp_block_put(struct tkp_block_channel *channel, const struct tkp_row *row,
                   const struct tkp_chunk_source *chunks, const char *texts, uint64_t now_ns)
{
    struct tkp_block_encoder *e = &channel->encoder;
    if (e->is_open)
        return resume_row(channel, row, chunks, texts, now_ns);
    if (e->block && e->block->used_bytes > TKP_BLOCK_BYTES - TKP_ROW_MAX_BYTES)
        hand_on(channel);
    bool fresh = !e->block;
    if (fresh && !begin_block(channel, TKP_LOG_ROWS, now_ns))
        return false;
    uint32_t before_bytes = e->block->used_bytes;
    struct tail t = seek_tail(row, chunks, texts, 0, 0);
    if (put_row(e, row, &t)) {
        e->base_ns = row->start_ns;
        return true;
    }
    if (!fresh) { /* perhaps it fits a block of its own */
        e->block->used_bytes = before_bytes;
        hand_on(channel);
        return tkp_block_put(channel, row, chunks, texts, now_ns);
    }
    e->is_open = true;
    e->open_times = t.times.done;
    e->open_texts_bytes = t.texts_done;
    e->open_key = key_of(row);
    hand_on(channel);
    return continue_row(channel, &t, now_ns);
}

static bool begin_events(struct tkp_block_channel *channel, uint64_t now_ns)
{
    struct tkp_block_encoder *e = &channel->encoder;
    e->events = tkp_ring_pop(channel->empty_events);
    if (!e->events)
        return false;
    e->events->used_bytes = 0;
    e->events_due_ns = due_after_ns(now_ns);
    return true;
}

void tkp_block_put_event(struct tkp_block_channel *channel, const struct tkp_request_event *event,
                         uint64_t now_ns)
{
    struct tkp_block_encoder *e = &channel->encoder;
    if (!e->events && !begin_events(channel, now_ns)) {
        tkp_gauge_add(&e->events_lost, 1);
        return;
    }
    memcpy(e->events->data + e->events->used_bytes, event, sizeof *event);
    e->events->used_bytes += (uint32_t)sizeof *event;
    if (e->events->used_bytes > TKP_BLOCK_BYTES - sizeof *event)
        hand_on_events(channel);
}

/* With a recorder that is behind, what is old waits for it here, where there is room behind it: the
 * pool would soon be gone in blocks that are nearly empty. */
static void wait_for_recorder(struct tkp_block_channel *channel, uint64_t now_ns)
{
    struct tkp_block_encoder *e = &channel->encoder;
    if (tkp_ring_count(channel->full) < BACKLOG_BLOCKS)
        return;
    if (now_ns >= e->due_ns)
        e->due_ns = due_after_ns(now_ns);
    if (now_ns >= e->events_due_ns)
        e->events_due_ns = due_after_ns(now_ns);
}

uint64_t tkp_block_flush(struct tkp_block_channel *channel, uint64_t now_ns, bool force)
{
    struct tkp_block_encoder *e = &channel->encoder;
    if (!force)
        wait_for_recorder(channel, now_ns);
    if (e->block && (force || now_ns >= e->due_ns))
        hand_on(channel);
    if (e->events && (force || now_ns >= e->events_due_ns))
        hand_on_events(channel);
    uint64_t rows_ns = e->block ? e->due_ns : TKP_NEVER_NS;
    uint64_t events_ns = e->events ? e->events_due_ns : TKP_NEVER_NS;
    return rows_ns < events_ns ? rows_ns : events_ns;
}

struct tkp_block *tkp_block_take(struct tkp_block_channel *channel)
{
    return tkp_ring_pop(channel->full);
}

void tkp_block_give_back(struct tkp_block_channel *channel, struct tkp_block *block)
{
    push_block(block->kind == TKP_BLOCK_EVENTS ? channel->empty_events : channel->empty, block);
}

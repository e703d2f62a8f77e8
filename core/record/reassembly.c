/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows out of blocks. Memory is bounded by what was read: a time takes at least a byte of the log
 * and eight here, and the times that wait or are kept for reuse are bounded over all workers.
 */
#include <record/reassembly.h>

#include <base/error.h>
#include <record/log.h>
#include <record/log_format.h>
#include <record/row_codec.h>
#include <stdlib.h>

/* A larger buffer is not kept for the worker's next row. */
enum { KEPT_TIMES = 8192, KEPT_TEXT_BYTES = 64 * 1024 };

/* What is known of one worker's blocks. */
struct source {
    uint32_t next_sequence;
    bool is_open; /* row waits for times from the next block */
    bool lost;    /* no memory: times are counted, not kept */
    struct tkp_row row;
    struct tkp_row_error error; /* the row's, if it has one */
    uint64_t *times;
    uint32_t capacity, have, count;
    uint64_t last_ns;
    bool texts_lost;
    const char *texts; /* the row's, once all are there: in the block, or in joined */
    char *joined;      /* texts that span blocks */
    uint64_t joined_capacity, texts_have;
};

struct tkp_reassembly {
    struct source *sources[TKP_LOG_MAX_WORKERS];
    uint32_t open_count;
    uint64_t times_held;      /* capacity of all sources */
    uint64_t text_bytes_held; /* joined_capacity of all sources */
    /* The block that was fed. */
    struct source *source; /* its worker's; NULL when none is being taken apart */
    const unsigned char *begin;
    struct tkp_cursor in;
    uint32_t kind;
    uint64_t base_ns;
};

static void drop_times(struct tkp_reassembly *r, struct source *s)
{
    r->times_held -= s->capacity;
    free(s->times);
    s->times = NULL;
    s->capacity = 0;
}

/* Makes room for `more` times behind the ones there; doubling, so that the copying is linear. */
static bool reserve_times(struct tkp_reassembly *r, struct source *s, uint32_t more)
{
    if (s->capacity - s->have >= more)
        return true;
    uint32_t capacity = s->capacity < 256 ? 256 : s->capacity;
    while (capacity - s->have < more) /* both are at most TKP_ROW_MAX_CHUNK_TIMES: no overflow */
        capacity *= 2;
    if (r->times_held + (capacity - s->capacity) > TKP_LOG_MAX_TIMES_HELD)
        return false;
    uint64_t *times = realloc(s->times, capacity * sizeof *times);
    if (!times)
        return false;
    r->times_held += capacity - s->capacity;
    s->times = times;
    s->capacity = capacity;
    return true;
}

/* Takes the row's times as far as the block holds them. */
static void take_times(struct tkp_reassembly *r, struct source *s)
{
    uint32_t more = s->count - s->have;
    if ((size_t)(r->in.end - r->in.at) < more)
        more = (uint32_t)(r->in.end - r->in.at); /* a time has at least one byte */
    if (!s->lost && !reserve_times(r, s, more)) {
        s->lost = true;
        drop_times(r, s);
    }
    while (s->have < s->count && r->in.at < r->in.end) {
        s->last_ns += tkp_varint_get(&r->in);
        if (!s->lost)
            s->times[s->have] = s->last_ns;
        s->have++;
    }
}

static void drop_texts(struct tkp_reassembly *r, struct source *s)
{
    r->text_bytes_held -= s->joined_capacity;
    free(s->joined);
    s->joined = NULL;
    s->joined_capacity = 0;
}

static bool reserve_texts(struct tkp_reassembly *r, struct source *s, uint64_t more)
{
    uint64_t capacity = s->joined_capacity ? s->joined_capacity : KEPT_TEXT_BYTES;
    if (s->joined_capacity - s->texts_have >= more)
        return true;
    while (capacity - s->texts_have < more) /* what was read is below 2^63: no overflow */
        capacity *= 2;
    if (r->text_bytes_held + (capacity - s->joined_capacity) > TKP_LOG_MAX_TEXT_BYTES_HELD)
        return false;
    char *joined = realloc(s->joined, capacity);
    if (!joined)
        return false;
    r->text_bytes_held += capacity - s->joined_capacity;
    s->joined = joined;
    s->joined_capacity = capacity;
    return true;
}

/* Takes the row's texts, which follow its times, as far as the block holds them. */
static void take_texts(struct tkp_reassembly *r, struct source *s)
{
    uint64_t len = s->row.kept_bytes - s->texts_have;
    if ((uint64_t)(r->in.end - r->in.at) < len)
        len = (uint64_t)(r->in.end - r->in.at);
    if (!len)
        return;
    if (len == s->row.kept_bytes) {
        s->texts = (const char *)r->in.at; /* valid until the next block is fed */
    } else if (!s->texts_lost && reserve_texts(r, s, len)) {
        memcpy(s->joined + s->texts_have, r->in.at, len);
        s->texts = s->joined;
    } else {
        s->texts_lost = true;
        drop_texts(r, s);
    }
    s->texts_have += len;
    r->in.at += len;
}

static tokperf_status damaged(const struct tkp_reassembly *r, const unsigned char *at,
                              struct tokperf_error *error, const char *what)
{
    return tkp_fail(error, TOKPERF_E_PARSE, "byte %zu of the payload: %s", (size_t)(at - r->begin),
                    what);
}

/* Reads the fields of the next row of a ROWS block. */
static bool take_row(struct tkp_reassembly *r, struct source *s)
{
    if (s->capacity > KEPT_TIMES)
        drop_times(r, s);
    if (s->joined_capacity > KEPT_TEXT_BYTES)
        drop_texts(r, s);
    if (!tkp_row_decode(&r->in, r->base_ns, &s->row, &s->error, &s->count))
        return false;
    r->base_ns = s->row.start_ns;
    s->last_ns = s->row.start_ns;
    s->have = 0;
    s->texts_have = 0;
    s->texts = NULL;
    s->lost = s->texts_lost = false;
    return true;
}

static struct source *source_of(struct tkp_reassembly *r, uint32_t worker)
{
    if (!r->sources[worker])
        r->sources[worker] = calloc(1, sizeof *r->sources[worker]);
    return r->sources[worker];
}

struct tkp_reassembly *tkp_reassembly_create(void)
{
    return calloc(1, sizeof(struct tkp_reassembly));
}

void tkp_reassembly_destroy(struct tkp_reassembly *r)
{
    if (!r)
        return;
    tkp_reassembly_clear(r);
    free(r);
}

void tkp_reassembly_clear(struct tkp_reassembly *r)
{
    for (uint32_t i = 0; i < TKP_LOG_MAX_WORKERS; i++) {
        if (r->sources[i]) {
            free(r->sources[i]->times);
            free(r->sources[i]->joined);
        }
        free(r->sources[i]);
    }
    *r = (struct tkp_reassembly){0};
}

tokperf_status tkp_reassembly_feed(struct tkp_reassembly *r, uint32_t kind,
                                   struct tokperf_span payload, struct tokperf_error *error)
{
    struct tkp_log_part part;
    r->source = NULL;
    r->begin = (const unsigned char *)payload.data;
    r->in = (struct tkp_cursor){r->begin, r->begin + payload.len, false};
    r->kind = kind;
    r->base_ns = 0;
    tkp_cursor_copy(&r->in, &part, sizeof part);
    if (r->in.bad || part.worker >= TKP_LOG_MAX_WORKERS)
        return damaged(r, r->begin, error, "it does not begin with a worker and a sequence number");
    struct source *s = source_of(r, part.worker);
    if (!s)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the rows of worker %u",
                        part.worker);
    if (part.sequence != s->next_sequence)
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "block %u of worker %u stands where block %u should be", part.sequence,
                        part.worker, s->next_sequence);
    if (s->is_open != (kind == TKP_LOG_CHUNKS))
        return damaged(r, r->begin, error,
                       s->is_open ? "the rest of the worker's last row should follow"
                                  : "the rest of a row, without a row that it belongs to");
    s->next_sequence++;
    r->source = s;
    return TOKPERF_OK;
}

tokperf_status tkp_reassembly_next(struct tkp_reassembly *r, struct tkp_whole_row *whole,
                                   struct tokperf_error *error)
{
    struct source *s = r->source;
    if (!s || r->in.at == r->in.end) {
        r->source = NULL;
        return TOKPERF_E_NOT_FOUND;
    }
    const unsigned char *at = r->in.at;
    bool was_open = s->is_open;
    if (!was_open && r->kind == TKP_LOG_CHUNKS)
        return damaged(r, at, error, "something follows the end of a row");
    if (!was_open && !take_row(r, s))
        return damaged(r, at, error, "this is not a row");
    take_times(r, s);
    if (r->in.bad)
        return damaged(r, at, error, "a chunk time is cut off");
    if (s->have == s->count)
        take_texts(r, s);
    s->is_open = s->have < s->count || s->texts_have < s->row.kept_bytes;
    r->open_count += s->is_open;
    r->open_count -= was_open;
    if (s->is_open) {
        r->source = NULL; /* the block is used up */
        return TOKPERF_E_NOT_FOUND;
    }
    *whole = (struct tkp_whole_row){
        .row = &s->row,
        .chunk_ns = s->times,
        .chunk_ns_count = s->lost ? 0 : s->count,
        .texts = {s->texts, s->texts_lost ? 0 : s->row.kept_bytes},
        .times_lost = s->lost,
        .texts_lost = s->texts_lost,
    };
    return TOKPERF_OK;
}

bool tkp_reassembly_is_open(const struct tkp_reassembly *r)
{
    return r->open_count > 0;
}

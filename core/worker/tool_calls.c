/* SPDX-License-Identifier: Apache-2.0 */
/* Parts lie one behind the other, each with a head; writing picks those of each call. */
#include <worker/tool_calls.h>

#include <base/json_scan.h>
#include <base/json_write.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <tokperf/endpoint.h>

struct part {
    uint32_t index, is_name;
    uint64_t len; /* of the bytes that follow */
};

/* Appends text, unescaped. *len: how much that is. */
static bool append(struct tkp_spill_pool *pool, struct tkp_spill *parts, struct tokperf_span text,
                   uint32_t encoding, uint64_t *len)
{
    uint64_t most = encoding == TOKPERF_ENCODING_JSON ? 3 * text.len : text.len;
    char *room = tkp_spill_reserve(pool, parts, most);
    if (!room)
        return false;
    *len = text.len;
    if (encoding == TOKPERF_ENCODING_RAW)
        memcpy(room, text.data, text.len);
    else if (tkp_json_unescape(text, room, most, len) != TOKPERF_OK)
        *len = 0;
    parts->len += *len;
    return true;
}

static bool add_part(struct tkp_spill_pool *pool, struct tkp_spill **parts, struct part part,
                     struct tokperf_span text, uint32_t encoding)
{
    if (!text.len)
        return true;
    if (!tkp_spill_append(pool, parts, (const char *)&part, sizeof part))
        return false;
    size_t head = (*parts)->len - sizeof part;
    if (!append(pool, *parts, text, encoding, &part.len)) {
        (*parts)->len = head;
        return false;
    }
    memcpy((*parts)->data + head, &part, sizeof part);
    return true;
}

bool tkp_tool_calls_add(struct tkp_spill_pool *pool, struct tkp_spill **parts, uint32_t index,
                        struct tokperf_span name, struct tokperf_span arguments, uint32_t encoding)
{
    return add_part(pool, parts, (struct part){index, 1, 0}, name, encoding) &&
           add_part(pool, parts, (struct part){index, 0, 0}, arguments, encoding);
}

/* The part at `at`; moves at behind it. */
static struct part read_part(const struct tkp_spill *parts, size_t *at, struct tokperf_span *text)
{
    struct part part;
    memcpy(&part, parts->data + *at, sizeof part);
    *text = (struct tokperf_span){parts->data + *at + sizeof part, part.len};
    *at += sizeof part + part.len;
    return part;
}

/* The lowest index from `from` on; above UINT32_MAX: there is none. */
static uint64_t next_index(const struct tkp_spill *parts, uint64_t from)
{
    uint64_t lowest = UINT64_MAX;
    struct tokperf_span text;
    for (size_t at = 0; at < parts->len;) {
        uint64_t index = read_part(parts, &at, &text).index;
        if (index >= from && index < lowest)
            lowest = index;
    }
    return lowest;
}

/* All parts of a name or of arguments, joined in *text. */
static bool join(struct tkp_spill_pool *pool, const struct tkp_spill *parts, uint64_t index,
                 uint32_t is_name, struct tkp_spill *text)
{
    struct tokperf_span piece;
    text->len = 0;
    for (size_t at = 0; at < parts->len;) {
        struct part part = read_part(parts, &at, &piece);
        if (part.index == index && part.is_name == is_name &&
            !tkp_spill_append(pool, &text, piece.data, piece.len))
            return false;
    }
    return true;
}

struct writing {
    struct tkp_spill_pool *pool;
    struct tkp_spill **out;
    bool failed;
};

static void write_bytes(void *context, const char *data, uint64_t len)
{
    struct writing *writing = context;
    if (!writing->failed && !tkp_spill_append(writing->pool, writing->out, data, len))
        writing->failed = true;
}

static bool write_call(struct tkp_spill_pool *pool, struct tokperf_json_writer *w,
                       const struct tkp_spill *parts, uint64_t index, struct tkp_spill *text)
{
    const struct tokperf_json_writer_v1 *json = &tkp_json_writer_service;
    char id[32];
    snprintf(id, sizeof id, "call_%" PRIu64, index);
    json->object_begin(w);
    tkp_json_write_pair(w, "id", id);
    tkp_json_write_pair(w, "type", "function");
    json->key(w, TOKPERF_SPAN("function"));
    json->object_begin(w);
    bool done = join(pool, parts, index, 1, text);
    json->key(w, TOKPERF_SPAN("name"));
    json->string(w, (struct tokperf_span){text->data, text->len});
    done = done && join(pool, parts, index, 0, text);
    json->key(w, TOKPERF_SPAN("arguments"));
    json->string(w, (struct tokperf_span){text->data, text->len});
    json->object_end(w);
    json->object_end(w);
    return done;
}

bool tkp_tool_calls_write(struct tkp_spill_pool *pool, const struct tkp_spill *parts,
                          struct tkp_spill **out)
{
    const struct tokperf_json_writer_v1 *json = &tkp_json_writer_service;
    struct writing writing = {pool, out, false};
    struct tokperf_sink sink = {&writing, write_bytes};
    struct tokperf_json_writer w;
    struct tkp_spill *text = tkp_spill_take(pool);
    if (!text)
        return false;
    json->open(&w, &sink, 0);
    json->array_begin(&w);
    uint64_t index = next_index(parts, 0);
    for (int i = 0; i < TKP_TOOL_CALLS_MAX && index <= UINT32_MAX && !writing.failed; i++) {
        if (!write_call(pool, &w, parts, index, text))
            writing.failed = true;
        index = next_index(parts, index + 1);
    }
    json->array_end(&w);
    tkp_spill_give(pool, text);
    return !writing.failed;
}

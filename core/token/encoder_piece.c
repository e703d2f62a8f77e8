/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From pieces to tokens. Pieces come in batches, so that the cache lines that they need are on
 * their way when their turn comes. A short piece is looked up in the thread's cache, then as a
 * token of the vocabulary, then merged; a long one is cut at joints (joints.h) and its parts go the
 * same way.
 */
#include <token/encoder_parts.h>

#include <stdlib.h>
#include <string.h>

static bool reserve(struct tkp_encoder *e, size_t more)
{
    if (e->capacity - e->count >= more)
        return true;
    if (!e->keeps_ids) {
        e->dropped += e->count;
        e->count = 0;
    }
    size_t wanted = e->count + more > TKP_ENCODER_KEPT_IDS ? e->count + more : TKP_ENCODER_KEPT_IDS;
    if (wanted <= e->capacity)
        return true;
    wanted = e->keeps_ids ? wanted + wanted / 2 : wanted;
    uint32_t *ids = realloc(e->ids, wanted * sizeof *ids);
    if (!ids) {
        e->status = TOKPERF_E_NO_MEMORY;
        return false;
    }
    e->ids = ids;
    e->capacity = wanted;
    return true;
}

/* The token that these bytes are by themselves, or TKP_NO_ID. */
static uint32_t token_of(const struct tkp_encoder *e, const char *begin, size_t len, uint64_t hash,
                         bool is_part)
{
    const struct tkp_model *m = &e->tokenizer->model;
    if (len > m->vocabulary.longest_bytes)
        return TKP_NO_ID;
    uint32_t id = tkp_vocabulary_find_hashed(&m->vocabulary, begin, len, hash);
    if (id == TKP_NO_ID || (m->ignore_merges && !is_part) || tkp_model_is_whole(m, id))
        return id;
    return TKP_NO_ID;
}

/* Appends the tokens of bytes that are to be merged as a whole. */
static void merge(struct tkp_encoder *e, const char *begin, size_t len)
{
    if (!reserve(e, len))
        return;
    size_t n = tkp_model_merge(&e->tokenizer->model, &e->bpe, begin, len, e->ids + e->count);
    if (n == SIZE_MAX)
        e->status = TOKPERF_E_NO_MEMORY;
    else
        e->count += n;
}

static void encode_parts(struct tkp_encoder *e, const char *p, const char *end);

/* Appends the tokens of a piece, or of a part of one. There is room for one a byte, and for what
 * the cache writes. */
static void encode(struct tkp_encoder *e, const struct tkp_cache_key *key, bool is_part)
{
    size_t before = e->count, n = tkp_piece_cache_get(&e->cache, key, e->ids + before);
    if (n != SIZE_MAX) {
        e->count += n;
        return;
    }
    uint64_t hash = key->key_len ? key->hash
                    : key->len <= e->tokenizer->model.vocabulary.longest_bytes
                        ? tkp_piece_hash(key->begin, key->len)
                        : 0;
    uint32_t id = token_of(e, key->begin, key->len, hash, is_part);
    if (id != TKP_NO_ID)
        e->ids[e->count++] = id;
    else if (is_part || key->len <= TKP_PIECE_SHORT_BYTES || !e->tokenizer->model.may_cut)
        merge(e, key->begin, key->len);
    else
        encode_parts(e, key->begin, key->begin + key->len);
    /* a key of the cache is shorter than what may move the room */
    tkp_piece_cache_put(&e->cache, key, e->ids + before, e->count - before);
}

/* A long piece that is no token: its parts, in batches of their own. */
static void encode_parts(struct tkp_encoder *e, const char *p, const char *end)
{
    struct tkp_cache_key parts[TKP_ENCODER_BATCH];
    const struct tkp_joints *joints = &e->tokenizer->model.joints;
    while (p < end) {
        size_t n = 0;
        while (n < TKP_ENCODER_BATCH && p < end) {
            const char *stop = tkp_joints_next(joints, p, end);
            tkp_cache_key_init(&parts[n++], &e->cache, p, (size_t)(stop - p), (size_t)(end - p),
                               e->parts_differ);
            p = stop;
        }
        for (size_t i = 0; i < n && e->status == TOKPERF_OK; i++)
            if (reserve(e, parts[i].len + TKP_CACHE_LONG_IDS))
                encode(e, &parts[i], true);
    }
}

static void note_piece(struct tkp_encoder *e, const char *begin, size_t len, size_t first_id)
{
    if (e->piece_count == e->piece_capacity) {
        size_t capacity = e->piece_capacity ? 2 * e->piece_capacity : 1024;
        struct tkp_piece *pieces = realloc(e->pieces, capacity * sizeof *pieces);
        if (!pieces) {
            e->status = TOKPERF_E_NO_MEMORY;
            return;
        }
        e->pieces = pieces;
        e->piece_capacity = capacity;
    }
    e->pieces[e->piece_count++] = (struct tkp_piece){.text_offset = e->piece_text.len,
                                                     .text_bytes = len,
                                                     .first_id = first_id,
                                                     .id_count = e->count - first_id};
    tkp_buffer_append(&e->piece_text, begin, len);
    if (e->piece_text.failed)
        e->status = TOKPERF_E_NO_MEMORY;
}

void tkp_encoder_flush(void *encoder)
{
    struct tkp_encoder *e = encoder;
    size_t n = e->batch_len;
    e->batch_len = 0;
    if (e->tokenizer->counts_pieces && !e->keeps_pieces) {
        e->dropped += n;
        return;
    }
    for (size_t i = 0; i < n && e->status == TOKPERF_OK; i++) {
        const struct tkp_cache_key *piece = &e->batch[i];
        /* all of a piece that is not very long, so that its tokens stay together */
        size_t room = piece->len < TKP_ENCODER_LONG_BYTES ? piece->len : 1;
        if (!reserve(e, room + TKP_CACHE_LONG_IDS))
            return;
        size_t before = e->count;
        if (e->tokenizer->counts_pieces)
            e->ids[e->count++] = 0;
        else
            encode(e, piece, false);
        if (e->keeps_pieces)
            note_piece(e, piece->begin, piece->len, before);
    }
}

void tkp_encoder_take_piece(void *encoder, const char *begin, const char *end, const char *limit)
{
    struct tkp_encoder *e = encoder;
    tkp_cache_key_init(&e->batch[e->batch_len++], &e->cache, begin, (size_t)(end - begin),
                       (size_t)(limit - begin), false);
    if (e->batch_len == TKP_ENCODER_BATCH)
        tkp_encoder_flush(e);
}

void tkp_encoder_take_token(struct tkp_encoder *e, uint32_t id, const char *begin, const char *end)
{
    tkp_encoder_flush(e);
    if (e->status != TOKPERF_OK || !reserve(e, 1))
        return;
    e->ids[e->count++] = id;
    if (e->keeps_pieces)
        note_piece(e, begin, (size_t)(end - begin), e->count - 1);
}

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

/* Appends the tokens of bytes that are not in the cache. */
static void encode(struct tkp_encoder *e, const char *begin, size_t len, uint64_t hash,
                   bool is_part)
{
    uint32_t id = token_of(e, begin, len, hash, is_part);
    if (id != TKP_NO_ID) {
        e->ids[e->count++] = id;
        return;
    }
    size_t n = tkp_model_merge(&e->tokenizer->model, &e->bpe, begin, len, e->ids + e->count);
    if (n == SIZE_MAX)
        e->status = TOKPERF_E_NO_MEMORY;
    else
        e->count += n;
}

static void prepare(struct tkp_encoder *e, struct tkp_batch_piece *piece, const char *begin,
                    size_t len, size_t readable, bool is_part)
{
    piece->begin = begin;
    piece->len = len;
    piece->slot = NULL;
    if (len > TKP_PIECE_SHORT_BYTES)
        return;
    piece->words = tkp_piece_words_of(begin, len, readable);
    piece->hash = tkp_piece_hash_words(piece->words, len);
    uint64_t place = piece->hash ^ (is_part && e->parts_differ ? 0x2545 : 0);
    piece->slot = &e->slots[place & (TKP_ENCODER_SLOTS - 1)];
    __builtin_prefetch(piece->slot);
}

/* A short piece or part. */
static void encode_short(struct tkp_encoder *e, const struct tkp_batch_piece *piece, bool is_part)
{
    struct tkp_piece_slot *slot = piece->slot;
    uint8_t key_len = (uint8_t)(piece->len | (is_part && e->parts_differ ? 0x80 : 0));
    if (slot->words.low == piece->words.low && slot->words.high == piece->words.high &&
        slot->key_len == key_len) {
        for (int i = 0; i < TKP_ENCODER_SLOT_IDS; i++)
            e->ids[e->count + (size_t)i] = slot->ids[i];
        e->count += slot->id_count;
        return;
    }
    size_t before = e->count;
    encode(e, piece->begin, piece->len, piece->hash, is_part);
    size_t n = e->count - before;
    if (n > TKP_ENCODER_SLOT_IDS)
        return;
    *slot =
        (struct tkp_piece_slot){.words = piece->words, .key_len = key_len, .id_count = (uint8_t)n};
    memcpy(slot->ids, e->ids + before, n * sizeof *slot->ids);
}

/* A long piece that is no token: its parts, in batches of their own. */
static void encode_parts(struct tkp_encoder *e, const char *p, const char *end)
{
    struct tkp_batch_piece parts[TKP_ENCODER_BATCH];
    const struct tkp_joints *joints = &e->tokenizer->model.joints;
    while (p < end) {
        size_t n = 0;
        while (n < TKP_ENCODER_BATCH && p < end) {
            const char *stop = tkp_joints_next(joints, p, end);
            prepare(e, &parts[n++], p, (size_t)(stop - p), (size_t)(end - p), true);
            p = stop;
        }
        for (size_t i = 0; i < n; i++) {
            if (!reserve(e, parts[i].len + TKP_ENCODER_SLOT_IDS))
                return;
            if (parts[i].slot)
                encode_short(e, &parts[i], true);
            else
                encode(e, parts[i].begin, parts[i].len,
                       tkp_piece_hash(parts[i].begin, parts[i].len), true);
        }
    }
}

static void encode_long(struct tkp_encoder *e, const struct tkp_batch_piece *piece)
{
    uint64_t hash = piece->len <= e->tokenizer->model.vocabulary.longest_bytes
                        ? tkp_piece_hash(piece->begin, piece->len)
                        : 0;
    uint32_t id = token_of(e, piece->begin, piece->len, hash, false);
    if (id != TKP_NO_ID)
        e->ids[e->count++] = id;
    else if (e->tokenizer->model.may_cut)
        encode_parts(e, piece->begin, piece->begin + piece->len);
    else
        encode(e, piece->begin, piece->len, hash, false);
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
        const struct tkp_batch_piece *piece = &e->batch[i];
        if (!reserve(e, piece->len + TKP_ENCODER_SLOT_IDS))
            return;
        size_t before = e->count;
        if (e->tokenizer->counts_pieces)
            e->ids[e->count++] = 0;
        else if (piece->slot)
            encode_short(e, piece, false);
        else
            encode_long(e, piece);
        if (e->keeps_pieces)
            note_piece(e, piece->begin, piece->len, before);
    }
}

void tkp_encoder_take_piece(void *encoder, const char *begin, const char *end, const char *limit)
{
    struct tkp_encoder *e = encoder;
    prepare(e, &e->batch[e->batch_len++], begin, (size_t)(end - begin), (size_t)(limit - begin),
            false);
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

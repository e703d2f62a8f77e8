/* SPDX-License-Identifier: Apache-2.0 */
/* One thread's memory for encoding, private to encoder*.c. */
#ifndef TKP_TOKEN_ENCODER_PARTS_H
#define TKP_TOKEN_ENCODER_PARTS_H

#include <token/piece_key.h>
#include <token/tokenizer_parts.h>

enum {
    TKP_ENCODER_BATCH = 64,        /* pieces whose cache lines are fetched ahead */
    TKP_ENCODER_SLOTS = 1 << 15,   /* of the cache of pieces: 1 MiB */
    TKP_ENCODER_SLOT_IDS = 3,      /* tokens that a slot holds */
    TKP_ENCODER_KEPT_IDS = 1 << 16 /* ids that a count keeps before it drops them */
};

/* Half a cache line: a short piece and its tokens. */
struct tkp_piece_slot {
    struct tkp_piece_words words;
    uint8_t key_len; /* bytes, with the highest bit for a part of a piece; 0: empty */
    uint8_t id_count;
    uint16_t reserved;
    uint32_t ids[TKP_ENCODER_SLOT_IDS];
};

struct tkp_batch_piece {
    const char *begin;
    struct tkp_piece_words words; /* of a short one */
    struct tkp_piece_slot *slot;  /* its only place in the cache; NULL: it is too long */
    uint64_t hash;                /* of a short one */
    size_t len;
};

struct tkp_encoder {
    const struct tkp_tokenizer *tokenizer;
    struct tkp_piece_slot *slots; /* TKP_ENCODER_SLOTS */
    struct tkp_batch_piece batch[TKP_ENCODER_BATCH];
    size_t batch_len;
    uint32_t *ids;
    size_t count, capacity;
    uint64_t dropped; /* ids that were counted and dropped */
    bool keeps_ids, keeps_pieces;
    bool parts_differ; /* the same bytes may be encoded otherwise as a part of a piece */
    tokperf_status status;
    struct tkp_piece *pieces;
    size_t piece_count, piece_capacity;
    struct tkp_buffer piece_text, repaired;
    struct tkp_normalizer_scratch normal;
    struct tkp_split_run split;
    struct tkp_bpe_scratch bpe;
};

/* Takes a piece into the batch; a full batch is encoded. A tkp_split_emit. */
void tkp_encoder_take_piece(void *encoder, const char *begin, const char *end, const char *limit);
/* Encodes what the batch holds. */
void tkp_encoder_flush(void *encoder);
/* Takes a token as it is; begin..end is its text. */
void tkp_encoder_take_token(struct tkp_encoder *e, uint32_t id, const char *begin, const char *end);

#endif

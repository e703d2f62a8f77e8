/* SPDX-License-Identifier: Apache-2.0 */
/* One thread's memory for encoding, private to encoder*.c. */
#ifndef TKP_TOKEN_ENCODER_PARTS_H
#define TKP_TOKEN_ENCODER_PARTS_H

#include <token/piece_cache.h>
#include <token/tokenizer_parts.h>

enum {
    TKP_ENCODER_BATCH = 64,        /* pieces whose cache lines are fetched ahead */
    TKP_ENCODER_LONG_BYTES = 4096, /* from here on a piece takes room part by part */
    TKP_ENCODER_KEPT_IDS = 1 << 16 /* ids that a count keeps before it drops them */
};

struct tkp_encoder {
    const struct tkp_tokenizer *tokenizer;
    struct tkp_piece_cache cache;
    struct tkp_cache_key batch[TKP_ENCODER_BATCH];
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model of byte-pair encoding: from a piece of text to its tokens. Filled on one thread, constant
 * afterwards.
 */
#ifndef TKP_TOKEN_MODEL_H
#define TKP_TOKEN_MODEL_H

#include <token/bpe.h>
#include <token/joints.h>
#include <token/merges.h>
#include <token/vocabulary.h>

enum { TKP_MODEL_BASIC = 0x10000 }; /* code points of the basic plane have a table */

struct tkp_model {
    struct tkp_vocabulary vocabulary;
    struct tkp_vocabulary unspelled; /* byte level: tokens that no bytes spell; never made */
    struct tkp_merges merges;
    struct tkp_joints joints;
    bool byte_level;      /* symbols are bytes, else characters */
    bool ignore_merges;   /* a piece that is a token is it, whatever the merges say */
    bool fuse_unknown;    /* neighbouring unknown characters are one token */
    bool has_byte_tokens; /* a character that is no token becomes its bytes' tokens */
    bool may_cut;         /* pieces may be cut at joints.h's places */
    bool has_odd_tokens;  /* some tokens are not what their merges make of their bytes */
    uint32_t unknown_id;  /* TKP_NO_ID: an unknown character becomes nothing */
    uint32_t byte_ids[256];
    uint32_t (*byte_ranks)[256]; /* byte level: the rank of each pair of bytes; or NULL */
    uint32_t *basic_ids;         /* character level: by code point below TKP_MODEL_BASIC */
    uint64_t *whole;             /* a bit by identifier: merges make it of its own bytes */
};

/* Makes joints, tables and `whole` from vocabulary, merges and the flags. False without memory. */
bool tkp_model_prepare(struct tkp_model *model);
void tkp_model_finish(struct tkp_model *model);

/* Writes the tokens of a piece, at most one a byte, as its merges make them; no look-up of the
 * whole. Returns their number, SIZE_MAX without memory. Text is well-formed UTF-8, except that a
 * byte-level model takes any bytes. */
size_t tkp_model_merge(const struct tkp_model *model, struct tkp_bpe_scratch *scratch,
                       const char *text, size_t len, uint32_t *ids);
static inline bool tkp_model_is_whole(const struct tkp_model *model, uint32_t id)
{
    return model->whole[id >> 6] >> (id & 63) & 1;
}
/* The identifier of a token by its name in the file, or TKP_NO_ID. */
uint32_t tkp_model_token_id(const struct tkp_model *model, const char *name, size_t len);
size_t tkp_model_memory_bytes(const struct tkp_model *model);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a piece can be cut before it is merged: between two characters that are neighbours in no
 * token, no merge can ever reach across, so that both sides are encoded apart with the same result.
 * Long pieces (a sentence of Chinese, a whole text of a model without splitter) fall into short
 * ones, which repeat. A filter: it may say "joined" too often, which costs time and no exactness.
 */
#ifndef TKP_TOKEN_JOINTS_H
#define TKP_TOKEN_JOINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <token/vocabulary.h>

enum { TKP_JOINTS_BITS = 21 }; /* 256 KiB; 150,000 neighbours set 7 % of it */

struct tkp_joints {
    uint64_t ascii[128][2];  /* bit by second character */
    uint64_t *filter;        /* 2^TKP_JOINTS_BITS bits */
    uint8_t tail_bytes[256]; /* the last byte of a character's part with which a token begins */
    uint8_t head_bytes[256]; /* the first byte of a character's part with which a token ends */
};

/* Of all tokens of the vocabulary. False without memory. */
bool tkp_joints_init(struct tkp_joints *j, const struct tkp_vocabulary *vocabulary);
void tkp_joints_finish(struct tkp_joints *j);

/* The end of the part that begins at `begin`: the first place between two characters that is no
 * joint, or end. Text is well-formed UTF-8. */
const char *tkp_joints_next(const struct tkp_joints *j, const char *begin, const char *end);

#endif

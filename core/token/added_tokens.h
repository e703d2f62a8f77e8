/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "added_tokens" of a tokenizer.json: texts that are tokens wherever they stand, before any
 * splitting. Those that are not "normalized" are found in the text as it is, the others in the
 * normalized one. Filled on one thread, constant afterwards.
 */
#ifndef TKP_TOKEN_ADDED_TOKENS_H
#define TKP_TOKEN_ADDED_TOKENS_H

#include <base/buffer.h>
#include <stdbool.h>
#include <stdint.h>
#include <token/model.h>
#include <token/normalizer.h>
#include <tokperf/base.h>

struct tkp_added_token {
    char *content; /* as it is looked for; heap */
    uint32_t len, id;
    bool single_word, lstrip, rstrip, normalized, special;
};
/* Texts that are looked for together. */
struct tkp_added_set {
    struct tkp_trie_node *nodes;
    uint32_t node_count, node_capacity;
    uint8_t first_bytes[256]; /* the bytes with which one begins */
    uint8_t firsts[4];        /* those bytes where they are at most 4 */
    uint32_t first_count;     /* 0: the set is empty; 5: more than 4 */
};
struct tkp_added_tokens {
    struct tkp_added_token *tokens;
    uint32_t count, special_count;
    struct tkp_added_set raw, normalized;
};

/* json: the value of "added_tokens", or data NULL. Fails with TOKPERF_E_INVALID for a malformed
 * one, TOKPERF_E_UNSUPPORTED for what would not be exact. */
tokperf_status tkp_added_tokens_init(struct tkp_added_tokens *added, struct tokperf_span json,
                                     const struct tkp_model *model,
                                     const struct tkp_normalizer *normalizer,
                                     struct tokperf_error *error);
void tkp_added_tokens_finish(struct tkp_added_tokens *added);

struct tkp_added_match {
    const char *begin, *end; /* with the white space that lstrip and rstrip take */
    uint32_t id;
};
/* The next match at or behind *from in begin..end; moves *from behind it. taken is the end of the
 * match before (begin at first), behind which lstrip does not reach. False: no more. */
bool tkp_added_next(const struct tkp_added_tokens *added, const struct tkp_added_set *set,
                    const char *begin, const char *end, const char *taken, const char **from,
                    struct tkp_added_match *match);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A trie of bytes, each node's children in a list. Private to added_tokens*.c. */
#ifndef TKP_TOKEN_ADDED_TRIE_H
#define TKP_TOKEN_ADDED_TRIE_H

#include <token/added_tokens.h>

struct tkp_trie_node {
    uint32_t child, sibling; /* places; 0: none (0 is the root) */
    uint32_t token;          /* index that ends here, or TKP_NO_ID */
    uint8_t byte;
};

/* Puts a text of at least one byte in; where it is there already, the earlier index stays. */
bool tkp_added_trie_put(struct tkp_added_set *set, const char *text, size_t len, uint32_t index);
/* The index of the longest text that begins at p, or TKP_NO_ID. */
uint32_t tkp_added_trie_longest(const struct tkp_added_set *set, const char *p, const char *end);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-pair encoding of one piece: the merge of the lowest rank first, the leftmost of equals. Time
 * is n log n for long pieces. One thread's scratch, shared merges.
 */
#ifndef TKP_TOKEN_BPE_H
#define TKP_TOKEN_BPE_H

#include <token/merges.h>

enum { TKP_BPE_SHORT = 48 }; /* symbols up to which a scan for the lowest rank beats a heap */

struct tkp_bpe_link {
    uint32_t previous, next; /* places; TKP_NO_RANK: none */
};
struct tkp_bpe_scratch { /* zeroed to begin with */
    struct tkp_bpe_link *links;
    uint64_t *heap;  /* rank, then place */
    size_t capacity; /* symbols */
};
void tkp_bpe_scratch_finish(struct tkp_bpe_scratch *scratch);

/* Replaces the n symbols (n < 2^32) by what their merges leave. Returns how many those are, at
 * least 1 for n >= 1, or SIZE_MAX without memory. */
/* The same for n <= TKP_BPE_SHORT with the ranks of the n - 1 pairs given, which are overwritten.
 */
size_t tkp_bpe_merge_short(const struct tkp_merges *merges, uint32_t *symbols, uint32_t *ranks,
                           size_t n);
size_t tkp_bpe_merge(const struct tkp_merges *merges, struct tkp_bpe_scratch *scratch,
                     uint32_t *symbols, size_t n);

#endif

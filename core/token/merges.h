/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merges of byte-pair encoding: for a pair of tokens the rank of their merge, and for a rank
 * the token that it makes. Filled on one thread, constant afterwards.
 */
#ifndef TKP_TOKEN_MERGES_H
#define TKP_TOKEN_MERGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two identifiers of 20 bits and a rank of 24 make a slot. */
enum { TKP_MERGES_MAX = (1 << 24) - 1 };
#define TKP_NO_RANK      UINT32_MAX
#define TKP_MERGES_EMPTY UINT64_MAX

enum { TKP_MERGES_FILTER_BITS = 21 }; /* 256 KiB, which stays in the second-level cache */

struct tkp_merges {
    uint64_t *slots;
    uint64_t *filter; /* a bit by hash: whether any such pair merges; most do not */
    uint32_t *merged; /* by rank */
    uint32_t count, capacity;
    uint32_t shift; /* 64 - log2 of the number of slots */
};

bool tkp_merges_init(struct tkp_merges *m, uint32_t capacity);
void tkp_merges_finish(struct tkp_merges *m);
/* The next rank. A pair that is there already gets the later rank. False when there is no room. */
bool tkp_merges_add(struct tkp_merges *m, uint32_t left, uint32_t right, uint32_t merged);
/* The same with a rank of the caller's below the capacity; several pairs may share one. */
bool tkp_merges_add_ranked(struct tkp_merges *m, uint32_t left, uint32_t right, uint32_t merged,
                           uint32_t rank);
size_t tkp_merges_memory_bytes(const struct tkp_merges *m);

static inline uint64_t tkp_merges_hash(uint64_t pair)
{
    return pair * 0x9e3779b97f4a7c15u; /* Fibonacci hashing, Knuth vol. 3 */
}

/* Sends for the slot of a pair that will be looked up soon. */
static inline void tkp_merges_prefetch(const struct tkp_merges *m, uint32_t left, uint32_t right)
{
    uint64_t hash = tkp_merges_hash((uint64_t)left << 20 | right);
    uint64_t bit = hash >> (64 - TKP_MERGES_FILTER_BITS);
    if (m->filter[bit >> 6] >> (bit & 63) & 1)
        __builtin_prefetch(&m->slots[hash >> m->shift]);
}

/* The rank of a pair, or TKP_NO_RANK. */
static inline uint32_t tkp_merges_rank(const struct tkp_merges *m, uint32_t left, uint32_t right)
{
    uint64_t pair = (uint64_t)left << 20 | right, hash = tkp_merges_hash(pair);
    uint64_t mask = UINT64_MAX >> m->shift, bit = hash >> (64 - TKP_MERGES_FILTER_BITS);
    if (!(m->filter[bit >> 6] >> (bit & 63) & 1))
        return TKP_NO_RANK;
    for (uint64_t at = hash >> m->shift;; at = (at + 1) & mask) {
        uint64_t slot = m->slots[at];
        if (slot >> 24 == pair) {
            uint32_t rank = (uint32_t)(slot & 0xffffff);
            __builtin_prefetch(&m->merged[rank]);
            return rank;
        }
        if (slot == TKP_MERGES_EMPTY)
            return TKP_NO_RANK;
    }
}

#endif

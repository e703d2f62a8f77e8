/* SPDX-License-Identifier: Apache-2.0 */
/* See merges.h: an open-addressed table of 8-byte slots, behind a filter of bits. */
#include <token/merges.h>

#include <stdlib.h>
#include <string.h>

bool tkp_merges_init(struct tkp_merges *m, uint32_t capacity)
{
    uint32_t bits = 4;
    while ((uint64_t)3 << (bits - 2) < (uint64_t)capacity) /* at most three quarters full */
        bits++;
    *m = (struct tkp_merges){.capacity = capacity, .shift = 64 - bits};
    size_t bytes = ((size_t)1 << bits) * sizeof *m->slots;
    m->slots = malloc(bytes);
    m->merged = malloc(((size_t)capacity + 1) * sizeof *m->merged);
    m->filter = calloc((size_t)1 << (TKP_MERGES_FILTER_BITS - 6), sizeof *m->filter);
    if (m->slots && m->merged && m->filter) {
        memset(m->slots, 0xff, bytes);
        return true;
    }
    tkp_merges_finish(m);
    return false;
}

void tkp_merges_finish(struct tkp_merges *m)
{
    free(m->slots);
    free(m->merged);
    free(m->filter);
    *m = (struct tkp_merges){.slots = NULL};
}

bool tkp_merges_add(struct tkp_merges *m, uint32_t left, uint32_t right, uint32_t merged)
{
    return tkp_merges_add_ranked(m, left, right, merged, m->count);
}

bool tkp_merges_add_ranked(struct tkp_merges *m, uint32_t left, uint32_t right, uint32_t merged,
                           uint32_t rank)
{
    if (m->count >= m->capacity || rank >= m->capacity || rank >= TKP_MERGES_MAX)
        return false;
    uint64_t pair = (uint64_t)left << 20 | right, mask = UINT64_MAX >> m->shift;
    uint64_t hash = tkp_merges_hash(pair), bit = hash >> (64 - TKP_MERGES_FILTER_BITS);
    uint64_t at = hash >> m->shift;
    while (m->slots[at] != TKP_MERGES_EMPTY && m->slots[at] >> 24 != pair)
        at = (at + 1) & mask;
    m->filter[bit >> 6] |= (uint64_t)1 << (bit & 63);
    m->slots[at] = pair << 24 | rank;
    m->merged[rank] = merged;
    m->count++;
    return true;
}

size_t tkp_merges_memory_bytes(const struct tkp_merges *m)
{
    return m->slots ? (UINT64_MAX >> m->shift) * sizeof *m->slots + m->capacity * sizeof *m->merged
                    : 0;
}

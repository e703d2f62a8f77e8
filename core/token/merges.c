/* SPDX-License-Identifier: Apache-2.0 */
/* See merges.h: an open-addressed table of 8-byte slots, at most half full. */
#include <token/merges.h>

#include <stdlib.h>
#include <string.h>

bool tkp_merges_init(struct tkp_merges *m, uint32_t capacity)
{
    uint32_t bits = 4;
    while ((uint64_t)1 << bits < 2 * (uint64_t)capacity)
        bits++;
    *m = (struct tkp_merges){.capacity = capacity, .shift = 64 - bits};
    size_t bytes = ((size_t)1 << bits) * sizeof *m->slots;
    m->slots = malloc(bytes);
    m->merged = malloc(((size_t)capacity + 1) * sizeof *m->merged);
    if (m->slots && m->merged) {
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
    uint64_t at = tkp_merges_place(m, pair);
    while (m->slots[at] != TKP_MERGES_EMPTY && m->slots[at] >> 24 != pair)
        at = (at + 1) & mask;
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

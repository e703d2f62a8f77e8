/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded set of hashes: open addressing, linear probing, at most half full. One thread. */
#include <metrics/distinct.h>

#include <stdlib.h>

enum { FIRST_CAPACITY = 1024 };

/* The slot of a hash, or the free one where it belongs. */
static uint64_t *find(uint64_t *slots, uint64_t capacity, uint64_t hash)
{
    const uint64_t golden =
        UINT64_C(0x9E3779B97F4A7C15); /* 2^64 / phi: Knuth's multiplicative hash */
    uint64_t at = ((hash * golden) >> 32) & (capacity - 1);
    while (slots[at] && slots[at] != hash)
        at = (at + 1) & (capacity - 1);
    return &slots[at];
}

static bool grow(struct tkp_distinct *set)
{
    uint64_t capacity = set->capacity ? set->capacity * 2 : FIRST_CAPACITY;
    uint64_t *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        return false;
    for (uint64_t i = 0; i < set->capacity; i++)
        if (set->slots[i])
            *find(slots, capacity, set->slots[i]) = set->slots[i];
    free(set->slots);
    set->slots = slots;
    set->capacity = capacity;
    return true;
}

void tkp_distinct_finish(struct tkp_distinct *set)
{
    free(set->slots);
    *set = (struct tkp_distinct){0};
}

void tkp_distinct_add(struct tkp_distinct *set, uint64_t hash)
{
    if (!hash) {
        set->has_zero = true;
        return;
    }
    uint64_t *slot = set->capacity ? find(set->slots, set->capacity, hash) : NULL;
    if (slot && *slot)
        return;
    if (set->count >= TKP_DISTINCT_MAX || set->failed) {
        set->is_floor = true;
        return;
    }
    if (set->count * 2 >= set->capacity) {
        if (!grow(set)) {
            set->failed = set->is_floor = true;
            return;
        }
        slot = NULL;
    }
    if (!slot)
        slot = find(set->slots, set->capacity, hash);
    *slot = hash;
    set->count++;
}

uint64_t tkp_distinct_count(const struct tkp_distinct *set)
{
    return set->count + set->has_zero;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See piece_cache.h. A short piece of more tokens than its slot holds leaves a mark there and lies
 * in the slot for long ones, so that a look-up that fails touches one cache line.
 */
#include <token/piece_cache.h>

#include <stdlib.h>

enum { ELSEWHERE = 0xff }; /* id_count of a short slot: see the long one */

bool tkp_piece_cache_init(struct tkp_piece_cache *cache)
{
    cache->short_sets = aligned_alloc(64, TKP_CACHE_SHORT_SETS * sizeof *cache->short_sets);
    cache->long_slots = aligned_alloc(64, TKP_CACHE_LONG_SLOTS * sizeof *cache->long_slots);
    if (!cache->short_sets || !cache->long_slots) {
        tkp_piece_cache_finish(cache);
        return false;
    }
    tkp_piece_cache_clear(cache);
    return true;
}

void tkp_piece_cache_finish(struct tkp_piece_cache *cache)
{
    free(cache->short_sets);
    free(cache->long_slots);
    *cache = (struct tkp_piece_cache){NULL, NULL};
}

void tkp_piece_cache_clear(struct tkp_piece_cache *cache)
{
    memset(cache->short_sets, 0, TKP_CACHE_SHORT_SETS * sizeof *cache->short_sets);
    memset(cache->long_slots, 0, TKP_CACHE_LONG_SLOTS * sizeof *cache->long_slots);
}

static void put_long(struct tkp_long_slot *slot, const struct tkp_cache_key *key,
                     const uint32_t *ids, size_t n)
{
    memcpy(slot->key, key->begin, key->len);
    slot->key_len = key->key_len;
    slot->id_count = (uint8_t)n;
    memcpy(slot->ids, ids, n * sizeof *ids);
}

void tkp_piece_cache_put(struct tkp_piece_cache *cache, const struct tkp_cache_key *key,
                         const uint32_t *ids, size_t n)
{
    bool is_short = key->len <= TKP_PIECE_SHORT_BYTES;
    if (key->key_len == 0 || n > TKP_CACHE_LONG_IDS)
        return;
    if (!is_short || n > TKP_CACHE_SHORT_IDS)
        put_long(tkp_cache_long_slot(cache, key), key, ids, n);
    if (!is_short)
        return;
    struct tkp_short_set *set = tkp_cache_set(cache, key);
    set->slots[1] = set->slots[0];
    set->slots[0] =
        (struct tkp_short_slot){.words = key->words,
                                .key_len = key->key_len,
                                .id_count = n > TKP_CACHE_SHORT_IDS ? ELSEWHERE : (uint8_t)n};
    if (n <= TKP_CACHE_SHORT_IDS)
        memcpy(set->slots[0].ids, ids, n * sizeof *ids);
}

static size_t get_long(const struct tkp_long_slot *slot, const struct tkp_cache_key *key,
                       uint32_t *ids)
{
    if (slot->key_len != key->key_len || memcmp(slot->key, key->begin, key->len) != 0)
        return SIZE_MAX;
    memcpy(ids, slot->ids, sizeof slot->ids);
    return slot->id_count;
}

size_t tkp_piece_cache_get_slowly(struct tkp_piece_cache *cache, const struct tkp_cache_key *key,
                                  uint32_t *ids)
{
    if (key->key_len == 0)
        return SIZE_MAX;
    if (key->len > TKP_PIECE_SHORT_BYTES)
        return get_long(tkp_cache_long_slot(cache, key), key, ids);
    struct tkp_short_set *set = tkp_cache_set(cache, key);
    if (!tkp_short_slot_is(&set->slots[0], key)) {
        if (!tkp_short_slot_is(&set->slots[1], key))
            return SIZE_MAX;
        struct tkp_short_slot second = set->slots[1];
        set->slots[1] = set->slots[0];
        set->slots[0] = second;
    }
    const struct tkp_short_slot *slot = &set->slots[0];
    if (slot->id_count == ELSEWHERE)
        return get_long(tkp_cache_long_slot(cache, key), key, ids);
    memcpy(ids, slot->ids, sizeof slot->ids);
    return slot->id_count;
}

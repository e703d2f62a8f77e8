/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread's cache from the bytes of pieces to their tokens. Fixed in size: what comes takes the
 * place of what was there. Pieces of up to 16 bytes and 3 tokens lie two by two in a cache line;
 * those of up to 32 bytes and 7 tokens in a line each; longer ones are not kept.
 */
#ifndef TKP_TOKEN_PIECE_CACHE_H
#define TKP_TOKEN_PIECE_CACHE_H

#include <stdbool.h>
#include <token/piece_key.h>

enum {
    TKP_CACHE_SHORT_SETS = 1 << 15, /* of two: 2 MiB */
    TKP_CACHE_LONG_SLOTS = 1 << 14, /* 1 MiB */
    TKP_CACHE_SHORT_IDS = 3,
    TKP_CACHE_LONG_IDS = 7,
    TKP_CACHE_LONG_BYTES = 32,
    TKP_CACHE_PART = 0x80 /* of a key's length: a part of a piece, encoded by other rules */
};

struct tkp_short_slot {
    struct tkp_piece_words words;
    uint8_t key_len; /* bytes, and TKP_CACHE_PART; 0: empty */
    uint8_t id_count;
    uint16_t reserved;
    uint32_t ids[TKP_CACHE_SHORT_IDS];
};
struct tkp_short_set {
    struct tkp_short_slot slots[2]; /* the one used last comes first */
};
struct tkp_long_slot {
    char key[TKP_CACHE_LONG_BYTES];
    uint8_t key_len, id_count;
    uint16_t reserved;
    uint32_t ids[TKP_CACHE_LONG_IDS];
};
struct tkp_piece_cache {
    struct tkp_short_set *short_sets;
    struct tkp_long_slot *long_slots;
};

/* A piece on its way through the cache. */
struct tkp_cache_key {
    const char *begin;
    size_t len;
    uint64_t hash;                /* tkp_piece_hash, where len <= TKP_CACHE_LONG_BYTES */
    struct tkp_piece_words words; /* where len <= TKP_PIECE_SHORT_BYTES */
    uint8_t key_len;              /* 0: too long for the cache */
};

bool tkp_piece_cache_init(struct tkp_piece_cache *cache);
void tkp_piece_cache_finish(struct tkp_piece_cache *cache);
void tkp_piece_cache_clear(struct tkp_piece_cache *cache);
/* Keeps the n tokens of a piece if they fit. */
void tkp_piece_cache_put(struct tkp_piece_cache *cache, const struct tkp_cache_key *key,
                         const uint32_t *ids, size_t n);
/* Writes the tokens of a piece that is not in the first slot for it, whole slots at once, at most
 * TKP_CACHE_LONG_IDS. Returns their number, SIZE_MAX where they are not kept. */
size_t tkp_piece_cache_get_slowly(struct tkp_piece_cache *cache, const struct tkp_cache_key *key,
                                  uint32_t *ids);

static inline uint64_t tkp_cache_place(const struct tkp_cache_key *key)
{
    return key->hash ^ (key->key_len & TKP_CACHE_PART ? 0x2545 : 0);
}
static inline struct tkp_short_set *tkp_cache_set(const struct tkp_piece_cache *cache,
                                                  const struct tkp_cache_key *key)
{
    return &cache->short_sets[tkp_cache_place(key) & (TKP_CACHE_SHORT_SETS - 1)];
}
static inline struct tkp_long_slot *tkp_cache_long_slot(const struct tkp_piece_cache *cache,
                                                        const struct tkp_cache_key *key)
{
    return &cache->long_slots[tkp_cache_place(key) & (TKP_CACHE_LONG_SLOTS - 1)];
}

static inline bool tkp_short_slot_is(const struct tkp_short_slot *slot,
                                     const struct tkp_cache_key *key)
{
    return slot->words.low == key->words.low && slot->words.high == key->words.high &&
           slot->key_len == key->key_len;
}

/* Makes a key and sends for its cache line. `readable` as in tkp_piece_words_of(). */
static inline void tkp_cache_key_init(struct tkp_cache_key *key,
                                      const struct tkp_piece_cache *cache, const char *begin,
                                      size_t len, size_t readable, bool is_part)
{
    key->begin = begin;
    key->len = len;
    key->key_len = 0;
    if (len > TKP_CACHE_LONG_BYTES)
        return;
    key->key_len = (uint8_t)(len | (is_part ? TKP_CACHE_PART : 0));
    if (len > TKP_PIECE_SHORT_BYTES) {
        key->hash = tkp_piece_hash(begin, len);
        __builtin_prefetch(tkp_cache_long_slot(cache, key));
        return;
    }
    key->words = tkp_piece_words_of(begin, len, readable);
    key->hash = tkp_piece_hash_words(key->words, len);
    __builtin_prefetch(tkp_cache_set(cache, key));
}

/* Like get_slowly, with the most frequent case here. */
static inline size_t tkp_piece_cache_get(struct tkp_piece_cache *cache,
                                         const struct tkp_cache_key *key, uint32_t *ids)
{
    if (key->len <= TKP_PIECE_SHORT_BYTES) {
        const struct tkp_short_slot *slot = &tkp_cache_set(cache, key)->slots[0];
        if (tkp_short_slot_is(slot, key) && slot->id_count <= TKP_CACHE_SHORT_IDS) {
            memcpy(ids, slot->ids, sizeof slot->ids);
            return slot->id_count;
        }
    }
    return tkp_piece_cache_get_slowly(cache, key, ids);
}

#endif

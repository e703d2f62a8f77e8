/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens of a model: bytes by identifier, and identifiers by bytes. Filled on one thread,
 * constant afterwards.
 */
#ifndef TKP_TOKEN_VOCABULARY_H
#define TKP_TOKEN_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <tokperf/base.h>

/* Identifiers have 20 bits, so that a pair of them and a rank fit into 8 bytes (merges.h). */
enum { TKP_VOCABULARY_MAX_IDS = (1 << 20) - 1 };
#define TKP_NO_ID UINT32_MAX

struct tkp_vocabulary_entry {
    uint32_t offset, len; /* bytes, in the pool */
};
struct tkp_vocabulary {
    struct tkp_vocabulary_entry *entries; /* by identifier; len 0: there is no such token */
    char *pool;
    uint64_t *slots;                  /* hash's upper half, then identifier + 1; 0: empty */
    uint32_t slot_count;              /* a power of two */
    uint32_t id_capacity, id_end;     /* identifiers are below id_end */
    uint32_t count;                   /* tokens */
    uint32_t pool_len, pool_capacity; /* bytes */
    uint32_t longest_bytes;
};

/* Room for `count` tokens below `id_end` of together `bytes`. False without memory. */
bool tkp_vocabulary_init(struct tkp_vocabulary *v, uint32_t count, uint32_t id_end, uint32_t bytes);
void tkp_vocabulary_finish(struct tkp_vocabulary *v); /* accepts a zeroed one */
/* Adds a token of at least one byte within what init() made room for. False when the identifier or
 * the bytes are there already, or there is no room. */
bool tkp_vocabulary_add(struct tkp_vocabulary *v, uint32_t id, const char *data, size_t len);
/* The identifier of these bytes, whose tkp_piece_hash is hash, or TKP_NO_ID. */
uint32_t tkp_vocabulary_find_hashed(const struct tkp_vocabulary *v, const char *data, size_t len,
                                    uint64_t hash);
uint32_t tkp_vocabulary_find(const struct tkp_vocabulary *v, const char *data, size_t len);
/* The bytes of an identifier; len 0 where there is none. */
struct tokperf_span tkp_vocabulary_get(const struct tkp_vocabulary *v, uint32_t id);
size_t tkp_vocabulary_memory_bytes(const struct tkp_vocabulary *v);

#endif

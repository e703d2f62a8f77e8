/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An open-addressed table of 8-byte slots over one pool of bytes: a look-up that fails mostly
 * touches one cache line, one that succeeds three.
 */
#include <token/vocabulary.h>

#include <stdlib.h>
#include <string.h>
#include <token/piece_key.h>

bool tkp_vocabulary_init(struct tkp_vocabulary *v, uint32_t count, uint32_t id_end, uint32_t bytes)
{
    *v = (struct tkp_vocabulary){.id_capacity = id_end, .pool_capacity = bytes, .slot_count = 16};
    while (v->slot_count < 2 * (uint64_t)count)
        v->slot_count *= 2;
    v->entries = calloc((size_t)id_end + 1, sizeof *v->entries);
    v->pool = malloc((size_t)bytes + 1);
    v->slots = calloc(v->slot_count, sizeof *v->slots);
    if (v->entries && v->pool && v->slots)
        return true;
    tkp_vocabulary_finish(v);
    return false;
}

void tkp_vocabulary_finish(struct tkp_vocabulary *v)
{
    free(v->entries);
    free(v->pool);
    free(v->slots);
    *v = (struct tkp_vocabulary){.entries = NULL};
}

bool tkp_vocabulary_add(struct tkp_vocabulary *v, uint32_t id, const char *data, size_t len)
{
    if (id >= v->id_capacity || len == 0 || len > v->pool_capacity - v->pool_len ||
        v->entries[id].len != 0 || 2 * (uint64_t)v->count >= v->slot_count)
        return false;
    uint64_t hash = tkp_piece_hash(data, len);
    if (tkp_vocabulary_find_hashed(v, data, len, hash) != TKP_NO_ID)
        return false;
    memcpy(v->pool + v->pool_len, data, len);
    v->entries[id] = (struct tkp_vocabulary_entry){v->pool_len, (uint32_t)len};
    v->pool_len += (uint32_t)len;
    uint32_t mask = v->slot_count - 1, at = (uint32_t)hash & mask;
    while (v->slots[at])
        at = (at + 1) & mask;
    v->slots[at] = (hash >> 32) << 32 | (id + 1);
    v->count++;
    if (id >= v->id_end)
        v->id_end = id + 1;
    if (len > v->longest_bytes)
        v->longest_bytes = (uint32_t)len;
    return true;
}

uint32_t tkp_vocabulary_find_hashed(const struct tkp_vocabulary *v, const char *data, size_t len,
                                    uint64_t hash)
{
    uint32_t mask = v->slot_count - 1, wanted = (uint32_t)(hash >> 32);
    for (uint32_t at = (uint32_t)hash & mask; v->slots[at]; at = (at + 1) & mask) {
        if ((uint32_t)(v->slots[at] >> 32) != wanted)
            continue;
        uint32_t id = (uint32_t)v->slots[at] - 1;
        struct tkp_vocabulary_entry entry = v->entries[id];
        if (entry.len == len && memcmp(v->pool + entry.offset, data, len) == 0)
            return id;
    }
    return TKP_NO_ID;
}

uint32_t tkp_vocabulary_find(const struct tkp_vocabulary *v, const char *data, size_t len)
{
    return tkp_vocabulary_find_hashed(v, data, len, tkp_piece_hash(data, len));
}

struct tokperf_span tkp_vocabulary_get(const struct tkp_vocabulary *v, uint32_t id)
{
    if (id >= v->id_end)
        return (struct tokperf_span){NULL, 0};
    return (struct tokperf_span){v->pool + v->entries[id].offset, v->entries[id].len};
}

size_t tkp_vocabulary_memory_bytes(const struct tkp_vocabulary *v)
{
    return ((size_t)v->id_capacity + 1) * sizeof *v->entries + v->pool_capacity +
           v->slot_count * sizeof *v->slots;
}

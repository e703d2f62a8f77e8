/* SPDX-License-Identifier: Apache-2.0 */
/* The pool of buffers for bytes that outlive their read: a free list, growth by doubling. */
#include <worker/spill.h>

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY_BYTES = 2048 }; /* holds most heads' lines and most events */

void tkp_spill_pool_init(struct tkp_spill_pool *pool, size_t max_total_bytes)
{
    *pool = (struct tkp_spill_pool){.max_total_bytes = max_total_bytes};
}

void tkp_spill_pool_finish(struct tkp_spill_pool *pool)
{
    while (pool->free) {
        struct tkp_spill *spill = pool->free;
        pool->free = spill->next;
        free(spill->data);
        free(spill);
    }
    pool->total_bytes = 0;
}

struct tkp_spill *tkp_spill_take(struct tkp_spill_pool *pool)
{
    struct tkp_spill *spill = pool->free;
    if (spill)
        pool->free = spill->next;
    else
        spill = calloc(1, sizeof *spill);
    if (spill)
        spill->next = NULL;
    return spill;
}

void tkp_spill_give(struct tkp_spill_pool *pool, struct tkp_spill *spill)
{
    if (!spill)
        return;
    spill->len = 0;
    spill->next = pool->free;
    pool->free = spill;
}

static bool grow(struct tkp_spill_pool *pool, struct tkp_spill *spill, size_t needed)
{
    size_t allowed = pool->max_total_bytes - pool->total_bytes + spill->capacity;
    size_t capacity = spill->capacity ? spill->capacity : FIRST_CAPACITY_BYTES;
    while (capacity < needed && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    if (capacity > allowed)
        capacity = allowed;
    if (capacity < needed)
        return false;
    char *data = realloc(spill->data, capacity);
    if (!data)
        return false;
    pool->total_bytes += capacity - spill->capacity;
    spill->data = data;
    spill->capacity = capacity;
    return true;
}

char *tkp_spill_reserve(struct tkp_spill_pool *pool, struct tkp_spill *spill, size_t len)
{
    if (len > SIZE_MAX - spill->len)
        return NULL;
    if (spill->len + len > spill->capacity && !grow(pool, spill, spill->len + len))
        return NULL;
    return spill->data + spill->len;
}

bool tkp_spill_append(struct tkp_spill_pool *pool, struct tkp_spill **spill, const char *data,
                      size_t len)
{
    if (!*spill)
        *spill = tkp_spill_take(pool);
    if (!*spill)
        return false;
    if (!len)
        return true;
    char *room = tkp_spill_reserve(pool, *spill, len);
    if (!room)
        return false;
    memcpy(room, data, len);
    (*spill)->len += len;
    return true;
}

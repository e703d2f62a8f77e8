/* SPDX-License-Identifier: Apache-2.0 */
/* Slabs of slots, each with room for the endpoint plugin's state, and queues of them. */
#include <worker/slot.h>

#include <stdlib.h>

enum {
    SLAB_SLOTS = 16,
    SLAB_ALIGNMENT = 64, /* no other thread's memory shares its lines of the cache */
    ALIGNMENT = 16       /* of slots, and of the plugin's state behind each */
};

static size_t round_up(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void tkp_slot_queue_push(struct tkp_slot_queue *queue, struct tkp_slot *slot)
{
    slot->next = NULL;
    if (queue->last)
        queue->last->next = slot;
    else
        queue->first = slot;
    queue->last = slot;
}

struct tkp_slot *tkp_slot_queue_pop(struct tkp_slot_queue *queue)
{
    struct tkp_slot *slot = queue->first;
    if (!slot)
        return NULL;
    queue->first = slot->next;
    if (!queue->first)
        queue->last = NULL;
    slot->next = NULL;
    return slot;
}

size_t tkp_slot_bytes(uint32_t state_bytes)
{
    return round_up(sizeof(struct tkp_slot)) + round_up(state_bytes);
}

void tkp_slot_pool_init(struct tkp_slot_pool *pool, struct tkp_loop *loop, uint32_t state_bytes)
{
    *pool = (struct tkp_slot_pool){.loop = loop, .slot_bytes = tkp_slot_bytes(state_bytes)};
}

void tkp_slot_pool_finish(struct tkp_slot_pool *pool)
{
    for (uint32_t i = 0; i < pool->slab_count; i++)
        free(pool->slabs[i]);
    free(pool->slabs);
    *pool = (struct tkp_slot_pool){0};
}

static struct tkp_slot *slot_in(const struct tkp_slot_pool *pool, char *slab, uint32_t place)
{
    void *slot = slab + place * pool->slot_bytes;
    return slot;
}

struct tkp_slot *tkp_slot_pool_at(const struct tkp_slot_pool *pool, uint32_t index)
{
    if (index / SLAB_SLOTS >= pool->slab_count)
        return NULL;
    return slot_in(pool, pool->slabs[index / SLAB_SLOTS], index % SLAB_SLOTS);
}

static bool add_slab(struct tkp_slot_pool *pool)
{
    uint32_t count = pool->slab_count;
    if ((count & (count - 1)) == 0) { /* 0 or a power of two: the list is full and doubles */
        char **slabs = realloc(pool->slabs, (count ? 2 * (size_t)count : 1) * sizeof *slabs);
        if (!slabs)
            return false;
        pool->slabs = slabs;
    }
    if (!tkp_loop_reserve_timers(pool->loop, (count + 1) * SLAB_SLOTS))
        return false;
    size_t bytes = SLAB_SLOTS * pool->slot_bytes; /* a multiple of the alignment, as 16 * 16 is */
    char *slab = aligned_alloc(SLAB_ALIGNMENT, bytes);
    if (!slab)
        return false;
    pool->slabs[count] = slab;
    pool->slab_count = count + 1;
    for (uint32_t i = SLAB_SLOTS; i-- > 0;) {
        struct tkp_slot *slot = slot_in(pool, slab, i);
        *slot = (struct tkp_slot){.reply.state = (char *)slot + round_up(sizeof *slot)};
        slot->next = pool->free;
        pool->free = slot;
    }
    return true;
}

struct tkp_slot *tkp_slot_pool_take(struct tkp_slot_pool *pool)
{
    if (!pool->free && !add_slab(pool))
        return NULL;
    struct tkp_slot *slot = pool->free;
    pool->free = slot->next;
    slot->next = NULL;
    return slot;
}

void tkp_slot_pool_give(struct tkp_slot_pool *pool, struct tkp_slot *slot)
{
    slot->state = TKP_SLOT_FREE;
    tkp_loop_cancel_timer(pool->loop, &slot->timer);
    slot->next = pool->free;
    pool->free = slot;
}

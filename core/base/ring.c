/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A single-producer single-consumer ring of pointers. Each side keeps its own index and a copy of
 * the other's on its own cache line, and looks at the other's line only when the copy says full or
 * empty.
 */
#include <base/ring.h>

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { CACHE_LINE_BYTES = 64, MAX_CAPACITY = 1 << 30 };

struct tkp_ring {
    alignas(CACHE_LINE_BYTES) _Atomic uint32_t pushed; /* written by the producer */
    uint32_t popped_seen;
    alignas(CACHE_LINE_BYTES) _Atomic uint32_t popped; /* written by the consumer */
    uint32_t pushed_seen;
    alignas(CACHE_LINE_BYTES) uint32_t mask;
    void *items[];
};

struct tkp_ring *tkp_ring_create(uint32_t capacity)
{
    if (capacity > MAX_CAPACITY)
        return NULL;
    uint32_t rounded = 1;
    while (rounded < capacity)
        rounded *= 2;
    size_t bytes = sizeof(struct tkp_ring) + rounded * sizeof(void *);
    bytes = (bytes + CACHE_LINE_BYTES - 1) & ~(size_t)(CACHE_LINE_BYTES - 1);
    struct tkp_ring *r = aligned_alloc(CACHE_LINE_BYTES, bytes);
    if (!r)
        return NULL;
    atomic_init(&r->pushed, 0);
    atomic_init(&r->popped, 0);
    r->popped_seen = r->pushed_seen = 0;
    r->mask = rounded - 1;
    return r;
}

void tkp_ring_destroy(struct tkp_ring *r)
{
    free(r);
}

bool tkp_ring_push(struct tkp_ring *r, void *item)
{
    uint32_t pushed = atomic_load_explicit(&r->pushed, memory_order_relaxed); /* own index */
    if (pushed - r->popped_seen > r->mask) {
        /* Acquire: the consumer has read the slot before it is written again. */
        r->popped_seen = atomic_load_explicit(&r->popped, memory_order_acquire);
        if (pushed - r->popped_seen > r->mask)
            return false;
    }
    r->items[pushed & r->mask] = item;
    /* Release: the item and what it points to are visible before the new index. */
    atomic_store_explicit(&r->pushed, pushed + 1, memory_order_release);
    return true;
}

void *tkp_ring_pop(struct tkp_ring *r)
{
    uint32_t popped = atomic_load_explicit(&r->popped, memory_order_relaxed); /* own index */
    if (popped == r->pushed_seen) {
        r->pushed_seen = atomic_load_explicit(&r->pushed, memory_order_acquire); /* see push */
        if (popped == r->pushed_seen)
            return NULL;
    }
    void *item = r->items[popped & r->mask];
    atomic_store_explicit(&r->popped, popped + 1, memory_order_release); /* see push */
    return item;
}

uint32_t tkp_ring_count(const struct tkp_ring *r)
{
    /* Relaxed: a number to go by, nothing is read because of it. */
    return atomic_load_explicit(&r->pushed, memory_order_relaxed) -
           atomic_load_explicit(&r->popped, memory_order_relaxed);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Pages of chunk times: taken from slabs of the worker, linked in the order of arrival. */
#include <worker/chunk_times.h>

#include <stdlib.h>

enum { SLAB_PAGES = 127 }; /* with its link, a slab is just under 64 KiB */

struct tkp_chunk_slab {
    struct tkp_chunk_slab *next;
    struct tkp_chunk_page pages[SLAB_PAGES];
};

void tkp_chunk_pool_init(struct tkp_chunk_pool *pool)
{
    *pool = (struct tkp_chunk_pool){0};
}

void tkp_chunk_pool_finish(struct tkp_chunk_pool *pool)
{
    while (pool->slabs) {
        struct tkp_chunk_slab *slab = pool->slabs;
        pool->slabs = slab->next;
        free(slab);
    }
    pool->free = NULL;
}

static bool add_slab(struct tkp_chunk_pool *pool)
{
    struct tkp_chunk_slab *slab = malloc(sizeof *slab);
    if (!slab)
        return false;
    slab->next = pool->slabs;
    pool->slabs = slab;
    for (int i = 0; i < SLAB_PAGES; i++) {
        slab->pages[i].next = pool->free;
        pool->free = &slab->pages[i];
    }
    return true;
}

static bool add_page(struct tkp_chunk_times *times, struct tkp_chunk_pool *pool)
{
    if (!pool->free && !add_slab(pool))
        return false;
    struct tkp_chunk_page *page = pool->free;
    pool->free = page->next;
    page->next = NULL;
    if (times->last)
        times->last->next = page;
    else
        times->first = page;
    times->last = page;
    return true;
}

bool tkp_chunk_times_add(struct tkp_chunk_times *times, struct tkp_chunk_pool *pool,
                         uint64_t time_ns)
{
    uint32_t place = times->count % TKP_CHUNK_PAGE_TIMES;
    if (times->count >= TKP_CHUNK_MAX_TIMES || (!place && !add_page(times, pool)))
        return false;
    times->last->times_ns[place] = time_ns;
    times->count++;
    return true;
}

void tkp_chunk_times_clear(struct tkp_chunk_times *times, struct tkp_chunk_pool *pool)
{
    if (times->last) {
        times->last->next = pool->free;
        pool->free = times->first;
    }
    *times = (struct tkp_chunk_times){0};
}

static uint32_t next_piece(void *context, const uint64_t **times_ns)
{
    struct tkp_chunk_times *times = context;
    uint32_t left = times->count - times->read_count;
    if (!left || !times->reading)
        return 0;
    uint32_t len = left < TKP_CHUNK_PAGE_TIMES ? left : TKP_CHUNK_PAGE_TIMES;
    *times_ns = times->reading->times_ns;
    times->reading = times->reading->next;
    times->read_count += len;
    return len;
}

static void rewind_pieces(void *context)
{
    struct tkp_chunk_times *times = context;
    times->reading = times->first;
    times->read_count = 0;
}

struct tkp_chunk_source tkp_chunk_times_source(struct tkp_chunk_times *times)
{
    rewind_pieces(times);
    return (struct tkp_chunk_source){times, next_piece, rewind_pieces};
}

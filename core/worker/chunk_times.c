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

static bool add_page(struct tkp_chunk_times *times, struct tkp_chunk_pool *pool, uint64_t first_ns)
{
    if (!pool->free && !add_slab(pool))
        return false;
    struct tkp_chunk_page *page = pool->free;
    pool->free = page->next;
    page->next = NULL;
    page->first_ns = first_ns;
    page->count = 1;
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
    struct tkp_chunk_page *page = times->last;
    uint64_t gap_ns = time_ns - times->last_ns;
    if (times->count >= TKP_CHUNK_MAX_TIMES)
        return false;
    if (page && page->count < TKP_CHUNK_PAGE_TIMES && gap_ns <= UINT32_MAX)
        page->gaps_ns[page->count++ - 1] = (uint32_t)gap_ns;
    else if (!add_page(times, pool, time_ns))
        return false;
    times->last_ns = time_ns;
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
    struct tkp_chunk_pool *pool = context;
    const struct tkp_chunk_page *page = pool->reading;
    if (!page)
        return 0;
    pool->piece_ns[0] = page->first_ns;
    for (uint32_t i = 1; i < page->count; i++)
        pool->piece_ns[i] = pool->piece_ns[i - 1] + page->gaps_ns[i - 1];
    pool->reading = page->next;
    *times_ns = pool->piece_ns;
    return page->count;
}

static void rewind_pieces(void *context)
{
    struct tkp_chunk_pool *pool = context;
    pool->reading = pool->source->first;
}

struct tkp_chunk_source tkp_chunk_times_source(const struct tkp_chunk_times *times,
                                               struct tkp_chunk_pool *pool)
{
    pool->source = times;
    rewind_pieces(pool);
    return (struct tkp_chunk_source){pool, next_piece, rewind_pieces};
}

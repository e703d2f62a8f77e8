/* SPDX-License-Identifier: Apache-2.0 */
/* Spare and lent batches under a lock that is held for a few instructions. What libzmq gives back
 * is looked for by its address: of a batch nothing is read before the lock is held. */
#include <bus/batch_pool.h>

#include <bus/handoff.h>
#include <pthread.h>
#include <stdlib.h>

struct tkp_batch_pool {
    pthread_mutex_t mutex;
    struct tkp_batch *spare;
    uint32_t spare_count;
    struct tkp_batch *lent, **last_lent; /* the oldest first, as they come back */
    bool ownerless;
};

static void destroy_batch(struct tkp_batch *batch)
{
    if (!batch)
        return;
    tkp_buffer_finish(&batch->bytes);
    free(batch);
}

static void destroy_pool(struct tkp_batch_pool *pool)
{
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}

struct tkp_batch_pool *tkp_batch_pool_create(void)
{
    struct tkp_batch_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->mutex, NULL);
    pool->last_lent = &pool->lent;
    return pool;
}

void tkp_batch_pool_destroy(struct tkp_batch_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    struct tkp_batch *spare = pool->spare;
    bool is_idle = !pool->lent;
    pool->spare = NULL;
    pool->ownerless = true;
    pthread_mutex_unlock(&pool->mutex);
    while (spare) {
        struct tkp_batch *next = spare->next;
        destroy_batch(spare);
        spare = next;
    }
    if (is_idle)
        destroy_pool(pool);
}

struct tkp_batch *tkp_batch_pool_take(struct tkp_batch_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    struct tkp_batch *batch = pool->spare;
    if (batch) {
        pool->spare = batch->next;
        pool->spare_count--;
    }
    pthread_mutex_unlock(&pool->mutex);
    if (batch)
        return batch;
    batch = calloc(1, sizeof *batch);
    if (batch)
        tkp_buffer_init(&batch->bytes, TKP_BATCH_MAX_BYTES);
    return batch;
}

/* Returns the batch if it is not kept. */
static struct tkp_batch *keep_spare(struct tkp_batch_pool *pool, struct tkp_batch *batch)
{
    if (pool->ownerless || pool->spare_count >= TKP_BATCH_SPARE_COUNT)
        return batch;
    tkp_buffer_clear(&batch->bytes);
    batch->frame_count = 0;
    batch->next = pool->spare;
    pool->spare = batch;
    pool->spare_count++;
    return NULL;
}

void tkp_batch_pool_give(struct tkp_batch_pool *pool, struct tkp_batch *batch)
{
    pthread_mutex_lock(&pool->mutex);
    struct tkp_batch *rest = keep_spare(pool, batch);
    pthread_mutex_unlock(&pool->mutex);
    destroy_batch(rest);
}

void tkp_batch_pool_lend(struct tkp_batch_pool *pool, struct tkp_batch *batch)
{
    pthread_mutex_lock(&pool->mutex);
    batch->next = NULL;
    *pool->last_lent = batch;
    pool->last_lent = &batch->next;
    tkp_handoff_release(pool);
    tkp_handoff_release(batch->bytes.data);
    pthread_mutex_unlock(&pool->mutex);
}

/* Takes the one with these bytes out of those that are lent. */
static struct tkp_batch *unlink_lent(struct tkp_batch_pool *pool, const void *data)
{
    struct tkp_batch **at = &pool->lent;
    while (*at && (*at)->bytes.data != data)
        at = &(*at)->next;
    struct tkp_batch *batch = *at;
    if (!batch)
        return NULL;
    *at = batch->next;
    if (!*at)
        pool->last_lent = at;
    return batch;
}

void tkp_batch_pool_reclaim(struct tkp_batch_pool *pool, struct tkp_batch *batch)
{
    pthread_mutex_lock(&pool->mutex);
    (void)unlink_lent(pool, batch->bytes.data);
    pthread_mutex_unlock(&pool->mutex);
}

uint64_t tkp_batch_pool_lent_frames(struct tkp_batch_pool *pool)
{
    uint64_t frames = 0;
    pthread_mutex_lock(&pool->mutex);
    for (const struct tkp_batch *batch = pool->lent; batch; batch = batch->next)
        frames += batch->frame_count;
    pthread_mutex_unlock(&pool->mutex);
    return frames;
}

void tkp_batch_pool_return(void *data, void *context)
{
    struct tkp_batch_pool *pool = context;
    tkp_handoff_acquire(pool);
    pthread_mutex_lock(&pool->mutex);
    struct tkp_batch *batch = unlink_lent(pool, data), *rest = NULL;
    if (batch)
        rest = keep_spare(pool, batch);
    bool is_last = pool->ownerless && !pool->lent;
    pthread_mutex_unlock(&pool->mutex);
    destroy_batch(rest);
    if (batch && is_last)
        destroy_pool(pool);
}

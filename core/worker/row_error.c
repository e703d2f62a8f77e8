/* SPDX-License-Identifier: Apache-2.0 */
/* The errors of a worker's rows, in slabs. */
#include <worker/row_error.h>

#include <stdlib.h>

enum { SLAB_ERRORS = 16 };

struct tkp_row_error_slab {
    struct tkp_row_error_slab *next;
    struct tkp_row_error errors[SLAB_ERRORS];
};

void tkp_row_error_pool_init(struct tkp_row_error_pool *pool)
{
    *pool = (struct tkp_row_error_pool){.empty.lender = pool};
}

void tkp_row_error_pool_finish(struct tkp_row_error_pool *pool)
{
    while (pool->slabs) {
        struct tkp_row_error_slab *slab = pool->slabs;
        pool->slabs = slab->next;
        free(slab);
    }
    pool->free = NULL;
}

static bool add_slab(struct tkp_row_error_pool *pool)
{
    struct tkp_row_error_slab *slab = malloc(sizeof *slab);
    if (!slab)
        return false;
    slab->next = pool->slabs;
    pool->slabs = slab;
    for (int i = 0; i < SLAB_ERRORS; i++) {
        slab->errors[i].next = pool->free;
        pool->free = &slab->errors[i];
    }
    return true;
}

struct tkp_row_error *tkp_row_error_write(struct tkp_row *row)
{
    struct tkp_row_error_pool *pool = row->error ? row->error->lender : NULL;
    if (!pool)
        return row->error;
    if (!pool->free && !add_slab(pool))
        return NULL;
    struct tkp_row_error *error = pool->free;
    pool->free = error->next;
    error->type[0] = error->message[0] = '\0';
    error->lender = NULL;
    error->next = NULL;
    row->error = error;
    return error;
}

void tkp_row_error_give(struct tkp_row_error_pool *pool, struct tkp_row *row)
{
    if (row->error && row->error != &pool->empty) {
        row->error->next = pool->free;
        pool->free = row->error;
    }
    row->error = &pool->empty;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room for what goes wrong: few requests need it, so a worker's rows share one empty error until
 * something is written, and give what they took back once they are recorded. The pool grows to the
 * peak and stays. Owned by one thread.
 */
#ifndef TKP_WORKER_ROW_ERROR_H
#define TKP_WORKER_ROW_ERROR_H

#include <record/row.h>

struct tkp_row_error_slab;
struct tkp_row_error_pool {
    struct tkp_row_error empty; /* what rows begin with */
    struct tkp_row_error *free; /* linked by next */
    struct tkp_row_error_slab *slabs;
};

void tkp_row_error_pool_init(struct tkp_row_error_pool *pool);   /* does not move afterwards */
void tkp_row_error_pool_finish(struct tkp_row_error_pool *pool); /* takes back what is lent */

/* The row's error to write to, taken from the pool whose empty one it has; NULL when the row has
 * none, or without memory. */
struct tkp_row_error *tkp_row_error_write(struct tkp_row *row);
/* Gives back what the row took. */
void tkp_row_error_give(struct tkp_row_error_pool *pool, struct tkp_row *row);

#endif

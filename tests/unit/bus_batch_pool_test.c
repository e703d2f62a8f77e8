/* SPDX-License-Identifier: Apache-2.0 */
/* Batches that libzmq holds on to: in any order, after a send that failed, after the publisher. */
#include <bus/batch_pool.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { LENT = 3 * TKP_BATCH_SPARE_COUNT };

static struct tkp_batch *take(struct tkp_batch_pool *pool)
{
    struct tkp_batch *batch = tkp_batch_pool_take(pool);
    assert_non_null(batch);
    assert_int_equal(batch->bytes.len, 0);
    assert_int_equal(batch->frame_count, 0);
    tkp_buffer_append(&batch->bytes, "bytes", 5);
    batch->frame_count = 1;
    return batch;
}

static void *lend(struct tkp_batch_pool *pool)
{
    struct tkp_batch *batch = take(pool);
    tkp_batch_pool_lend(pool, batch);
    return batch->bytes.data;
}

static void test_returned_ones_are_used_again(void **state)
{
    (void)state;
    struct tkp_batch_pool *pool = tkp_batch_pool_create();
    struct tkp_batch *batch = take(pool);
    tkp_batch_pool_lend(pool, batch);
    struct tkp_batch *other = take(pool);
    assert_ptr_not_equal(other, batch);
    tkp_batch_pool_return(batch->bytes.data, pool);
    assert_ptr_equal(take(pool), batch);
    tkp_batch_pool_give(pool, batch);
    tkp_batch_pool_give(pool, other);
    tkp_batch_pool_destroy(pool);
}

/* A failed send: libzmq gives back what is ours again. */
static void test_a_reclaimed_one_stays(void **state)
{
    (void)state;
    struct tkp_batch_pool *pool = tkp_batch_pool_create();
    void *before = lend(pool);
    struct tkp_batch *batch = take(pool);
    tkp_batch_pool_lend(pool, batch);
    void *after = lend(pool);
    tkp_batch_pool_reclaim(pool, batch);
    tkp_batch_pool_return(batch->bytes.data, pool);
    assert_int_equal(batch->bytes.len, 5);
    tkp_batch_pool_return(before, pool);
    tkp_batch_pool_return(after, pool);
    assert_int_equal(batch->bytes.len, 5);
    tkp_batch_pool_lend(pool, batch); /* the second try */
    tkp_batch_pool_return(batch->bytes.data, pool);
    tkp_batch_pool_destroy(pool);
}

/* Whatever is still out when its owner goes comes back to a pool that is there. */
static void test_the_pool_outlives_its_owner(void **state)
{
    (void)state;
    struct tkp_batch_pool *pool = tkp_batch_pool_create();
    void *lent[LENT];
    for (int i = 0; i < LENT; i++)
        lent[i] = lend(pool);
    tkp_batch_pool_give(pool, take(pool));
    for (int i = 0; i < LENT / 2; i++)
        tkp_batch_pool_return(lent[i], pool);
    tkp_batch_pool_destroy(pool);
    for (int i = LENT - 1; i >= LENT / 2; i--)
        tkp_batch_pool_return(lent[i], pool);
    tkp_batch_pool_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_returned_ones_are_used_again),
                                       cmocka_unit_test(test_a_reclaimed_one_stays),
                                       cmocka_unit_test(test_the_pool_outlives_its_owner)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

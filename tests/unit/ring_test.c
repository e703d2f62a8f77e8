/* SPDX-License-Identifier: Apache-2.0 */
/* Rings: order, capacity, wrap-around, and two threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/ring.h>
#include <pthread.h>
#include <sched.h>

enum { ITEMS = 200000 };

static void full_and_empty(void **state)
{
    (void)state;
    static const struct {
        uint32_t asked, holds;
    } cases[] = {{0, 1}, {1, 1}, {2, 2}, {3, 4}, {1000, 1024}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tkp_ring *r = tkp_ring_create(cases[i].asked);
        uint32_t items[1024];
        assert_non_null(r);
        for (int round = 0; round < 3; round++) {
            assert_null(tkp_ring_pop(r));
            for (uint32_t n = 0; n < cases[i].holds; n++)
                assert_true(tkp_ring_push(r, &items[n]));
            assert_false(tkp_ring_push(r, &items[0]));
            for (uint32_t n = 0; n < cases[i].holds; n++)
                assert_ptr_equal(tkp_ring_pop(r), &items[n]);
        }
        tkp_ring_destroy(r);
    }
    tkp_ring_destroy(NULL);
    assert_null(tkp_ring_create(UINT32_MAX));
}

struct producer {
    struct tkp_ring *ring;
    uint32_t *items;
};

static void *produce(void *context)
{
    struct producer *p = context;
    for (uint32_t i = 0; i < ITEMS; i++) {
        p->items[i] = i;
        while (!tkp_ring_push(p->ring, &p->items[i]))
            sched_yield();
    }
    return NULL;
}

static void two_threads_keep_order(void **state)
{
    (void)state;
    static uint32_t items[ITEMS];
    struct producer producer = {tkp_ring_create(64), items};
    pthread_t thread;
    assert_non_null(producer.ring);
    assert_int_equal(pthread_create(&thread, NULL, produce, &producer), 0);
    for (uint32_t want = 0; want < ITEMS;) {
        uint32_t *item = tkp_ring_pop(producer.ring);
        if (!item) {
            sched_yield();
            continue;
        }
        assert_int_equal(*item, want);
        want++;
    }
    pthread_join(thread, NULL);
    assert_null(tkp_ring_pop(producer.ring));
    tkp_ring_destroy(producer.ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_and_empty),
        cmocka_unit_test(two_threads_keep_order),
    };
    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}

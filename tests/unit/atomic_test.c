/* SPDX-License-Identifier: Apache-2.0 */
/* Atomics: no ticket twice, never more slots than the cap, flags that publish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/atomic.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { THREADS = 4, ROUNDS = 50000, TAKES = 400000, CAP = 3 };

static struct tkp_ticket ticket;
static struct tkp_slots slots;
static struct tkp_gauge highest;
static unsigned char drawn[THREADS * ROUNDS]; /* each written by the one who drew it */
static struct tkp_flag ready;
static int published;

static void *draw(void *context)
{
    (void)context;
    for (int i = 0; i < ROUNDS; i++)
        drawn[tkp_ticket_take(&ticket)]++;
    return NULL;
}

static void *occupy(void *over)
{
    for (int i = 0; i < ROUNDS; i++) {
        while (!tkp_slots_try_take(&slots, CAP))
            sched_yield();
        if (tkp_slots_used(&slots) > CAP)
            tkp_flag_raise(over);
        tkp_slots_release(&slots);
    }
    return NULL;
}

static struct tkp_flag token;
static struct tkp_ticket taken;

static void *take_until_stopped(void *stop)
{
    while (!tkp_flag_is_raised(stop))
        if (tkp_flag_is_raised(&token) && tkp_flag_take(&token))
            tkp_ticket_take(&taken);
    return NULL;
}

static void *publish(void *context)
{
    (void)context;
    published = 42;
    tkp_flag_raise(&ready);
    return NULL;
}

static void run_threads(void *(*work)(void *), void *context)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, context), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void tickets_are_unique(void **state)
{
    (void)state;
    run_threads(draw, NULL);
    assert_true(tkp_ticket_peek(&ticket) == THREADS * ROUNDS);
    for (size_t i = 0; i < sizeof drawn; i++)
        assert_int_equal(drawn[i], 1);
}

static void slots_hold_the_cap(void **state)
{
    (void)state;
    struct tkp_flag over = {0};
    run_threads(occupy, &over);
    assert_false(tkp_flag_is_raised(&over));
    assert_true(tkp_slots_used(&slots) == 0);
    assert_false(tkp_slots_try_take(&slots, 0));
}

static void flags_publish(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, publish, NULL), 0);
    while (!tkp_flag_is_raised(&ready))
        sched_yield();
    assert_int_equal(published, 42);
    pthread_join(thread, NULL);
    tkp_flag_lower(&ready);
    assert_false(tkp_flag_is_raised(&ready));
}

static void a_raised_flag_is_taken_once(void **state)
{
    (void)state;
    struct tkp_flag stop = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, take_until_stopped, &stop), 0);
    for (uint64_t i = 1; i <= TAKES; i++) {
        tkp_flag_raise(&token);
        if (tkp_flag_is_raised(&token) && tkp_flag_take(&token)) /* both go for it */
            tkp_ticket_take(&taken);
        while (tkp_flag_is_raised(&token) || tkp_ticket_peek(&taken) < i)
            sched_yield();
    }
    tkp_flag_raise(&stop);
    pthread_join(thread, NULL);
    assert_true(tkp_ticket_peek(&taken) == TAKES);
}

static void gauges_count(void **state)
{
    (void)state;
    tkp_gauge_set(&highest, 5);
    tkp_gauge_add(&highest, 7);
    assert_true(tkp_gauge_get(&highest) == 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tickets_are_unique), cmocka_unit_test(slots_hold_the_cap),
        cmocka_unit_test(flags_publish),      cmocka_unit_test(a_raised_flag_is_taken_once),
        cmocka_unit_test(gauges_count),
    };
    return cmocka_run_group_tests_name("atomic", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Slots under the cap, taken and released by several threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <load/phase.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { WORKERS = 4, CAP = 3, ROUNDS = 20000, PATIENCE_MS = 60000 };

static struct tkp_phase phase;
static int wake[WORKERS];
static _Atomic uint64_t holders, worst;

static void enter(void)
{
    uint64_t now = atomic_fetch_add(&holders, 1) + 1, seen = atomic_load(&worst);
    while (now > seen && !atomic_compare_exchange_weak(&worst, &seen, now)) {
    }
}

/* Returns NULL when it got all its turns, and the worker's eventfd when a wake-up was lost. */
static void *work(void *argument)
{
    uint32_t worker = *(const uint32_t *)argument;
    for (int round = 0; round < ROUNDS; round++) {
        while (!tkp_phase_take_slot(&phase, worker, CAP)) {
            struct pollfd fd = {.fd = wake[worker], .events = POLLIN};
            uint64_t count;
            if (poll(&fd, 1, PATIENCE_MS) != 1 || read(wake[worker], &count, sizeof count) < 0)
                return &wake[worker];
        }
        enter();
        atomic_fetch_sub(&holders, 1);
        int32_t next = tkp_phase_release_slot(&phase, worker);
        uint64_t value = 1;
        if (next >= 0 && write(wake[next], &value, sizeof value) < 0)
            return &wake[worker];
    }
    return NULL;
}

static void cap_holds_and_no_wake_up_is_lost(void **state)
{
    (void)state;
    struct tkp_schedule schedule = {0};
    tkp_phase_init(&phase, &schedule, WORKERS);
    pthread_t threads[WORKERS];
    uint32_t ids[WORKERS];
    for (uint32_t i = 0; i < WORKERS; i++) {
        wake[i] = eventfd(0, EFD_CLOEXEC);
        assert_true(wake[i] >= 0);
        ids[i] = i;
    }
    for (uint32_t i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &ids[i]), 0);
    for (uint32_t i = 0; i < WORKERS; i++) {
        void *lost = NULL;
        pthread_join(threads[i], &lost);
        assert_null(lost);
        close(wake[i]);
    }
    assert_true(atomic_load(&worst) <= CAP);
    assert_int_equal(tkp_slots_used(&phase.in_flight), 0);
}

static void without_a_cap_all_enter(void **state)
{
    (void)state;
    struct tkp_schedule schedule = {0};
    tkp_phase_init(&phase, &schedule, 1);
    for (int i = 0; i < 1000; i++)
        assert_true(tkp_phase_take_slot(&phase, 0, 0));
    assert_int_equal(tkp_slots_used(&phase.in_flight), 1000);
    assert_int_equal(tkp_phase_release_slot(&phase, 0), -1);
}

static void the_waiting_worker_is_named_once(void **state)
{
    (void)state;
    struct tkp_schedule schedule = {0};
    tkp_phase_init(&phase, &schedule, 3);
    assert_true(tkp_phase_take_slot(&phase, 0, 1));
    assert_false(tkp_phase_take_slot(&phase, 2, 1));
    assert_int_equal(tkp_phase_release_slot(&phase, 0), 2);
    assert_true(tkp_phase_take_slot(&phase, 0, 1));
    assert_int_equal(tkp_phase_release_slot(&phase, 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cap_holds_and_no_wake_up_is_lost),
        cmocka_unit_test(without_a_cap_all_enter),
        cmocka_unit_test(the_waiting_worker_is_named_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

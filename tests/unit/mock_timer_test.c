/* SPDX-License-Identifier: Apache-2.0 */
/* tokperf-mock's timer heap against a plain search for the smallest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "draw.h"
#include "timer.h"

enum { TIMERS = 200, STEPS = 20000 };

static uint64_t smallest(const struct tkp_mock_timer *timers)
{
    uint64_t due_ns = UINT64_MAX;
    for (size_t i = 0; i < TIMERS; i++) {
        if (timers[i].place != 0 && timers[i].due_ns < due_ns) {
            due_ns = timers[i].due_ns;
        }
    }
    return due_ns;
}

static void test_first_is_the_earliest(void **state)
{
    (void)state;
    struct tkp_mock_timer_heap heap = {0};
    struct tkp_mock_timer timers[TIMERS] = {0};
    for (uint64_t step = 0; step < STEPS; step++) {
        struct tkp_mock_timer *timer = &timers[tkp_mock_draw_bits(1, step, 0) % TIMERS];
        if (tkp_mock_draw_bits(1, step, 1) % 3 == 0) {
            tkp_mock_timer_cancel(&heap, timer);
            assert_int_equal(timer->place, 0);
        } else {
            assert_true(tkp_mock_timer_set(&heap, timer, tkp_mock_draw_bits(1, step, 2) % 1000));
        }
        const struct tkp_mock_timer *first = tkp_mock_timer_first(&heap);
        assert_int_equal(first == NULL ? UINT64_MAX : first->due_ns, smallest(timers));
    }
    tkp_mock_timer_heap_finish(&heap);
}

static void test_draws_have_their_mean_and_spread(void **state)
{
    (void)state;
    double sum = 0;
    double squares = 0;
    for (uint64_t i = 0; i < STEPS; i++) {
        double factor = tkp_mock_draw_factor(3, i, 0, 0.5);
        sum += factor;
        squares += factor * factor;
    }
    double mean = sum / STEPS;
    assert_in_range((uint64_t)(mean * 1000), 980, 1020);
    assert_in_range((uint64_t)((squares / STEPS - mean * mean) * 1000), 225, 275);
    assert_true(tkp_mock_draw_factor(3, 1, 0, 0) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_is_the_earliest),
        cmocka_unit_test(test_draws_have_their_mean_and_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The mapping of kernel stamps, by readings of clocks that the test makes up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/clock.h>
#include <worker/arrival.h>

#define US TKP_NS_PER_US
#define MS TKP_NS_PER_MS
/* Realtime minus monotonic of the machine that the test makes up. */
#define OFFSET UINT64_C(1700000000000000000)

/* A reading at a monotonic time, the wall clock read `lag` later and 2 * lag until its end. */
static struct tkp_clock_reading reading(uint64_t at_ns, uint64_t lag_ns, uint64_t offset_ns)
{
    return (struct tkp_clock_reading){at_ns, at_ns + lag_ns + offset_ns, at_ns + 2 * lag_ns};
}

static void test_a_stamp_is_mapped(void **state)
{
    struct tkp_arrival_clock clock;
    tkp_arrival_clock_init(&clock, reading(1000 * MS, 20, OFFSET));
    assert_true(tkp_arrival_clock_map(&clock, OFFSET + 1234567890) == 1234567890);
    assert_true(tkp_arrival_clock_map(&clock, OFFSET - 5) == (uint64_t)-5);
    assert_int_equal(clock.step_count, 0);
    (void)state;
}

/* Wide and lopsided readings: the mapping stays within the narrowest and gets better. */
static void test_readings_narrow_it_down(void **state)
{
    struct tkp_arrival_clock clock;
    tkp_arrival_clock_init(&clock, (struct tkp_clock_reading){100, 100 + OFFSET, 900});
    assert_true(tkp_arrival_clock_map(&clock, OFFSET + 50000) == 50400); /* 400 off, of 800 */
    tkp_arrival_clock_learn(&clock, (struct tkp_clock_reading){5000, 5800 + OFFSET, 5800});
    assert_true(clock.low_ns == (int64_t)OFFSET && clock.high_ns == (int64_t)OFFSET);
    tkp_arrival_clock_learn(&clock, reading(9000, 30000, OFFSET)); /* spoilt: teaches nothing */
    assert_true(tkp_arrival_clock_map(&clock, OFFSET + 50000) == 50000);
    assert_int_equal(clock.step_count, 0);
    (void)state;
}

static void test_steps_are_counted_and_followed(void **state)
{
    static const int64_t moves_ns[] = {101 * (int64_t)US, -101 * (int64_t)US,
                                       3600 * (int64_t)TKP_NS_PER_S, -7 * (int64_t)TKP_NS_PER_S};
    struct tkp_arrival_clock clock;
    uint64_t offset_ns = OFFSET;
    tkp_arrival_clock_init(&clock, reading(1 * MS, 20, offset_ns));
    for (unsigned i = 0; i < sizeof moves_ns / sizeof *moves_ns; i++) {
        offset_ns += (uint64_t)moves_ns[i];
        tkp_arrival_clock_learn(&clock, reading((i + 2) * MS, 20, offset_ns));
        assert_int_equal(clock.step_count, i + 1);
        assert_true(tkp_arrival_clock_map(&clock, offset_ns + 77) == 77);
    }
    (void)state;
}

/* A clock that is slewed apart from the other one is followed without being called a step. */
static void test_a_slow_move_is_followed(void **state)
{
    struct tkp_arrival_clock clock;
    tkp_arrival_clock_init(&clock, reading(1 * MS, 20, OFFSET));
    for (uint64_t i = 1; i <= 100; i++) {
        uint64_t offset_ns = OFFSET + i * 10 * US;
        tkp_arrival_clock_learn(&clock, reading((i + 1) * MS, 20, offset_ns));
        assert_true(tkp_arrival_clock_map(&clock, offset_ns + 77) == 77);
    }
    assert_int_equal(clock.step_count, 0);
    (void)state;
}

static void test_a_cheap_look_sees_a_step(void **state)
{
    struct tkp_arrival_clock clock;
    tkp_arrival_clock_init(&clock, reading(1 * MS, 20, OFFSET));
    assert_false(tkp_arrival_clock_strays(&clock, 5 * MS, OFFSET + 5 * MS));
    assert_false(tkp_arrival_clock_strays(&clock, 5 * MS, OFFSET + 5 * MS + 90 * US));
    assert_true(tkp_arrival_clock_strays(&clock, 5 * MS, OFFSET + 5 * MS + 101 * US));
    assert_true(tkp_arrival_clock_strays(&clock, 5 * MS, OFFSET + 5 * MS - 101 * US));
    assert_true(tkp_arrival_clock_strays(&clock, 5 * MS, 0));
    (void)state;
}

/* However long the thread stands still between two readings. */
static uint64_t wall_at_ns(uint64_t now_ns)
{
    return now_ns + (uint64_t)tkp_clock_realtime_offset_ns();
}

/* Only a stamp between the request's send and the read is believed. */
static void test_a_stamp_that_cannot_be_is_none(void **state)
{
    struct tkp_gauge steps = {0};
    struct tkp_arrivals arrivals;
    tkp_arrivals_init(&arrivals, true, &steps);
    uint64_t now_ns = tkp_clock_now_ns(), wall_ns = wall_at_ns(now_ns);
    uint64_t at_ns = tkp_arrivals_place(&arrivals, wall_ns - MS, now_ns - 2 * MS, now_ns);
    assert_true(at_ns > now_ns - 2 * MS && at_ns <= now_ns);
    assert_true(tkp_arrivals_place(&arrivals, 0, now_ns - MS, now_ns) == 0);
    assert_true(tkp_arrivals_place(&arrivals, wall_ns + MS, now_ns - MS, now_ns) == 0);
    assert_true(tkp_arrivals_place(&arrivals, wall_ns - 3 * MS, now_ns - MS, now_ns) == 0);
    (void)state;
}

/* The wall clock was stepped after the last look: the read that shows it is still placed right. */
static void test_a_read_finds_a_step(void **state)
{
    struct tkp_gauge steps = {0};
    struct tkp_arrivals arrivals;
    tkp_arrivals_init(&arrivals, true, &steps);
    arrivals.clock.low_ns -= (int64_t)TKP_NS_PER_S; /* as it was before a step by a second */
    arrivals.clock.high_ns -= (int64_t)TKP_NS_PER_S;
    uint64_t now_ns = tkp_clock_now_ns(), wall_ns = wall_at_ns(now_ns);
    uint64_t at_ns = tkp_arrivals_place(&arrivals, wall_ns - MS, now_ns - 500 * MS, now_ns);
    assert_true(at_ns > now_ns - 500 * MS && at_ns <= now_ns);
    assert_int_equal(tkp_gauge_get(&steps), 1);
    tkp_arrivals_look(&arrivals, tkp_clock_now_ns());
    arrivals.clock.low_ns += (int64_t)TKP_NS_PER_S;
    arrivals.clock.high_ns += (int64_t)TKP_NS_PER_S;
    tkp_arrivals_look(&arrivals, tkp_clock_now_ns());
    assert_int_equal(tkp_gauge_get(&steps), 2);
    (void)state;
}

static void test_a_reading_is_of_both_clocks(void **state)
{
    uint64_t before_ns = tkp_clock_now_ns();
    struct tkp_clock_reading r = tkp_clock_reading_take();
    assert_true(before_ns <= r.before_ns && r.before_ns <= r.after_ns);
    assert_true(r.after_ns <= tkp_clock_now_ns());
    assert_true(r.wall_ns > UINT64_C(1600000000) * TKP_NS_PER_S);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stamp_is_mapped),
        cmocka_unit_test(test_readings_narrow_it_down),
        cmocka_unit_test(test_steps_are_counted_and_followed),
        cmocka_unit_test(test_a_slow_move_is_followed),
        cmocka_unit_test(test_a_cheap_look_sees_a_step),
        cmocka_unit_test(test_a_stamp_that_cannot_be_is_none),
        cmocka_unit_test(test_a_read_finds_a_step),
        cmocka_unit_test(test_a_reading_is_of_both_clocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule of a phase over a dataset that this test plays: row = draw, turns by a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <base/clock.h>
#include <load/schedule.h>
#include <math.h>
#include <string.h>

enum { START = 1000000000, MANY = 20000 };

static uint32_t turns_table[4] = {1, 1, 1, 1};
static struct tkp_conversation conversation;

uint64_t tkp_dataset_row(const struct tkp_dataset *dataset, uint64_t draw)
{
    (void)dataset;
    return draw;
}

const struct tkp_conversation *tkp_dataset_conversation(const struct tkp_dataset *dataset,
                                                        uint64_t row)
{
    (void)dataset;
    conversation.turn_count = turns_table[row % 4];
    return &conversation;
}

static struct tkp_schedule schedule_of(const struct tkp_phase_plan *phase)
{
    return (struct tkp_schedule){.phase = phase, .seed = 42, .url_count = 3, .start_ns = START};
}

/* Deals ordinals to workers in the given pattern and collects what they get. */
static uint64_t deal(const struct tkp_schedule *s, uint32_t workers, struct tkp_arrival_event *all,
                     uint64_t capacity)
{
    struct tkp_schedule_cursor cursors[64];
    for (uint32_t w = 0; w < workers; w++)
        tkp_schedule_cursor_init(&cursors[w], s);
    uint64_t n = 0;
    for (uint64_t ordinal = 0; n < capacity; ordinal++, n++)
        if (!tkp_schedule_cursor_at(&cursors[(ordinal * 7) % workers], ordinal, &all[n]))
            break;
    return n;
}

static struct tkp_arrival_event one[MANY], other[MANY];

static void same_load_for_any_number_of_workers(void **state)
{
    (void)state;
    memcpy(turns_table, (uint32_t[]){3, 1, 5, 2}, sizeof turns_table);
    struct tkp_phase_plan phase = {
        .arrival = TKP_ARRIVAL_POISSON, .rate_per_s = 1000, .request_count = 9001};
    struct tkp_schedule s = schedule_of(&phase);
    uint64_t n = deal(&s, 1, one, MANY);
    uint64_t turns = 0;
    for (uint64_t i = 0; i < n; i++)
        turns += one[i].turns;
    assert_int_equal(turns, 9001); /* exactly the budget: the last conversation is cut */
    struct tkp_schedule_cursor cursor;
    tkp_schedule_cursor_init(&cursor, &s);
    assert_int_equal(tkp_schedule_count(&cursor, 0, 100), 100);
    assert_int_equal(tkp_schedule_count(&cursor, 100, 100), 100);
    assert_int_equal(tkp_schedule_count(&cursor, 100, UINT64_MAX), n);
    assert_int_equal(tkp_schedule_count(&cursor, n, UINT64_MAX), n);
    const uint32_t counts[] = {2, 3, 7, 64};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        assert_int_equal(deal(&s, counts[i], other, MANY), n);
        assert_memory_equal(one, other, n * sizeof one[0]);
    }
    memcpy(turns_table, (uint32_t[]){1, 1, 1, 1}, sizeof turns_table);
}

static void conversations_and_urls_follow_the_draw(void **state)
{
    (void)state;
    struct tkp_phase_plan phase = {
        .arrival = TKP_ARRIVAL_CLOSED, .concurrency = 2, .session_count = 10};
    struct tkp_schedule s = schedule_of(&phase);
    s.first_draw = 5;
    assert_int_equal(deal(&s, 3, one, MANY), 10);
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(one[i].draw, 5 + i);
        assert_int_equal(one[i].url_index, (5 + i) % 3);
        assert_int_equal(one[i].intended_ns, 0);
    }
}

static void constant_rate_is_exact(void **state)
{
    (void)state;
    struct tkp_phase_plan phase = {
        .arrival = TKP_ARRIVAL_CONSTANT, .rate_per_s = 300, .duration_ns = 10 * TKP_NS_PER_S};
    struct tkp_schedule s = schedule_of(&phase);
    assert_int_equal(deal(&s, 2, one, MANY), 3000); /* [0, 10 s) at 300 per second */
    assert_int_equal(one[0].intended_ns, START);
    assert_int_equal(one[300].intended_ns, START + TKP_NS_PER_S);
    assert_int_equal(one[1].intended_ns, START + 3333333);
}

static void poisson_has_its_mean_and_spread(void **state)
{
    (void)state;
    struct tkp_phase_plan phase = {.arrival = TKP_ARRIVAL_POISSON, .rate_per_s = 1000};
    struct tkp_schedule s = schedule_of(&phase);
    assert_int_equal(deal(&s, 1, one, MANY), MANY);
    double sum = 0, square = 0;
    for (uint64_t i = 1; i < MANY; i++) {
        assert_true(one[i].intended_ns >= one[i - 1].intended_ns);
        double gap = (double)(one[i].intended_ns - one[i - 1].intended_ns) / 1e6;
        sum += gap;
        square += gap * gap;
    }
    double mean = sum / (MANY - 1), std = sqrt(square / (MANY - 1) - mean * mean);
    assert_true(fabs(mean - 1.0) < 0.03); /* 4 standard errors of 1/sqrt(20000) */
    assert_true(fabs(std - 1.0) < 0.04);
}

static void phases_draw_different_times(void **state)
{
    (void)state;
    struct tkp_phase_plan phase = {.arrival = TKP_ARRIVAL_POISSON, .rate_per_s = 1000};
    struct tkp_schedule s = schedule_of(&phase);
    deal(&s, 1, one, 100);
    s.phase_index = 1;
    deal(&s, 1, other, 100);
    int same = 0;
    for (int i = 0; i < 100; i++)
        same += one[i].intended_ns == other[i].intended_ns;
    assert_int_equal(same, 0);
}

static void rate_ramp_starts_slow_and_sums_up(void **state)
{
    (void)state;
    struct tkp_phase_plan phase = {.arrival = TKP_ARRIVAL_CONSTANT,
                                   .rate_per_s = 100,
                                   .rate_ramp_ns = 4 * TKP_NS_PER_S,
                                   .duration_ns = 6 * TKP_NS_PER_S};
    struct tkp_schedule s = schedule_of(&phase);
    /* 100 * 4 / 2 in the ramp, 100 * 2 behind it */
    assert_int_equal(deal(&s, 1, one, MANY), 400);
    /* a quarter of the ramp's arrivals by half of its time */
    assert_int_equal(one[50].intended_ns, START + 2 * TKP_NS_PER_S);
    assert_int_equal(one[200].intended_ns, START + 4 * TKP_NS_PER_S);
    assert_int_equal(one[300].intended_ns, START + 5 * TKP_NS_PER_S);
}

static void cap_grows_in_even_steps(void **state)
{
    (void)state;
    struct tkp_phase_plan phase = {
        .arrival = TKP_ARRIVAL_CLOSED, .concurrency = 5, .concurrency_ramp_ns = 400};
    struct tkp_schedule s = schedule_of(&phase);
    assert_int_equal(tkp_schedule_cap(&s, START - 10), 1);
    uint64_t now = START, seen[8], steps = 0;
    while (now != TKP_NEVER_NS && steps < 8) {
        seen[steps++] = tkp_schedule_cap(&s, now);
        now = tkp_schedule_cap_change_ns(&s, now);
    }
    assert_int_equal(steps, 5);
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(seen[i], i + 1);
    assert_int_equal(tkp_schedule_cap(&s, START + 99), 1);
    assert_int_equal(tkp_schedule_cap(&s, START + 100), 2);
    assert_int_equal(tkp_schedule_cap(&s, START + 400), 5);
}

static void shares_sum_up_to_the_cap(void **state)
{
    (void)state;
    for (uint64_t cap = 0; cap < 100; cap++)
        for (uint32_t workers = 1; workers < 70; workers++) {
            uint64_t sum = 0;
            for (uint32_t w = 0; w < workers; w++)
                sum += tkp_schedule_share(cap, w, workers);
            assert_int_equal(sum, cap);
        }
}

static void a_lane_opens_when_the_share_reaches_it(void **state)
{
    (void)state;
    struct tkp_phase_plan phase = {
        .arrival = TKP_ARRIVAL_CLOSED, .concurrency = 21, .concurrency_ramp_ns = 2000};
    struct tkp_schedule s = schedule_of(&phase);
    for (uint32_t workers = 1; workers < 9; workers++)
        for (uint32_t w = 0; w < workers; w++)
            for (uint64_t lane = 0; lane < tkp_schedule_share(21, w, workers); lane++) {
                uint64_t at_ns = tkp_schedule_lane_ns(&s, lane, w, workers);
                uint64_t cap = tkp_schedule_cap(&s, at_ns),
                         before = tkp_schedule_cap(&s, at_ns - 1);
                assert_int_equal(tkp_schedule_share(cap, w, workers), lane + 1);
                assert_true(cap == 1 || tkp_schedule_share(before, w, workers) == lane);
            }
}

static void ends_by_the_clock(void **state)
{
    (void)state;
    struct tkp_phase_plan phase = {.duration_ns = 500, .grace_ns = 70};
    struct tkp_schedule s = schedule_of(&phase);
    assert_int_equal(tkp_schedule_stop_ns(&s), START + 500);
    assert_int_equal(tkp_schedule_cancel_ns(&s), START + 570);
    phase.grace_ns = TKP_NEVER_NS;
    assert_true(tkp_schedule_cancel_ns(&s) == TKP_NEVER_NS);
    phase.duration_ns = 0;
    phase.grace_ns = 70;
    assert_true(tkp_schedule_stop_ns(&s) == TKP_NEVER_NS);
    assert_true(tkp_schedule_cancel_ns(&s) == TKP_NEVER_NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_load_for_any_number_of_workers),
        cmocka_unit_test(conversations_and_urls_follow_the_draw),
        cmocka_unit_test(constant_rate_is_exact),
        cmocka_unit_test(poisson_has_its_mean_and_spread),
        cmocka_unit_test(phases_draw_different_times),
        cmocka_unit_test(rate_ramp_starts_slow_and_sums_up),
        cmocka_unit_test(cap_grows_in_even_steps),
        cmocka_unit_test(shares_sum_up_to_the_cap),
        cmocka_unit_test(a_lane_opens_when_the_share_reaches_it),
        cmocka_unit_test(ends_by_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

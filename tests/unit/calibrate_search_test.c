/* SPDX-License-Identifier: Apache-2.0 */
/* The search against machines whose limit is known. */
#include <calibrate/search.h>

#include <near.h>

struct machine {
    double limit; /* levels up to it hold */
    enum tkp_step_outcome beyond;
    uint32_t steps_left; /* then there is no time */
    uint32_t hiccups;    /* so many steps break without reason */
    uint32_t steps;
    double last_held;
    tokperf_status failure; /* of every step; TOKPERF_OK: none */
};

static tokperf_status step(void *context, double level, enum tkp_step_outcome *outcome,
                           struct tokperf_error *error)
{
    struct machine *m = context;
    (void)error;
    if (m->failure != TOKPERF_OK)
        return m->failure;
    if (!m->steps_left) {
        *outcome = TKP_STEP_NO_TIME;
        return TOKPERF_OK;
    }
    m->steps_left--;
    m->steps++;
    *outcome = level <= m->limit ? TKP_STEP_HELD : m->beyond;
    if (*outcome == TKP_STEP_HELD && m->hiccups) {
        m->hiccups--;
        *outcome = TKP_STEP_ERROR;
    }
    if (*outcome == TKP_STEP_HELD) {
        assert_true(level > m->last_held); /* rising, so that the last one kept is the result */
        m->last_held = level;
    }
    return TOKPERF_OK;
}

static struct tkp_search_result search(struct machine *m, uint32_t bisections)
{
    struct tkp_search inputs = {.first = 10,
                                .last = 100000,
                                .factor = 4,
                                .bisections = bisections,
                                .context = m,
                                .step = step};
    struct tkp_search_result result;
    struct tokperf_error error = {0};
    assert_int_equal(tkp_search_run(&inputs, &result, &error), TOKPERF_OK);
    assert_int_equal(result.steps, m->steps);
    assert_near(result.level, m->last_held, 0);
    return result;
}

static void finds_a_known_limit(void **state)
{
    (void)state;
    static const double limits[] = {10, 11, 39, 40, 1000, 4321, 65536, 99999};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct machine m = {.limit = limits[i], .beyond = TKP_STEP_ERROR, .steps_left = 1000};
        struct tkp_search_result result = search(&m, 5);
        assert_int_equal(result.by, TKP_CALIBRATED_BY_ERROR);
        assert_true(result.level <= limits[i]);
        /* a factor of 4 in five halvings: within 4.5 %, and a whole number */
        assert_true(result.level * 1.045 + 1 >= limits[i]);
        assert_true(result.steps < 30);
    }
}

static void says_why_it_ended(void **state)
{
    (void)state;
    struct machine slow = {.limit = 700, .beyond = TKP_STEP_SLOW, .steps_left = 1000};
    assert_int_equal(search(&slow, 3).by, TKP_CALIBRATED_BY_THROUGHPUT);
    struct machine endless = {.limit = 1e9, .beyond = TKP_STEP_ERROR, .steps_left = 1000};
    struct tkp_search_result result = search(&endless, 3);
    assert_int_equal(result.by, TKP_CALIBRATED_BY_RANGE);
    assert_near(result.level, 100000, 0);
    struct machine hopeless = {.limit = 0, .beyond = TKP_STEP_ERROR, .steps_left = 1000};
    result = search(&hopeless, 3);
    assert_near(result.level, 0, 0);
    assert_int_equal(result.by, TKP_CALIBRATED_BY_ERROR);
    assert_int_equal(result.steps, 3);
    assert_string_equal(tkp_calibrated_by_name(TKP_CALIBRATED_BY_THROUGHPUT), "throughput");
}

static void time_ends_it_anywhere(void **state)
{
    (void)state;
    for (uint32_t steps = 0; steps < 20; steps++) {
        struct machine m = {.limit = 5000, .beyond = TKP_STEP_ERROR, .steps_left = steps};
        struct tkp_search_result result = search(&m, 4);
        /* 10, 40, 160, 640, 2560 hold; 10240 breaks */
        assert_int_equal(result.by, steps < 6 ? TKP_CALIBRATED_BY_TIME : TKP_CALIBRATED_BY_ERROR);
    }
}

static void a_disturbance_does_not_end_it(void **state)
{
    (void)state;
    struct machine m = {.limit = 1000, .beyond = TKP_STEP_ERROR, .steps_left = 1000, .hiccups = 2};
    assert_true(search(&m, 4).level > 900);
    struct machine broken = {
        .limit = 1000, .beyond = TKP_STEP_ERROR, .steps_left = 1000, .hiccups = 3};
    assert_near(search(&broken, 4).level, 0, 0);
}

static void a_failure_is_handed_on(void **state)
{
    (void)state;
    struct machine m = {.failure = TOKPERF_E_CANCELLED};
    struct tkp_search inputs = {
        .first = 1, .last = 10, .factor = 2, .bisections = 1, .context = &m, .step = step};
    struct tkp_search_result result;
    struct tokperf_error error = {0};
    assert_int_equal(tkp_search_run(&inputs, &result, &error), TOKPERF_E_CANCELLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_known_limit),    cmocka_unit_test(says_why_it_ended),
        cmocka_unit_test(time_ends_it_anywhere),  cmocka_unit_test(a_disturbance_does_not_end_it),
        cmocka_unit_test(a_failure_is_handed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

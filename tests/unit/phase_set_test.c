/* SPDX-License-Identifier: Apache-2.0 */
/* Several phases and their total: which rows are whose, durations that are no gap's, what the total
 * leaves out, and which phases the verdict is about. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/text.h>
#include <metric_rows.h>
#include <report/phase_set.h>

enum { PHASES = 5, WIDE = 64 };

/* a, w and x lie one after the other; b begins while a still goes on. */
static const struct tkp_phase_plan listed[PHASES] = {
    {.name = "a", .arrival = TKP_ARRIVAL_CLOSED, .concurrency = 2},
    {.name = "b", .arrival = TKP_ARRIVAL_POISSON, .rate_per_s = 5, .is_seamless = true},
    {.name = "w", .arrival = TKP_ARRIVAL_CLOSED, .concurrency = 2, .is_warmup = true},
    {.name = "x", .arrival = TKP_ARRIVAL_CLOSED, .concurrency = 2, .exclude_from_results = true},
    {.name = "c", .arrival = TKP_ARRIVAL_CLOSED, .concurrency = 2},
};

struct fixture {
    struct tkp_plan plan;
    struct tkp_metric_context context;
    struct tkp_run_facts facts;
    struct tkp_phase_set set;
    struct tkp_arena arena;
    struct tokperf_summary summary;
};

static int enter(void **state)
{
    static struct fixture f;
    struct tokperf_error error;
    memset(&f, 0, sizeof f);
    f.plan.phases = listed;
    f.plan.phase_count = PHASES;
    f.plan.limits.error_suspect_pct = f.plan.limits.error_invalid_pct = 20;
    f.plan.limits.client_lag_suspect_ms = f.plan.limits.client_lag_invalid_ms = 1000;
    f.plan.limits.duration_gap_pct = f.plan.limits.rate_invalid_pct = 1000;
    f.plan.limits.rate_suspect_pct = 1000;
    f.context.streaming = true;
    tkp_arena_init(&f.arena, 0);
    *state = &f;
    return tkp_phase_set_init(&f.set, &f.plan, &f.context, &error) == TOKPERF_OK ? 0 : -1;
}

static int leave(void **state)
{
    struct fixture *f = *state;
    tkp_phase_set_finish(&f->set);
    tkp_arena_finish(&f->arena);
    return 0;
}

static void add(struct fixture *f, uint32_t phase, struct tkp_row row)
{
    row.phase = phase;
    tkp_phase_set_row(&f->set, &row, NULL);
}

/* Two requests of each phase; in c one of them fails. */
static void feed(struct fixture *f, uint32_t phases)
{
    static const struct {
        uint64_t start_ms, end_ms;
    } rows[PHASES][2] = {
        {{0, 100}, {10, 300}},        {{200, 400}, {250, 500}},     {{1000, 1500}, {1100, 1600}},
        {{2000, 2500}, {2000, 2600}}, {{3000, 3100}, {3000, 3400}},
    };
    for (uint32_t i = 0; i < phases; i++) {
        add(f, i, metric_row(rows[i][0].start_ms, rows[i][0].start_ms + 5, rows[i][0].end_ms));
        if (i == 4)
            add(f, i, failed_row(rows[i][1].start_ms, rows[i][1].end_ms, TKP_OUTCOME_HTTP_ERROR));
        else
            add(f, i, metric_row(rows[i][1].start_ms, rows[i][1].start_ms + 5, rows[i][1].end_ms));
    }
}

static void make(struct fixture *f, const struct tkp_phase_set_run *more)
{
    struct tokperf_error error;
    static const struct tkp_collector_notes no_collectors;
    struct tkp_phase_set_run run = *more;
    run.facts = &f->facts;
    run.collectors = &no_collectors;
    assert_int_equal(tkp_phase_set_make(&f->set, &run, &f->arena, &f->summary, &error), TOKPERF_OK);
}

static const struct tokperf_metric *find(const struct tokperf_phase *phase, const char *tag)
{
    for (uint32_t i = 0; i < phase->metric_count; i++)
        if (strcmp(phase->metrics[i]->tag, tag) == 0)
            return phase->metrics[i];
    return NULL;
}

static double value(const struct tokperf_phase *phase, const char *tag)
{
    const struct tokperf_metric *metric = find(phase, tag);
    return metric ? metric->value[TOKPERF_STAT_AVG] : NAN;
}

static const struct tokperf_reason *reason_of(const struct tokperf_summary *s, const char *code)
{
    for (uint32_t i = 0; i < s->reason_count; i++)
        if (tkp_span_is(s->reasons[i]->code, code))
            return s->reasons[i];
    return NULL;
}

static void the_total_has_what_counts(void **state)
{
    struct fixture *f = *state;
    const struct tkp_phase_note note = {.phase = 1, .not_sent = 3};
    feed(f, PHASES);
    tkp_phase_set_note(&f->set, &note);
    make(f, &(struct tkp_phase_set_run){0});
    assert_int_equal(f->summary.phase_count, PHASES + 1);
    assert_int_equal(f->summary.main_phase, PHASES);
    const struct tokperf_phase *total = f->summary.phases[PHASES];
    assert_true(total->is_total && tkp_span_is(total->name, "total"));
    assert_true(f->summary.phases[3]->is_excluded && f->summary.phases[1]->is_seamless);
    assert_true(value(total, "request_count") == 5);
    assert_true(value(total, "error_request_count") == 1);
    assert_true(find(total, "request_latency")->value[TOKPERF_STAT_COUNT] == 5);
    assert_int_equal(total->error_count, 1);
    assert_true(value(total, "not_sent_count") == 3);
    assert_true(value(f->summary.phases[1], "not_sent_count") == 3);
    assert_null(find(f->summary.phases[0], "not_sent_count"));
}

/* a and b cover 0..500, c 3000..3100 for ok requests and ..3400 for all. */
static void gaps_and_overlaps_are_no_time_of_the_total(void **state)
{
    struct fixture *f = *state;
    feed(f, PHASES);
    make(f, &(struct tkp_phase_set_run){0});
    const struct tokperf_phase *total = f->summary.phases[PHASES];
    assert_true(fabs(value(total, "benchmark_duration") - 0.6) < 1e-9);
    assert_true(fabs(value(total, "wall_duration") - 0.9) < 1e-9);
    assert_true(fabs(value(total, "request_throughput") - 5 / 0.6) < 1e-9);
    assert_true(total->start_ns == ROW_BASE_NS && total->end_ns == ROW_BASE_NS + 3400 * MS);
}

static void the_total_has_no_rate_and_no_curve(void **state)
{
    struct fixture *f = *state;
    static const char *const absent[] = {"offered_rate", "achieved_rate", "effective_concurrency",
                                         "steady_duration"};
    feed(f, PHASES);
    while (tkp_phase_set_next_pass(&f->set))
        feed(f, PHASES);
    make(f, &(struct tkp_phase_set_run){0});
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        assert_null(find(f->summary.phases[PHASES], absent[i]));
    assert_non_null(find(f->summary.phases[1], "offered_rate"));
    assert_non_null(find(f->summary.phases[0], "effective_concurrency"));
}

static void a_reason_names_its_phase(void **state)
{
    struct fixture *f = *state;
    feed(f, PHASES);
    f->facts.governors = "powersave";
    make(f, &(struct tkp_phase_set_run){.torn = true});
    assert_true(tkp_span_is(f->summary.verdict, "invalid"));
    assert_true(tkp_span_is(reason_of(&f->summary, "errors")->phase, "c"));
    assert_int_equal(reason_of(&f->summary, "log_torn")->phase.len, 0);
    assert_int_equal(reason_of(&f->summary, "governor")->phase.len, 0);
    uint32_t torn = 0;
    for (uint32_t i = 0; i < f->summary.reason_count; i++)
        torn += tkp_span_is(f->summary.reasons[i]->code, "log_torn");
    assert_int_equal(torn, 1);
    /* each by its own facts, the excluded one and the warm-up too */
    assert_true(tkp_span_is(f->summary.phases[4]->verdict, "invalid"));
    assert_true(tkp_span_is(f->summary.phases[3]->verdict, "suspect"));
    assert_true(tkp_span_is(f->summary.phases[2]->verdict, "suspect"));
    assert_int_equal(f->summary.phases[PHASES]->verdict.len, 0);
}

/* Also where it is the only one that the run came to. */
static void the_one_phase_that_began_is_named(void **state)
{
    struct fixture *f = *state;
    add(f, 0, failed_row(0, 100, TKP_OUTCOME_CANCELLED));
    make(f, &(struct tkp_phase_set_run){.interrupted = true});
    assert_true(tkp_span_is(reason_of(&f->summary, "no_requests")->phase, "a"));
    assert_int_equal(reason_of(&f->summary, "interrupted")->phase.len, 0);
}

/* Neither what lies behind an interruption nor, while the run goes on, what is still to come. */
static void a_phase_that_did_not_begin_is_not_judged(void **state)
{
    struct fixture *f = *state;
    feed(f, 2);
    make(f, &(struct tkp_phase_set_run){.interrupted = true});
    assert_true(tkp_span_is(f->summary.verdict, "suspect"));
    assert_null(reason_of(&f->summary, "no_requests"));
    assert_int_equal(f->summary.phases[4]->verdict.len, 0);
    make(f, &(struct tkp_phase_set_run){.so_far = true});
    assert_null(reason_of(&f->summary, "no_requests"));
    make(f, &(struct tkp_phase_set_run){0}); /* a run that is over had its chance */
    assert_true(tkp_span_is(reason_of(&f->summary, "no_requests")->phase, "c"));
}

static void nothing_at_all_is_said_once(void **state)
{
    struct fixture *f = *state;
    make(f, &(struct tkp_phase_set_run){.interrupted = true});
    assert_true(tkp_span_is(f->summary.verdict, "invalid"));
    assert_int_equal(reason_of(&f->summary, "no_requests")->phase.len, 0);
}

static void one_that_counts_is_the_main_phase(void **state)
{
    struct fixture *f = *state;
    struct tokperf_error error;
    tkp_phase_set_finish(&f->set);
    f->plan.phase_count = 1;
    assert_int_equal(tkp_phase_set_init(&f->set, &f->plan, &f->context, &error), TOKPERF_OK);
    feed(f, 3); /* rows of phases that the plan lacks are left out */
    make(f, &(struct tkp_phase_set_run){0});
    assert_int_equal(f->summary.phase_count, 1);
    assert_int_equal(f->summary.main_phase, 0);
    assert_true(value(f->summary.phases[0], "request_count") == 2);
    tkp_phase_set_finish(&f->set);
    f->plan.phases = listed + 2; /* warm-up, excluded, c */
    f->plan.phase_count = 3;
    assert_int_equal(tkp_phase_set_init(&f->set, &f->plan, &f->context, &error), TOKPERF_OK);
    feed(f, 3);
    make(f, &(struct tkp_phase_set_run){0});
    assert_int_equal(f->summary.phase_count, 3);
    assert_int_equal(f->summary.main_phase, 2);
}

static void the_most_phases_fit(void **state)
{
    struct fixture *f = *state;
    static struct tkp_phase_plan many[WIDE];
    struct tokperf_error error;
    tkp_phase_set_finish(&f->set);
    for (uint32_t i = 0; i < WIDE; i++)
        many[i] = listed[0];
    f->plan.phases = many;
    f->plan.phase_count = WIDE;
    assert_int_equal(tkp_phase_set_init(&f->set, &f->plan, &f->context, &error), TOKPERF_OK);
    for (uint32_t i = 0; i < WIDE; i++) { /* the last one is the earliest */
        uint64_t at_ms = UINT64_C(10) * (WIDE - i);
        add(f, i, metric_row(at_ms, at_ms + 1, at_ms + 5));
    }
    make(f, &(struct tkp_phase_set_run){0});
    assert_int_equal(f->summary.main_phase, WIDE);
    assert_true(value(f->summary.phases[WIDE], "request_count") == WIDE);
    assert_true(fabs(value(f->summary.phases[WIDE], "wall_duration") - WIDE * 0.005) < 1e-9);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_total_has_what_counts),
        TEST(gaps_and_overlaps_are_no_time_of_the_total),
        TEST(the_total_has_no_rate_and_no_curve),
        TEST(a_reason_names_its_phase),
        TEST(a_phase_that_did_not_begin_is_not_judged),
        TEST(the_one_phase_that_began_is_named),
        TEST(nothing_at_all_is_said_once),
        TEST(one_that_counts_is_the_main_phase),
        TEST(the_most_phases_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

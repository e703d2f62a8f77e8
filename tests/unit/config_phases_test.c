/* SPDX-License-Identifier: Apache-2.0 */
/* The list of phases: order, names, what flags override, what is refused, and reading it back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/clock.h>
#include <config/phase_list.h>
#include <resolve_case.h>
#include <stdio.h>
#include <string.h>

enum { FILE_BYTES = 16384 };

static void assert_refused(const struct resolve_case *given, const char *message)
{
    struct tkp_plan plan;
    struct tokperf_error error = {0};
    assert_int_equal(resolve_case_run(given, &plan, &error), TOKPERF_E_INVALID);
    assert_string_equal(error.message, message);
    tkp_plan_finish(&plan);
}

/* As many phases as asked for, named p0, p1, ... */
static const char *many(int count, char *out)
{
    size_t used = (size_t)snprintf(out, FILE_BYTES, "benchmark:\n  phases:\n");
    for (int i = 0; i < count; i++)
        used += (size_t)snprintf(out + used, FILE_BYTES - used, "    - {name: p%d, requests: %d}\n",
                                 i, i + 1);
    return out;
}

static const char five[] = "benchmark:\n"
                           "  phases:\n"
                           "    - {name: low, concurrency: 2, requests: 20}\n"
                           "    - {name: settle, kind: warmup, requests: 4}\n"
                           "    - {name: high, type: poisson, rate: 50, duration: 2s,\n"
                           "       gracePeriod: 1, seamless: true}\n"
                           "    - {name: probe, excludeFromResults: true, requests: 3}\n"
                           "    - {name: warmup, sessions: 5, concurrency: 7}\n";

static void the_list_keeps_its_order(void **state)
{
    (void)state;
    struct tkp_plan plan;
    resolve(&(struct resolve_case){.file = five}, &plan);
    const struct tkp_phase_plan *p = plan.phases;
    assert_int_equal(plan.phase_count, 5);
    assert_string_equal(p[0].name, "low");
    assert_true(!p[0].is_warmup && p[0].concurrency == 2 && p[0].request_count == 20);
    assert_string_equal(p[1].name, "settle");
    /* of the profiling phase that follows */
    assert_true(p[1].is_warmup && p[1].arrival == TKP_ARRIVAL_POISSON && p[1].rate_per_s == 50);
    assert_true(p[2].is_seamless && p[2].duration_ns == 2 * TKP_NS_PER_S);
    assert_true(p[2].grace_ns == TKP_NS_PER_S && p[2].request_count == 0);
    assert_true(p[3].exclude_from_results && p[3].concurrency == 1 && !p[3].is_seamless);
    /* behind the last profiling phase: of that one */
    assert_true(p[4].is_warmup && p[4].arrival == TKP_ARRIVAL_CLOSED && p[4].concurrency == 7);
    assert_int_equal(tkp_phases_counted(&plan), 2);
    assert_ptr_equal(tkp_phases_last_counted(&plan), &p[2]);
    assert_true(tkp_phases_have_files(&plan));
    tkp_plan_finish(&plan);
}

static void a_mapping_is_a_list_too(void **state)
{
    (void)state;
    static const char file[] = "benchmark:\n"
                               "  phases:\n"
                               "    soak: {requests: 5}\n"
                               "    warmup: {requests: 1, exclude_from_results: true}\n"
                               "    peak: {name: peak, kind: profiling, concurrency: 9}\n";
    struct tkp_plan plan;
    resolve(&(struct resolve_case){.file = file}, &plan);
    assert_int_equal(plan.phase_count, 3);
    assert_string_equal(plan.phases[0].name, "soak");
    assert_true(plan.phases[1].is_warmup && plan.phases[1].concurrency == 9);
    assert_int_equal(plan.phases[2].request_count, 18);
    tkp_plan_finish(&plan);
}

/* With one phase of a kind, whatever its name is, flags and variables override it as ever. */
static void flags_set_the_only_phase_of_their_kind(void **state)
{
    (void)state;
    static const char *const environment[] = {"TOKPERF_PHASES__WARMUP__REQUESTS=6", NULL};
    static const char file[] = "benchmark:\n"
                               "  phases:\n"
                               "    - {name: soak, concurrency: 3, requests: 5}\n"
                               "    - {name: cool, kind: warmup, requests: 1}\n";
    struct tkp_plan plan;
    resolve(&(struct resolve_case){.file = file,
                                   .arguments = "--concurrency|4",
                                   .environment = environment},
            &plan);
    assert_int_equal(plan.phase_count, 2);
    assert_string_equal(plan.phases[0].name, "soak");
    assert_true(plan.phases[0].concurrency == 4 && plan.phases[0].request_count == 5);
    assert_true(plan.phases[1].is_warmup && plan.phases[1].request_count == 6);
    assert_true(tkp_phases_have_files(&plan));
    tkp_plan_finish(&plan);
    /* what the file does not name comes from flags: a warm-up before, a profiling phase behind */
    resolve(&(struct resolve_case){.file = five, .arguments = "--request-timeout-seconds|9"},
            &plan);
    tkp_plan_finish(&plan);
    resolve(&(struct resolve_case){.file = "benchmark: {phases: {early: {requests: 2, kind: "
                                           "warmup}, late: {requests: 3, kind: warmup}}}\n",
                                   .arguments = "--concurrency|5"},
            &plan);
    assert_int_equal(plan.phase_count, 3);
    assert_string_equal(plan.phases[2].name, "profiling");
    assert_true(plan.phases[0].concurrency == 5 && tkp_phases_have_files(&plan));
    tkp_plan_finish(&plan);
    resolve(&(struct resolve_case){.file = "benchmark: {phases: {a: {}, b: {seamless: true}}}\n",
                                   .arguments = "--warmup-request-count|8"},
            &plan);
    assert_int_equal(plan.phase_count, 3);
    assert_string_equal(plan.phases[0].name, "warmup");
    assert_true(plan.phases[0].is_warmup && plan.phases[2].is_seamless);
    tkp_plan_finish(&plan);
}

/* Each phase of several that are named has files of its own; so it is of what the plan writes. */
static void phases_with_names_have_files(void **state)
{
    (void)state;
    static const struct {
        const char *phases, *arguments;
        bool have_files;
    } rows[] = {
        {"[{name: fill, kind: warmup, requests: 1}, {name: peak}]", NULL, true},
        {"{warmup: {requests: 1}, profiling: {}}", NULL, true},
        {"[{name: warmup, requests: 1}, {name: profiling}]", NULL, true},
        {"[{name: peak}]", "--warmup-request-count|2", true},
        {"[{name: peak}]", NULL, false},
        {"[{kind: warmup, requests: 1}, {}]", NULL, false},
        {"[]", "--warmup-request-count|2", false},
        {"[]", NULL, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char file[256];
        struct tkp_plan first, again;
        snprintf(file, sizeof file, "benchmark: {phases: %s}\n", rows[i].phases);
        resolve(&(struct resolve_case){.file = file, .arguments = rows[i].arguments}, &first);
        assert_int_equal(tkp_phases_have_files(&first), rows[i].have_files);
        resolve(&(struct resolve_case){.file = first.config_yaml}, &again);
        assert_int_equal(tkp_phases_have_files(&again), rows[i].have_files);
        assert_string_equal(first.config_yaml, again.config_yaml);
        tkp_plan_finish(&again);
        tkp_plan_finish(&first);
    }
}

static void the_default_of_workers_looks_at_all_phases(void **state)
{
    (void)state;
    struct tkp_plan plan;
    resolve(&(struct resolve_case){.file = "benchmark: {phases: {a: {concurrency: 64}, b: {}}}\n"},
            &plan);
    uint32_t with_many = plan.workers;
    tkp_plan_finish(&plan);
    resolve(&(struct resolve_case){.arguments = "--concurrency|64"}, &plan);
    assert_int_equal(with_many, plan.workers);
    tkp_plan_finish(&plan);
}

static void assert_same_phase(const struct tkp_phase_plan *a, const struct tkp_phase_plan *b)
{
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->is_named, b->is_named);
    assert_true(a->is_warmup == b->is_warmup && a->is_seamless == b->is_seamless);
    assert_int_equal(a->exclude_from_results, b->exclude_from_results);
    assert_true(a->arrival == b->arrival && a->rate_per_s == b->rate_per_s);
    assert_true(a->concurrency == b->concurrency && a->request_count == b->request_count);
    assert_true(a->session_count == b->session_count && a->duration_ns == b->duration_ns);
    assert_true(a->grace_ns == b->grace_ns && a->rate_ramp_ns == b->rate_ramp_ns);
    assert_int_equal(a->concurrency_ramp_ns, b->concurrency_ramp_ns);
}

static void the_list_reads_back(void **state)
{
    (void)state;
    char text[FILE_BYTES];
    const char *const files[] = {
        five, many(TKP_PLAN_MAX_PHASES, text),
        "benchmark: {phases: [{name: a, failed_request_threshold: 0.5}, {name: b}, {name: "
        "warmup, kind: profiling, concurrency_ramp: 2, concurrency: 4}]}\n"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct tkp_plan first, second;
        resolve(&(struct resolve_case){.file = files[i]}, &first);
        resolve(&(struct resolve_case){.file = first.config_yaml}, &second);
        assert_int_equal(first.phase_count, second.phase_count);
        for (uint32_t k = 0; k < first.phase_count; k++)
            assert_same_phase(&first.phases[k], &second.phases[k]);
        assert_true(first.failed_request_threshold == second.failed_request_threshold);
        assert_string_equal(first.config_yaml, second.config_yaml);
        tkp_plan_finish(&second);
        tkp_plan_finish(&first);
    }
}

static void what_is_refused_in_a_file(void **state)
{
    (void)state;
    static const struct {
        const char *phases, *message;
    } rows[] = {
        {"[{kind: cooldown}]",
         "2:19: benchmark.phases[0].kind: 'cooldown' is not one of warmup, profiling"},
        {"[{name: [a]}]", "2:19: benchmark.phases[0].name: expected text, found a list"},
        {"[{requests: 1}, {requests: 2}]",
         "2:27: benchmark.phases[1]: there is a phase named 'profiling' already, at "
         "run.yaml:2:12: benchmark.phases[0]; give each a name of its own"},
        {"[{name: a/b}]",
         "2:19: benchmark.phases[0]: 'a/b' cannot name a phase: expected a letter or _, then "
         "letters, digits, _ and -, at most 64 characters, and not 'total'"},
        {"{total: {}}",
         "2:19: benchmark.phases.total: 'total' cannot name a phase: expected a letter or _, then "
         "letters, digits, _ and -, at most 64 characters, and not 'total'"},
        {"{a: {name: b}}",
         "2:22: benchmark.phases.a.name: the mapping calls the phase 'a'; leave the name out"},
        {"[{seamless: true}]", "2:23: benchmark.phases[0].seamless: there is no phase before the "
                               "first one; leave seamless out"},
        {"[{exclude_from_results: true}]",
         "2:35: benchmark.phases[0].exclude_from_results: no phase is left for the results; at "
         "least one profiling phase must not be excluded"},
        {"[{kind: warmup, requests: 1, exclude_from_results: false}, {}]",
         "2:62: benchmark.phases[0].exclude_from_results: a warm-up is never part of the results; "
         "leave it out, or make it a profiling phase"},
        {"[{kind: warmup}, {}]", "2:12: benchmark.phases[0]: a warm-up needs a rule when to stop "
                                 "it: give requests, sessions or duration"},
        {"[{name: a, failed_request_threshold: 0.1}, {name: b, failed_request_threshold: 0.1}]",
         "2:90: benchmark.phases[1].failed_request_threshold: it is one for the whole run, and was "
         "given at run.yaml:2:48: benchmark.phases[0].failed_request_threshold; write it at one "
         "phase"},
        {"[{name: a, type: poisson}, {name: b}]",
         "2:28: benchmark.phases[0].type: 'poisson' needs a request rate: give rate"},
        {"[{name: a, kind: warmup, requests: 4}, {kind: warmup, requests: 1}]",
         "2:12: benchmark.phases[0]: the list has warm-ups alone, of which nothing is reported; "
         "add "
         "a profiling phase, or make one with flags (--request-count)"},
        {"[{name: a, type: concurrency, rate: 5}]",
         "2:28: benchmark.phases[0].type: 'concurrency' takes no request rate; leave rate out, or "
         "use poisson or constant"},
        {"[{name: a, type: constant}]",
         "2:28: benchmark.phases[0].type: 'constant' needs a request rate: give rate"},
        {"[{kind: warmup, requests: 1, type: constant, rate_ramp: 1}, {}]",
         "2:46: benchmark.phases[0].type: 'constant' needs a request rate: give rate"},
        {"[{name: a, seemless: true}]",
         "2:22: unknown key 'seemless' in benchmark.phases[0]; did you mean 'seamless'?"},
        {"[{name: a, prefill_concurrency: 2}]",
         "2:22: unknown key 'prefill_concurrency' in benchmark.phases[0]; known are concurrency, "
         "rate, "
         "type, concurrency_ramp, rate_ramp, requests, sessions, duration, grace_period, seamless, "
         "exclude_from_results, failed_request_threshold, name, kind"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char file[512], message[512];
        snprintf(file, sizeof file, "benchmark:\n  phases: %s\n", rows[i].phases);
        snprintf(message, sizeof message, "run.yaml:%s", rows[i].message);
        assert_refused(&(struct resolve_case){.file = file}, message);
    }
}

static void flags_that_could_mean_several_are_refused(void **state)
{
    (void)state;
    static const char *const environment[] = {"TOKPERF_PHASES__PROFILING__RATE=6", NULL};
    static const char file[] = "benchmark: {phases: {a: {}, b: {}, c: {kind: warmup, requests: 1}, "
                               "d: {kind: warmup, requests: 1}}}\n";
    assert_refused(&(struct resolve_case){.file = file, .arguments = "--concurrency|4"},
                   "--concurrency: the file has 2 profiling phases (a, b); write 'concurrency' at "
                   "the one that is meant, below benchmark.phases");
    assert_refused(&(struct resolve_case){.file = file, .arguments = "--warmup-duration|4"},
                   "--warmup-duration: the file has 2 warm-up phases (c, d); write 'duration' at "
                   "the one that is meant, below benchmark.phases");
    assert_refused(&(struct resolve_case){.file = file, .environment = environment},
                   "TOKPERF_PHASES__PROFILING__RATE: the file has 2 profiling phases (a, b); write "
                   "'rate' at the one that is meant, below benchmark.phases");
    assert_refused(&(struct resolve_case){.file = "benchmark: {phases: [{name: warmup, kind: "
                                                  "profiling}]}\n",
                                          .arguments = "--warmup-request-count|1"},
                   "there are two phases named 'warmup', one in the file and one of flags or "
                   "defaults; give the file's another name");
}

static void there_are_at_most_64(void **state)
{
    (void)state;
    char text[FILE_BYTES];
    struct tkp_plan plan;
    resolve(&(struct resolve_case){.file = many(TKP_PLAN_MAX_PHASES, text)}, &plan);
    assert_int_equal(plan.phase_count, 64);
    assert_int_equal(plan.phases[63].request_count, 64);
    tkp_plan_finish(&plan);
    assert_refused(&(struct resolve_case){.file = text, .arguments = "--warmup-request-count|1"},
                   "65 phases: a run has at most 64, with the one that flags or defaults make");
    assert_refused(&(struct resolve_case){.file = many(TKP_PLAN_MAX_PHASES + 1, text)},
                   "run.yaml:67:7: benchmark.phases[64]: a run has at most 64 phases");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_keeps_its_order),
        cmocka_unit_test(a_mapping_is_a_list_too),
        cmocka_unit_test(flags_set_the_only_phase_of_their_kind),
        cmocka_unit_test(phases_with_names_have_files),
        cmocka_unit_test(the_default_of_workers_looks_at_all_phases),
        cmocka_unit_test(the_list_reads_back),
        cmocka_unit_test(what_is_refused_in_a_file),
        cmocka_unit_test(flags_that_could_mean_several_are_refused),
        cmocka_unit_test(there_are_at_most_64),
    };
    return cmocka_run_group_tests(tests, resolve_case_enter, resolve_case_leave);
}

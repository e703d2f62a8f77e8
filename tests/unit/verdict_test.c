/* SPDX-License-Identifier: Apache-2.0 */
/* Every reason of the verdict on both sides of its limit. */
#include <metrics/verdict.h>

#include <base/files.h>
#include <near.h>
#include <stdio.h>
#include <string.h>

static const struct tkp_limits defaults = {
    .client_lag_suspect_ms = 1,
    .client_lag_suspect_pct = 1,
    .client_lag_invalid_ms = 10,
    .client_lag_invalid_pct = 10,
    .rate_suspect_pct = 1,
    .rate_invalid_pct = 5,
    .error_suspect_pct = 1,
    .error_invalid_pct = 10,
    .duration_gap_pct = 5,
    .retry_pct = 0.1,
    .osl_mismatch_pct = 5,
    .steal_suspect_pct = 1,
    .steal_invalid_pct = 5,
};

/* A run without a blemish. */
static struct tkp_phase_facts good(void)
{
    return (struct tkp_phase_facts){
        .ok = 1000,
        .chunks = 1000,
        .osl_checked = 1000,
        .prompts_distinct = 1000,
        .prompts_sent = 1000,
        .arrivals = 1000,
        .prompt_tokens = 1000,
        .median_ttft_ns = 50e6,
        .median_latency_ns = 500e6,
        .client_lag_p99_ns = 0.1e6,
        .offered_rate_per_s = 100,
        .achieved_rate_per_s = 100,
        .benchmark_duration_s = 100,
        .wall_duration_s = 100,
        .streaming = true,
        .open_loop = true,
        .loop_lag_p99_ns = 0.1e6,
        .read_delay_p99_ns = 0.1e6,
        .plugin_call_max_ns = 0.1e6,
        .cpu_ticks = 10000,
        .cpus = 2,
        .load_milli = 500,
        .worker_cpu_share = 0.5,
        .governors = "performance",
        .calibrated_requests_per_s = 4000,
        .calibrated_streams = 300,
    };
}

struct found {
    struct tkp_arena arena;
    struct tkp_verdict verdict;
};

static void judge(const struct tkp_phase_facts *facts, struct found *found)
{
    struct tokperf_error error;
    tkp_arena_init(&found->arena, 0);
    assert_int_equal(tkp_verdict_judge(facts, &defaults, &found->arena, &found->verdict, &error),
                     TOKPERF_OK);
}

/* Expects exactly one reason of that code and severity, or none when code is NULL. */
static void expect(const struct tkp_phase_facts *facts, const char *code, uint32_t severity,
                   const char *says)
{
    static const char *const status[] = {"valid", "suspect", "invalid"};
    struct found found;
    judge(facts, &found);
    if (!code) {
        if (found.verdict.reason_count)
            print_error("unexpected %s\n", found.verdict.reasons[0]->message.data);
        assert_int_equal(found.verdict.reason_count, 0);
        assert_string_equal(found.verdict.status, "valid");
    } else {
        assert_int_equal(found.verdict.reason_count, 1);
        const struct tokperf_reason *reason = found.verdict.reasons[0];
        assert_string_equal(reason->code.data, code);
        assert_int_equal(reason->severity, severity);
        assert_string_equal(found.verdict.status, status[severity]);
        assert_int_equal(reason->message.data[reason->message.len - 1], '.');
        if (!strstr(reason->message.data, says))
            fail_msg("'%s' does not say '%s'", reason->message.data, says);
    }
    tkp_arena_finish(&found.arena);
}

static void a_good_run_is_valid(void **state)
{
    (void)state;
    struct tkp_phase_facts facts = good();
    expect(&facts, NULL, 0, "");
}

/* Facts that are numbers: what is within the limit, what is over it. */
static void numbers_on_both_sides(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        double within, over;
        const char *code;
        uint32_t severity;
        const char *says;
    } cases[] = {
#define FACT(name) offsetof(struct tkp_phase_facts, name)
        {FACT(client_lag_p99_ns), 1e6, 1.001e6, "client_lag", 1, "1.001 ms"},
        {FACT(client_lag_p99_ns), 1e6, 10e6, "client_lag", 1, "limit of 1.000 ms"},
        {FACT(client_lag_p99_ns), 0, 10.001e6, "client_lag", 2, "limit of 10.000 ms"},
        {FACT(loop_lag_p99_ns), 1e6, 10e6, "loop_lag", 1, "limit of 1.000 ms"},
        {FACT(loop_lag_p99_ns), 0, 10.001e6, "loop_lag", 2, "10.001 ms"},
        {FACT(read_delay_p99_ns), 1e6, 10e6, "read_delay", 1, "limit of 1.000 ms"},
        {FACT(read_delay_p99_ns), 0, 10.001e6, "read_delay", 2, "10.001 ms"},
        {FACT(achieved_rate_per_s), 99, 98.99, "rate", 1, "98.990"},
        {FACT(achieved_rate_per_s), 110, 95, "rate", 1, "5.00 % less"},
        {FACT(achieved_rate_per_s), 100, 94.99, "rate", 2, "100.000"},
        {FACT(wall_duration_s), 105, 105.1, "duration_gap", 1, "105.100 s"},
        {FACT(wall_duration_s), 95, 94.9, "duration_gap", 1, "_wall"},
        {FACT(planned_rate_per_s), 4000, 4001, "past_calibration", 0, "4001 requests/sec"},
        {FACT(planned_streams), 300, 301, "past_calibration", 0, "301 streams"},
        {FACT(calibrated_events_per_s), 10, 9, "past_calibration", 0, "10 chunks"},
        {FACT(plugin_call_max_ns), 100e6, 100.1e6, "plugin_call", 1, "100.1 ms"},
        {FACT(worker_cpu_share), 0.9, 0.91, "worker_cpu", 0, "91.0 % of a CPU"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tkp_phase_facts facts = good();
        char *place = (char *)&facts + cases[i].offset;
        memcpy(place, &cases[i].within, sizeof(double));
        expect(&facts, NULL, 0, "");
        memcpy(place, &cases[i].over, sizeof(double));
        expect(&facts, cases[i].code, cases[i].severity, cases[i].says);
        const double nan = NAN;
        memcpy(place, &nan, sizeof nan);
        expect(&facts, NULL, 0, "");
    }
}

static void counts_on_both_sides(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        uint64_t within, over;
        const char *code;
        uint32_t severity;
        const char *says;
    } cases[] = {
        {FACT(errors), 10, 11, "errors", 1, "1.09 %"},
        {FACT(errors), 0, 111, "errors", 1, "111 of 1111"},
        {FACT(errors), 0, 112, "errors", 2, "10.07 %"},
        {FACT(client_errors), 0, 1, "client_error", 1, "this machine"},
        {FACT(retries), 1, 2, "retries", 1, "0.200 %"},
        {FACT(not_streamed), 0, 1, "not_streamed", 1, "1 answers"},
        {FACT(osl_mismatched), 50, 51, "osl_mismatch", 1, "ignore_eos and min_tokens"},
        {FACT(no_token_count), 0, 1, "tokens_not_counted", 1, "no token count"},
        {FACT(tokens_pending), 0, 7, "tokens_not_counted", 1, "7 answers wait to be counted"},
        {FACT(record_waits), 0, 1, "record_waits", 1, "record buffers"},
        {FACT(not_sent), 0, 1, "not_sent", 1, "1 conversations (0.10 %) were due"},
        {FACT(not_sent), 0, 52, "not_sent", 1, "52 conversations (4.94 %)"},
        {FACT(not_sent), 0, 53, "not_sent", 2, "53 conversations (5.03 %)"},
        {FACT(unsent_turns), 0, 3, "unsent_turns", 0, "3 turns"},
        {FACT(cached_tokens), 0, 500, "cached_tokens", 0, "50.00 %"},
        {FACT(coalesced_chunks), 0, 10, "coalesced", 0, "1.00 %"},
        {FACT(prompts_sent), 1000, 1001, "prompt_reuse", 0, "1001 sent, 1000 different"},
        {FACT(cancelled), 0, 1, "cancelled", 0, "still in flight"},
        {FACT(steal_ticks), 101, 102, "cpu_steal", 1, "1.02 %"}, /* a tick is no evidence */
        {FACT(steal_ticks), 0, 501, "cpu_steal", 1, "5.01 %"},
        {FACT(steal_ticks), 0, 502, "cpu_steal", 2, "5.02 %"},
        {FACT(load_milli), 2000, 2010, "load", 0, "2.01 on 2 CPUs"},
        {FACT(cancelled), 0, 2, "censored", 1, "from p99.9 on"},
        {FACT(cancelled), 0, 11, "censored", 1, "from p99 on"},
        {FACT(cancelled), 0, 60, "censored", 1, "from p95 on"},
        {FACT(cancelled), 0, 1000, "censored", 1, "from p50 on"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tkp_phase_facts facts = good();
        char *place = (char *)&facts + cases[i].offset;
        memcpy(place, &cases[i].within, sizeof(uint64_t));
        expect(&facts, NULL, 0, "");
        memcpy(place, &cases[i].over, sizeof(uint64_t));
        expect(&facts, cases[i].code, cases[i].severity, cases[i].says);
    }
}

static void clumps_are_the_servers_unless_the_client_was_late(void **state)
{
    (void)state;
    struct tkp_phase_facts facts = good();
    struct found found;
    for (int late = 0; late < 3; late++) {
        for (int most = 0; most < 2; most++) {
            facts = good();
            facts.coalesced_chunks = facts.chunks / 2 + (most ? 1 : 0);
            facts.read_delay_p99_ns = late == 1 ? 1.1e6 : 0;
            facts.loop_lag_p99_ns = late == 2 ? 1.1e6 : 0;
            judge(&facts, &found);
            const struct tokperf_reason *last =
                found.verdict.reasons[found.verdict.reason_count - 1];
            assert_string_equal(last->code.data, "coalesced");
            bool said = strstr(last->message.data, "in clumps") != NULL;
            assert_int_equal(said, most && !late);
            tkp_arena_finish(&found.arena);
        }
    }
}

static void flags(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        const char *code;
        uint32_t severity;
    } cases[] = {
        {FACT(log_not_written), "log_not_written", 2},
        {FACT(log_torn), "log_torn", 1},
        {FACT(log_damaged), "log_damaged", 2},
        {FACT(interrupted), "interrupted", 1},
        {FACT(ended_early), "ended_early", 2},
        {FACT(prompts_distinct_is_floor), "prompt_reuse", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tkp_phase_facts facts = good();
        const bool raised = true;
        memcpy((char *)&facts + cases[i].offset, &raised, sizeof raised);
        expect(&facts, cases[i].code, cases[i].severity, "");
    }
}

/* The limit of lag is the greater of a fixed one and a share of what users wait for. */
static void lag_is_relative_to_the_median(void **state)
{
    (void)state;
    struct tkp_phase_facts facts = good();
    facts.median_ttft_ns = 2000e6; /* 1 %: 20 ms, 10 %: 200 ms */
    facts.client_lag_p99_ns = 20e6;
    expect(&facts, NULL, 0, "");
    facts.client_lag_p99_ns = 21e6;
    expect(&facts, "client_lag", 1, "20.000 ms");
    facts.client_lag_p99_ns = 201e6;
    expect(&facts, "client_lag", 2, "200.000 ms");
    facts.streaming = false; /* then it is the latency: 500 ms */
    facts.client_lag_p99_ns = 5e6;
    expect(&facts, NULL, 0, "");
    facts.client_lag_p99_ns = 6e6;
    expect(&facts, "client_lag", 1, "5.000 ms");
    facts.median_latency_ns = NAN;
    facts.client_lag_p99_ns = 1.5e6;
    expect(&facts, "client_lag", 1, "1.000 ms");
}

/* The worst phase decides, and what is about the run is said once and of no phase. */
static void several_phases_are_judged_each(void **state)
{
    (void)state;
    struct tkp_judged_phase phases[] = {{good(), "low"}, {good(), "high"}};
    struct tkp_arena arena;
    struct tkp_verdict verdict;
    struct tokperf_error error;
    phases[0].facts.interrupted = phases[1].facts.interrupted = true;
    phases[1].facts.client_errors = 3;
    tkp_arena_init(&arena, 0);
    assert_int_equal(tkp_verdict_judge_phases(phases, 2, &defaults, &arena, &verdict, &error),
                     TOKPERF_OK);
    assert_string_equal(verdict.status, "suspect");
    assert_int_equal(verdict.reason_count, 2);
    assert_string_equal(verdict.reasons[0]->code.data, "interrupted");
    assert_int_equal(verdict.reasons[0]->phase.len, 0);
    assert_string_equal(verdict.reasons[1]->code.data, "client_error");
    assert_string_equal(verdict.reasons[1]->phase.data, "high");
    tkp_arena_finish(&arena);
}

static void the_rate_counts_only_without_the_cap(void **state)
{
    (void)state;
    struct tkp_phase_facts facts = good();
    facts.achieved_rate_per_s = 50;
    facts.cap_wait_max_ns = 1; /* the plan's own cap held it back */
    expect(&facts, NULL, 0, "");
    facts.cap_wait_max_ns = 0;
    facts.open_loop = false;
    expect(&facts, NULL, 0, "");
    facts.open_loop = true;
    expect(&facts, "rate", 2, "50.000");
}

static void governors(void **state)
{
    (void)state;
    struct tkp_phase_facts facts = good();
    facts.governors = "performance, powersave";
    expect(&facts, "governor", 0, "'performance, powersave'");
    facts.governors = "";
    expect(&facts, NULL, 0, "");
    facts.governors = NULL;
    expect(&facts, NULL, 0, "");
}

static void holes_and_steps_are_noted(void **state)
{
    (void)state;
    struct tkp_phase_facts facts = good();
    facts.unstamped_reads = 3;
    expect(&facts, "unstamped_reads", 0, "3 reads");
    facts.unstamped_reads = 0;
    facts.clock_steps = 2;
    expect(&facts, "clock_step", 0, "2 times");
}

/* One tick in a short phase is a large share, and says nothing. */
static void a_tick_of_steal_is_no_evidence(void **state)
{
    (void)state;
    struct tkp_phase_facts facts = good();
    facts.cpu_ticks = 2;
    facts.steal_ticks = 1;
    expect(&facts, NULL, 0, "");
    facts.cpu_ticks = 0; /* not known */
    facts.steal_ticks = 0;
    expect(&facts, NULL, 0, "");
}

static void nothing_completed(void **state)
{
    (void)state;
    struct tkp_phase_facts facts = {.median_ttft_ns = NAN, .median_latency_ns = NAN};
    facts.client_lag_p99_ns = facts.offered_rate_per_s = facts.wall_duration_s = NAN;
    expect(&facts, "no_requests", 2, "nothing to report");
}

/* All at once: everything is named, the gravest first. */
static void the_gravest_comes_first(void **state)
{
    (void)state;
    struct tkp_phase_facts facts = good();
    struct found found;
    uint32_t last = 2;
    facts.not_sent = facts.errors = facts.client_errors = facts.cancelled = 5000;
    facts.retries = facts.not_streamed = facts.no_token_count = facts.osl_mismatched = 500;
    facts.record_waits = facts.unsent_turns = facts.cached_tokens = facts.coalesced_chunks = 500;
    facts.prompts_sent = 5000;
    facts.client_lag_p99_ns = facts.loop_lag_p99_ns = facts.plugin_call_max_ns = 1e9;
    facts.read_delay_p99_ns = 1e9;
    facts.unstamped_reads = facts.clock_steps = 500;
    facts.achieved_rate_per_s = 1;
    facts.wall_duration_s = 1000;
    facts.log_not_written = facts.interrupted = facts.log_torn = facts.ended_early = true;
    facts.log_damaged = true;
    facts.steal_ticks = facts.load_milli = 5000;
    facts.worker_cpu_share = 1;
    facts.governors = "powersave";
    judge(&facts, &found);
    assert_string_equal(found.verdict.status, "invalid");
    assert_int_equal(found.verdict.reason_count, 30);
    for (uint32_t i = 0; i < found.verdict.reason_count; i++) {
        assert_true(found.verdict.reasons[i]->severity <= last);
        last = found.verdict.reasons[i]->severity;
    }
    assert_int_equal(last, 0);
    tkp_arena_finish(&found.arena);
}

static void docs_name_every_code(void **state)
{
    (void)state;
    static const char *const codes[] = {
        "no_requests",  "errors",       "client_error",    "client_lag",         "loop_lag",
        "rate",         "censored",     "cancelled",       "duration_gap",       "osl_mismatch",
        "not_streamed", "retries",      "record_waits",    "tokens_not_counted", "plugin_call",
        "log_torn",     "interrupted",  "log_not_written", "prompt_reuse",       "cached_tokens",
        "coalesced",    "unsent_turns", "cpu_steal",       "governor",           "load",
        "worker_cpu",   "ended_early",  "read_delay",      "unstamped_reads",    "clock_step",
        "not_sent",     "log_damaged",  "token_sources"};
    struct tkp_buffer docs;
    struct tokperf_error error;
    tkp_buffer_init(&docs, 1 << 20);
    assert_int_equal(tkp_files_read(TKP_TEST_DATA "/../../docs/metrics.md", 1 << 20, TKP_FILES_UTF8,
                                    &docs, &error),
                     TOKPERF_OK);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char row[64];
        (void)snprintf(row, sizeof row, "| `%s` |", codes[i]);
        if (!strstr(tkp_buffer_text(&docs), row))
            fail_msg("docs/metrics.md has no row %s", row);
    }
    tkp_buffer_finish(&docs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_run_is_valid),
        cmocka_unit_test(holes_and_steps_are_noted),
        cmocka_unit_test(numbers_on_both_sides),
        cmocka_unit_test(counts_on_both_sides),
        cmocka_unit_test(clumps_are_the_servers_unless_the_client_was_late),
        cmocka_unit_test(flags),
        cmocka_unit_test(lag_is_relative_to_the_median),
        cmocka_unit_test(several_phases_are_judged_each),
        cmocka_unit_test(the_rate_counts_only_without_the_cap),
        cmocka_unit_test(governors),
        cmocka_unit_test(a_tick_of_steal_is_no_evidence),
        cmocka_unit_test(nothing_completed),
        cmocka_unit_test(the_gravest_comes_first),
        cmocka_unit_test(docs_name_every_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

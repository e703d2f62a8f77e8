/* SPDX-License-Identifier: Apache-2.0 */
/* What a phase counts beside its distributions: groups, support, mismatches, prompts. */
#include <phase_play.h>

/* Requests in flight at the end are counted apart: neither ok nor error. */
static void cancelled_is_neither(void **state)
{
    (void)state;
    struct phase p;
    begin(&p);
    (void)add(&p, metric_row(0, 10, 100));
    struct tkp_row *row = add(&p, metric_row(0, 10, 5000));
    row->outcome = TKP_OUTCOME_CANCELLED;
    compute(&p);
    CHECK(&p, "request_count", AVG, 1);
    CHECK(&p, "cancelled_request_count", AVG, 1);
    CHECK(&p, "request_error_rate", AVG, 0);
    CHECK(&p, "request_latency", MAX, 100);
    assert_null(find(&p, "adj_request_latency"));
    assert_int_equal(p.facts.cancelled, 1);
    assert_int_equal(p.result.errors[0]->code, 499);
    end(&p);
}

/* 20 slots begin at once, each 1 ms later than the one before; after that nothing is late. In open
 * loop the schedule asked for each of them at its time. */
static void the_first_burst_is_no_lateness(void **state)
{
    (void)state;
    for (int open = 0; open < 2; open++) {
        struct phase p;
        begin(&p);
        p.plan.arrival = open ? TKP_ARRIVAL_POISSON : TKP_ARRIVAL_CLOSED;
        for (uint64_t i = 0; i < 20; i++) {
            struct tkp_row *row = add(&p, metric_row(0, 100, 200));
            row->flags |= TKP_ROW_FIRST_OF_SLOT;
            row->start_ns += i * MS;
        }
        for (uint64_t i = 0; i < 300; i++)
            add(&p, metric_row(200, 300, 400))->start_ns += 2000;
        compute(&p);
        CHECK(&p, "client_lag", MAX, 19);
        if (open)
            assert_true(p.facts.client_lag_p99_ns > 10e6);
        else
            assert_near(p.facts.client_lag_p99_ns, 2000, 2);
        end(&p);
    }
}

static void groups_are_bounded(void **state)
{
    (void)state;
    struct phase p;
    static struct tkp_row_error failures[300];
    uint64_t sum = 0;
    begin(&p);
    for (uint32_t i = 0; i < 300; i++) {
        struct tkp_row *row = add(&p, failed_row(i, i + 1, TKP_OUTCOME_STREAM_ERROR));
        row->error = &failures[i];
        (void)snprintf(failures[i].message, sizeof failures[i].message, "request %u failed",
                       i % 150);
        row = i % 3 ? row : add(&p, metric_row(i, i + 1, i + 2));
        (void)snprintf(row->finish_reason, sizeof row->finish_reason, "reason %u", i);
    }
    compute(&p);
    assert_int_equal(p.result.error_count, 101);
    for (uint32_t i = 0; i < p.result.error_count; i++)
        sum += p.result.errors[i]->count;
    assert_int_equal(sum, 300);
    assert_int_equal(p.result.errors[0]->count, 100); /* the most frequent first: all others */
    assert_memory_equal(p.result.errors[0]->message.data, "(other messages)", 16);
    assert_int_equal(p.result.finish_reason_count, 65);
    assert_int_equal(p.result.finish_reasons[0]->count, 100 - 64);
    end(&p);
}

static void support_and_its_bound(void **state)
{
    (void)state;
    struct phase p;
    uint32_t seen = 0;
    begin(&p);
    for (uint64_t i = 1; i <= 130; i++)
        (void)add(&p, metric_row(0, 1, 10 * i));
    compute(&p);
    for (uint32_t i = 0; i < p.result.support_count; i++) {
        const struct tokperf_support *s = p.result.support[i];
        if (strcmp(s->tag, "request_latency"))
            continue;
        seen++;
        assert_int_equal(s->samples, 130);
        if (s->stat == TOKPERF_STAT_P95) { /* t = 1: the greatest */
            assert_int_equal(s->samples_needed, 130);
            assert_int_equal(s->has_upper_bound, 1);
            assert_near(s->upper_bound_99, 1300, 1e-9);
        }
        if (s->stat == TOKPERF_STAT_P99) {
            assert_int_equal(s->samples_needed, 662);
            assert_int_equal(s->has_upper_bound, 0);
        }
    }
    assert_int_equal(seen, 6);
    end(&p);
}

/* The tokenizer's counts are the run's, the server's are held against them; what nobody has counted
 * yet has no token metrics. */
static void counts_of_server_and_tokenizer(void **state)
{
    (void)state;
    static const struct {
        int64_t server, output, reasoning;
    } cases[] = {{110, 100, 0}, {112, 60, 40}, {80, 100, 0},
                 {-1, 50, 0},   {70, -1, -1},  {70, TKP_ROW_COUNT_PENDING, -1}};
    struct phase p;
    begin(&p);
    p.context.isl_source = p.context.osl_source = TKP_TOKENS_TOKENIZER;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tkp_row *row = add(&p, metric_row(0, 1, 10));
        row->counted_input = 20;
        row->usage.prompt_tokens = 22;
        row->usage.completion_tokens = cases[i].server;
        row->counted_output = cases[i].output;
        row->counted_reasoning = cases[i].reasoning;
    }
    compute(&p);
    CHECK(&p, "output_sequence_length", COUNT, 4);
    CHECK(&p, "output_sequence_length", SUM, 350);
    CHECK(&p, "reasoning_token_count", MAX, 40);
    CHECK(&p, "output_token_count", MIN, 50);
    CHECK(&p, "input_sequence_length", AVG, 20);
    CHECK(&p, "usage_prompt_tokens_diff_pct", MAX, 10);
    CHECK(&p, "usage_completion_tokens_diff_pct", MIN, 10);
    CHECK(&p, "usage_completion_tokens_diff_pct", MAX, 20);
    CHECK(&p, "usage_discrepancy_count", AVG, 2);
    CHECK(&p, "no_token_count", AVG, 2);
    assert_int_equal(p.facts.tokens_pending, 1);
    assert_int_equal(p.facts.server_completion, 302);
    assert_int_equal(p.facts.counted_completion, 300);
    end(&p);
}

static void answers_of_another_length(void **state)
{
    (void)state;
    static const struct {
        int64_t asked, got;
        bool is_mismatch;
    } cases[] = {{100, 95, false},   {100, 94, true}, {100, 106, true}, {2000, 1950, false},
                 {2000, 1949, true}, {-1, 7, false},  {100, 105, false}};
    struct phase p;
    uint32_t expected = 0, checked = 0;
    begin(&p);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tkp_row *row = add(&p, metric_row(0, 1, 10));
        row->usage.prompt_tokens = 1;
        row->usage.completion_tokens = cases[i].got;
        row->output_tokens_asked = cases[i].asked;
        expected += cases[i].is_mismatch;
        checked += cases[i].asked > 0;
    }
    compute(&p);
    CHECK(&p, "osl_mismatch_count", AVG, expected);
    CHECK(&p, "osl_mismatch_diff_pct", MIN, -6);
    assert_int_equal(p.facts.osl_checked, checked);
    assert_int_equal(p.facts.osl_mismatched, expected);
    end(&p);
}

/* The record log could not be written: counts are exact, percentiles the histogram's, and say so.
 */
static void one_reading_is_marked(void **state)
{
    (void)state;
    struct phase p;
    struct tkp_phase_metrics *m;
    struct tokperf_error error;
    begin(&p);
    assert_int_equal(tkp_phase_metrics_create(&p.context, &p.plan, &m, &error), TOKPERF_OK);
    for (uint64_t i = 1; i <= 1000; i++) {
        struct tkp_row row = metric_row(0, 1, i);
        tkp_phase_metrics_add(m, &row, NULL);
    }
    assert_int_equal(tkp_phase_metrics_result(m, &p.arena, &p.result, &p.facts, &error),
                     TOKPERF_OK);
    tkp_phase_metrics_destroy(m);
    const struct tokperf_metric *metric = find(&p, "request_latency");
    assert_true(metric->flags & TOKPERF_METRIC_FROM_HISTOGRAM);
    assert_near(metric->value[TOKPERF_STAT_P50], 500.5, 0.6);
    CHECK(&p, "request_latency", AVG, 500.5);
    CHECK(&p, "request_latency", MAX, 1000);
    CHECK(&p, "request_count", AVG, 1000);
    CHECK(&p, "effective_concurrency", AVG, NAN);
    end(&p);
}

static void prompts_are_counted(void **state)
{
    (void)state;
    struct phase p;
    begin(&p);
    for (uint64_t i = 0; i < 30; i++) {
        struct tkp_row *row = add(&p, metric_row(0, 1, 10));
        row->prompt_hash = 1 + i % 10;
        row->send_start_ns = i < 28 ? row->send_start_ns : 0; /* never sent */
        row->flags = i == 5 ? TKP_ROW_STREAM_ASKED : row->flags;
    }
    compute(&p);
    assert_int_equal(p.facts.prompts_sent, 28);
    assert_int_equal(p.facts.prompts_distinct, 10);
    assert_int_equal(p.facts.not_streamed, 1);
    assert_false(p.facts.prompts_distinct_is_floor);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancelled_is_neither),
        cmocka_unit_test(groups_are_bounded),
        cmocka_unit_test(the_first_burst_is_no_lateness),
        cmocka_unit_test(support_and_its_bound),
        cmocka_unit_test(answers_of_another_length),
        cmocka_unit_test(counts_of_server_and_tokenizer),
        cmocka_unit_test(one_reading_is_marked),
        cmocka_unit_test(prompts_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

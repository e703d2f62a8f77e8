/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of a phase from rows with fixed stamps, by hand. */
#include <phase_play.h>

/* Two ok requests of 100 and 300 tokens, one error in between. Failed ones count nowhere else. */
static void two_good_ones_and_an_error(void **state)
{
    (void)state;
    struct phase p;
    begin(&p);
    struct tkp_row *row = add(&p, metric_row(0, 100, 1090));
    row->usage.prompt_tokens = 10;
    row->usage.completion_tokens = 100;
    row = add(&p, failed_row(500, 9000, TKP_OUTCOME_HTTP_ERROR));
    row->http_status = 503;
    row->usage.prompt_tokens = 1000000;
    row->usage.completion_tokens = 1000000;
    row = add(&p, metric_row(1000, 1200, 4190));
    row->usage.prompt_tokens = 30;
    row->usage.completion_tokens = 300;
    row->usage.prompt_cache_read_tokens = 8;
    row->retries = 1;
    compute(&p);
    CHECK(&p, "request_count", AVG, 2);
    CHECK(&p, "error_request_count", AVG, 1);
    CHECK(&p, "completed_request_count", AVG, 3);
    CHECK(&p, "cancelled_request_count", AVG, 0);
    CHECK(&p, "request_error_rate", AVG, 100.0 / 3);
    CHECK(&p, "benchmark_duration", AVG, 4.19);
    CHECK(&p, "wall_duration", AVG, 9);
    CHECK(&p, "request_throughput", AVG, 2 / 4.19);
    CHECK(&p, "request_throughput_wall", AVG, 2 / 9.0);
    CHECK(&p, "total_osl", AVG, 400);
    CHECK(&p, "total_isl", AVG, 40);
    CHECK(&p, "total_output_tokens", AVG, 400);
    CHECK(&p, "total_reasoning_tokens", AVG, NAN);
    CHECK(&p, "output_token_throughput", AVG, 400 / 4.19);
    CHECK(&p, "input_token_throughput", AVG, 40 / 4.19);
    CHECK(&p, "total_token_throughput", AVG, 440 / 4.19);
    CHECK(&p, "output_token_throughput_wall", AVG, 400 / 9.0);
    CHECK(&p, "total_token_throughput_wall", AVG, 440 / 9.0);
    CHECK(&p, "total_usage_prompt_tokens", AVG, 40);
    CHECK(&p, "overall_usage_prompt_cache_read_pct", AVG, 20);
    CHECK(&p, "retry_count", AVG, 1);
    CHECK(&p, "request_latency", AVG, (1090 + 3190) / 2.0);
    CHECK(&p, "request_latency", P50, (1090 + 3190) / 2.0);
    CHECK(&p, "request_latency", P999, 1090 + 2100 * 0.999);
    CHECK(&p, "request_latency", STD, 1050);
    CHECK(&p, "request_latency", MIN, 1090);
    CHECK(&p, "request_latency", MAX, 3190);
    CHECK(&p, "request_latency", COUNT, 2);
    CHECK(&p, "request_latency", SUM, 4280);
    CHECK(&p, "time_to_first_token", P25, 125);
    CHECK(&p, "inter_token_latency", AVG, 10);
    CHECK(&p, "output_token_throughput_per_user", AVG, 100);
    CHECK(&p, "goodput", AVG, NAN);
    CHECK(&p, "offered_rate", AVG, NAN); /* closed loop */
    CHECK(&p, "inter_chunk_latency", AVG, NAN);
    assert_true(p.result.start_ns == ROW_BASE_NS && p.result.end_ns == ROW_BASE_NS + 9000 * MS);
    assert_int_equal(p.result.error_count, 1);
    assert_int_equal(p.result.errors[0]->code, 503);
    assert_memory_equal(p.result.errors[0]->type.data, "http_error", 10);
    assert_int_equal(p.facts.ok, 2);
    assert_near(p.facts.median_ttft_ns, 150e6, 0);
    end(&p);
}

/* 1 error in 4: p75 is the greatest ok one, p90 has no bound. */
static void errors_push_the_adjusted_band_up(void **state)
{
    (void)state;
    struct phase p;
    begin(&p);
    for (uint64_t i = 1; i <= 3; i++)
        (void)add(&p, metric_row(0, 10 * i, 100 * i));
    compute(&p);
    assert_null(find(&p, "adj_request_latency")); /* nothing failed: nothing to adjust */
    end(&p);
    p.rows[p.count++] = failed_row(0, 50, TKP_OUTCOME_TIMEOUT);
    tkp_arena_init(&p.arena, 0);
    compute(&p);
    CHECK(&p, "adj_request_latency", P25, 100);
    CHECK(&p, "adj_request_latency", P50, 200);
    CHECK(&p, "adj_request_latency", P75, 300);
    CHECK(&p, "adj_request_latency", P90, NAN);
    CHECK(&p, "adj_request_latency", P999, NAN);
    CHECK(&p, "adj_request_latency", MIN, 100);
    CHECK(&p, "adj_request_latency", MAX, NAN);
    CHECK(&p, "adj_request_latency", AVG, NAN);
    CHECK(&p, "adj_request_latency", SUM, NAN);
    CHECK(&p, "adj_request_latency", STD, NAN);
    CHECK(&p, "adj_request_latency", COUNT, 4);
    CHECK(&p, "adj_time_to_first_token", P75, 30);
    assert_string_equal(find(&p, "adj_request_latency")->unbounded_from, "p90");
    assert_null(find(&p, "request_latency")->unbounded_from);
    end(&p);
}

static void all_failed(void **state)
{
    (void)state;
    struct phase p;
    begin(&p);
    for (uint64_t i = 0; i < 5; i++)
        (void)add(&p, failed_row(i, i + 10, TKP_OUTCOME_CONNECT_ERROR));
    compute(&p);
    CHECK(&p, "request_count", AVG, 0);
    CHECK(&p, "error_request_count", AVG, 5);
    CHECK(&p, "request_error_rate", AVG, 100);
    CHECK(&p, "wall_duration", AVG, 0.014);
    CHECK(&p, "benchmark_duration", AVG, NAN);
    CHECK(&p, "request_throughput", AVG, NAN);
    CHECK(&p, "effective_concurrency", MAX, 5);
    CHECK(&p, "client_lag", AVG, NAN); /* ok alone enters distributions */
    assert_string_equal(find(&p, "adj_request_latency")->unbounded_from, "p1");
    assert_true(isnan(p.facts.client_lag_p99_ns));
    end(&p);
}

static void no_rows_at_all(void **state)
{
    (void)state;
    struct phase p;
    begin(&p);
    compute(&p);
    CHECK(&p, "request_count", AVG, 0);
    CHECK(&p, "request_error_rate", AVG, NAN);
    CHECK(&p, "wall_duration", AVG, NAN);
    assert_int_equal(p.result.start_ns, 0);
    assert_int_equal(p.result.support_count, 0);
    assert_int_equal(p.result.error_count, 0);
    assert_true(isnan(p.facts.wall_duration_s) && isnan(p.facts.median_ttft_ns));
    end(&p);
}

/* Whatever the rows: no statistic is NaN or infinite. */
static void nan_is_never_a_statistic(void **state)
{
    (void)state;
    struct phase p;
    begin(&p);
    struct tkp_row *row = add(&p, metric_row(0, 0, 0)); /* everything at one instant */
    row->usage.prompt_tokens = 0;
    row->usage.completion_tokens = 0;
    row = add(&p, metric_row(0, 0, 0));
    row->usage.prompt_tokens = 5;
    row->usage.completion_tokens = 5;
    row->output_tokens_asked = 0;
    row = add(&p, metric_row(5, 3, 1)); /* stamps in an order that cannot be */
    row->outcome = TKP_OUTCOME_OK;
    compute(&p);
    assert_true(p.result.metric_count > 10);
    for (uint32_t i = 0; i < p.result.metric_count; i++)
        for (uint32_t stat = 0; stat < TOKPERF_STAT_SLOTS; stat++)
            if (p.result.metrics[i]->stats & 1u << stat)
                assert_true(isfinite(p.result.metrics[i]->value[stat]));
    CHECK(&p, "benchmark_duration", AVG, 0);
    CHECK(&p, "request_throughput", AVG, NAN);
    CHECK(&p, "e2e_output_token_throughput", AVG, NAN);
    end(&p);
}

/* Two requests that overlap: 0-100 and 50-150 ms, first tokens at 20 and 80 ms, 10 + 4 tokens. */
/* A stream without arrival times has no latency, but the time it took is not nothing. */
static void an_unstamped_request_counts_to_its_end(void **state)
{
    (void)state;
    struct phase p;
    begin(&p);
    add(&p, metric_row(0, 20, 100));
    struct tkp_row *row = add(&p, metric_row(0, 0, 400));
    row->flags |= TKP_ROW_UNSTAMPED;
    row->first_byte_ns = row->first_token_ns = row->last_token_ns = 0;
    compute(&p);
    CHECK(&p, "request_latency", COUNT, 1);
    CHECK(&p, "request_count", AVG, 2);
    CHECK(&p, "benchmark_duration", AVG, (double)(row->end_ns - row->start_ns) / 1e9);
    end(&p);
}

static void the_load_over_time(void **state)
{
    (void)state;
    static const uint64_t first[] = {ROW_BASE_NS + 20 * MS, ROW_BASE_NS + 60 * MS,
                                     ROW_BASE_NS + 100 * MS, ROW_BASE_NS + 100 * MS};
    struct phase p;
    begin(&p);
    struct tkp_row *row = add(&p, metric_row(0, 20, 100));
    row->chunk_count = 4;
    row->coalesced_count = 1;
    row->usage.prompt_tokens = 10;
    row->usage.completion_tokens = 8;
    p.chunks[0] = first;
    row = add(&p, metric_row(50, 80, 150));
    row->usage.prompt_tokens = 10;
    row->usage.completion_tokens = 4;
    compute(&p);
    CHECK(&p, "effective_concurrency", AVG, 200 / 150.0);
    CHECK(&p, "effective_concurrency", MIN, 1);
    CHECK(&p, "effective_concurrency", MAX, 2);
    CHECK(&p, "effective_concurrency", P50, 1);
    CHECK(&p, "effective_concurrency", P90, 2);
    CHECK(&p, "effective_concurrency", STD, sqrt(2) / 3);
    CHECK(&p, "effective_concurrency", P1, NAN);
    CHECK(&p, "effective_prefill_concurrency", AVG, 50 / 150.0);
    CHECK(&p, "effective_decode_concurrency", AVG, 150 / 150.0);
    /* 10 tokens all along twice 100 ms; 2 from 20 ms, 2 from 60 ms, 4 at the end. */
    CHECK(&p, "tokens_in_flight", AVG, (10 * 100 + 10 * 100 + 2 * 80 + 2 * 40) / 150.0);
    CHECK(&p, "tokens_in_flight", MAX, 10 + 4 + 10);
    CHECK(&p, "inter_chunk_latency", COUNT, 2); /* the third gap is coalesced */
    CHECK(&p, "inter_chunk_latency", AVG, 40);
    CHECK(&p, "coalesced_chunk_count", AVG, 1);
    CHECK(&p, "chunk_count", AVG, 4);
    end(&p);
}

static void goodput_counts_what_is_missing(void **state)
{
    (void)state;
    static const struct tkp_slo slos[] = {{"time_to_first_token", 100},
                                          {"output_token_throughput_per_user", 10}};
    struct phase p;
    begin(&p);
    p.context.slos = slos;
    p.context.slo_count = 2;
    for (uint64_t i = 0; i < 4; i++) {
        struct tkp_row *row = add(&p, metric_row(0, 80 + 10 * i, 1000));
        row->usage.prompt_tokens = 1;
        row->usage.completion_tokens = i ? 100 : -1; /* the first one has no token metrics */
    }
    (void)add(&p, failed_row(0, 1, TKP_OUTCOME_EMPTY));
    compute(&p);
    CHECK(&p, "good_request_count", AVG, 2); /* 90 and 100 ms */
    CHECK(&p, "good_request_fraction", AVG, 2 / 5.0);
    CHECK(&p, "goodput", AVG, 2);
    CHECK(&p, "slo_metric_missing_count", AVG, 1);
    CHECK(&p, "no_token_count", AVG, 1);
    assert_int_equal(p.facts.no_token_count, 1);
    end(&p);
}

/* 2 slots, a ramp of 300 ms, 100 ms per request; the last one takes a second. The window begins
 * when the ramp is over and each slot has completed a request, and ends with the last start. */
static void the_steady_window(void **state)
{
    (void)state;
    struct phase p;
    begin(&p);
    p.plan.concurrency = 2;
    p.plan.concurrency_ramp_ns = 300 * MS;
    for (uint64_t slot = 0; slot < 2; slot++)
        for (uint64_t i = 0; i < 20; i++) {
            uint64_t start = slot * 150 + i * 100;
            struct tkp_row *row = add(&p, metric_row(start, start + 20, start + 100));
            row->usage.prompt_tokens = 5;
            row->usage.completion_tokens = 9;
            row->flags |= i ? 0 : TKP_ROW_FIRST_OF_SLOT;
        }
    p.rows[39].last_token_ns = p.rows[39].end_ns += 900 * MS;
    compute(&p);
    /* 300 ms <= start < 2050 ms: 17 of slot 0 (300..1900), 17 of slot 1 (350..1950). */
    CHECK(&p, "steady_request_count", AVG, 34);
    CHECK(&p, "steady_duration", AVG, 1.75);
    CHECK(&p, "steady_request_throughput", AVG, 34 / 1.75);
    CHECK(&p, "steady_output_token_throughput", AVG, 34 * 9 / 1.75);
    CHECK(&p, "steady_total_token_throughput", AVG, 34 * 14 / 1.75);
    CHECK(&p, "steady_request_latency", MAX, 100);
    CHECK(&p, "steady_request_latency", P99, 100);
    CHECK(&p, "steady_inter_token_latency", P50, 10);
    CHECK(&p, "request_latency", MAX, 1000); /* the whole run is reported beside it */
    CHECK(&p, "request_throughput", AVG, 40 / 3.05);
    p.rows[39].end_ns += 1000 * MS; /* wall 4.05 s: the window is under half of it */
    end(&p);
    tkp_arena_init(&p.arena, 0);
    compute(&p);
    assert_null(find(&p, "steady_request_count"));
    assert_null(find(&p, "steady_request_latency"));
    end(&p);
}

static void open_loop_rates(void **state)
{
    (void)state;
    struct phase p;
    begin(&p);
    p.plan.arrival = TKP_ARRIVAL_CONSTANT;
    for (uint64_t i = 0; i < 11; i++) {
        struct tkp_row *row = add(&p, metric_row(i * 100, i * 100 + 10, i * 100 + 20));
        row->start_ns = row->ready_ns + i * MS; /* later and later */
        row = add(&p, metric_row(i * 100 + 30, i * 100 + 40, i * 100 + 5000));
        row->turn_index = 1; /* not of the drawn schedule */
    }
    compute(&p);
    CHECK(&p, "offered_rate", AVG, 10);
    CHECK(&p, "achieved_rate", AVG, 10 / 1.01);
    CHECK(&p, "client_lag", MAX, 10);
    assert_near(p.facts.offered_rate_per_s, 10, 1e-9);
    assert_near(p.facts.cap_wait_max_ns, 0, 0);
    assert_true(p.facts.open_loop);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_good_ones_and_an_error),
        cmocka_unit_test(errors_push_the_adjusted_band_up),
        cmocka_unit_test(all_failed),
        cmocka_unit_test(no_rows_at_all),
        cmocka_unit_test(nan_is_never_a_statistic),
        cmocka_unit_test(an_unstamped_request_counts_to_its_end),
        cmocka_unit_test(the_load_over_time),
        cmocka_unit_test(goodput_counts_what_is_missing),
        cmocka_unit_test(the_steady_window),
        cmocka_unit_test(open_loop_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

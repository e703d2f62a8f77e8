/* SPDX-License-Identifier: Apache-2.0 */
/* Live figures: counts, rates, percentiles, a new phase, and a reader beside the writer. */
#include <metrics/live.h>

#include <metric_rows.h>
#include <near.h>
#include <pthread.h>

static struct tkp_row counted_row(uint64_t i)
{
    struct tkp_row row = metric_row(i, i + 50, i + 1040);
    row.usage.prompt_tokens = 10;
    row.usage.completion_tokens = 100;
    return row;
}

static void counts_and_percentiles(void **state)
{
    (void)state;
    struct tkp_metric_context context = server_tokens();
    struct tkp_live_figures f;
    context.isl_source = context.osl_source = TKP_TOKENS_NONE; /* chosen at the first ok row */
    struct tkp_live *live = tkp_live_create(&context);
    assert_non_null(live);
    tkp_live_tick(live, ROW_BASE_NS);
    tkp_live_read(live, &f);
    assert_true(isnan(f.ttft_p50_ns) && isnan(f.latency_p99_ns));
    for (uint64_t i = 0; i < 100; i++) {
        struct tkp_row row = counted_row(i);
        tkp_live_row(live, &row, NULL, 0);
    }
    struct tkp_row row = failed_row(0, 10, TKP_OUTCOME_TIMEOUT);
    tkp_live_row(live, &row, NULL, 0);
    row.outcome = TKP_OUTCOME_CANCELLED;
    tkp_live_row(live, &row, NULL, 0);
    tkp_live_read(live, &f);
    assert_int_equal(f.ok, 0); /* published at ticks only */
    tkp_live_tick(live, ROW_BASE_NS + 2000 * MS);
    tkp_live_read(live, &f);
    assert_int_equal(f.ok, 100);
    assert_int_equal(f.errors, 1);
    assert_int_equal(f.cancelled, 1);
    assert_int_equal(f.errors_by_outcome[TKP_OUTCOME_TIMEOUT], 1);
    assert_near(f.requests_per_s, 50, 1e-9);
    assert_near(f.output_tokens_per_s, 5000, 1e-9);
    assert_near(f.ttft_p50_ns, 50e6, 50e3);
    assert_near(f.itl_p99_ns, 10e6, 10e3);
    assert_near(f.latency_p50_ns, 1040e6, 1040e3);
    row = counted_row(1);
    row.phase = 1;
    tkp_live_row(live, &row, NULL, 0);
    tkp_live_tick(live, ROW_BASE_NS + 2500 * MS);
    tkp_live_read(live, &f);
    assert_int_equal(f.phase, 1);
    assert_int_equal(f.ok, 1);
    assert_int_equal(f.errors, 0);
    tkp_live_destroy(live);
}

/* Only the last few seconds enter the rate. */
static void rates_forget(void **state)
{
    (void)state;
    struct tkp_metric_context context = server_tokens();
    struct tkp_live *live = tkp_live_create(&context);
    struct tkp_live_figures f;
    assert_non_null(live);
    for (uint64_t tick = 0; tick < 400; tick++) {
        struct tkp_row row = counted_row(tick);
        for (int i = 0; tick < 200 && i < 25; i++)
            tkp_live_row(live, &row, NULL, 0);
        tkp_live_tick(live, ROW_BASE_NS + (tick + 1) * 250 * MS);
        tkp_live_read(live, &f);
        if (tick == 199)
            assert_near(f.requests_per_s, 100, 1e-6);
    }
    assert_int_equal(f.ok, 5000);
    assert_near(f.requests_per_s, 0, 0);
    struct tkp_row row = counted_row(0);
    tkp_live_row(live, &row, NULL, 0);
    for (uint64_t s = 1; s <= 8; s++) /* slower ticks: the request is 7 s old at the end */
        tkp_live_tick(live, ROW_BASE_NS + (100 + s) * 1000 * MS);
    tkp_live_read(live, &f);
    assert_near(f.requests_per_s, 0, 0);
    tkp_live_destroy(live);
}

enum { TICKS = 20000 };

static void *write_ticks(void *argument)
{
    struct tkp_live *live = argument;
    for (uint64_t i = 1; i <= TICKS; i++) {
        struct tkp_row row = counted_row(i);
        tkp_live_row(live, &row, NULL, 0);
        row.outcome = TKP_OUTCOME_EMPTY;
        tkp_live_row(live, &row, NULL, 0);
        tkp_live_tick(live, ROW_BASE_NS + i);
    }
    return NULL;
}

/* A reader never sees half a tick. */
static void a_reader_sees_whole_ticks(void **state)
{
    (void)state;
    struct tkp_metric_context context = server_tokens();
    struct tkp_live *live = tkp_live_create(&context);
    struct tkp_live_figures f = {.at_ns = 0};
    pthread_t writer;
    assert_non_null(live);
    assert_int_equal(pthread_create(&writer, NULL, write_ticks, live), 0);
    while (f.ok < TICKS) {
        tkp_live_read(live, &f);
        assert_int_equal(f.ok, f.errors);
        assert_true(!f.ok || f.at_ns == ROW_BASE_NS + f.ok);
    }
    pthread_join(writer, NULL);
    tkp_live_destroy(live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_and_percentiles),
        cmocka_unit_test(rates_forget),
        cmocka_unit_test(a_reader_sees_whole_ticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

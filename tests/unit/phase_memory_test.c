/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A million requests: the memory of a phase's metrics is that of a hundred thousand, and the exact
 * percentiles are still exact.
 */
#include <metrics/phase_metrics.h>

#include <base/rng.h>
#include <malloc.h>
#include <metric_rows.h>
#include <near.h>
#include <stdlib.h>

enum { FEW = 100000, MANY = 1000000, SEED = 7, CHUNKS = 4 };

/* Request i starts at i * 0.1 ms; latencies lie close together, as a mock server's do. */
static struct tkp_row row_at(uint64_t i, uint64_t chunks[CHUNKS])
{
    struct tkp_row row = metric_row(0, 20, 100);
    uint64_t shift = i * (MS / 10), jitter = tkp_rng_below(SEED, 3000, i, 2 * MS);
    row.intended_ns = row.ready_ns = row.start_ns += shift;
    row.send_start_ns = row.start_ns;
    row.first_token_ns += shift + jitter / 4;
    row.last_token_ns += shift + jitter;
    row.end_ns = row.last_token_ns;
    row.prompt_hash = tkp_rng_bits(SEED, 3001, i);
    row.usage.prompt_tokens = 100;
    row.usage.completion_tokens = 10 + (int64_t)(i % 3);
    row.chunk_count = CHUNKS;
    for (uint64_t c = 0; c < CHUNKS; c++)
        chunks[c] =
            row.first_token_ns + (row.last_token_ns - row.first_token_ns) * c / (CHUNKS - 1);
    return row;
}

/* Returns the most bytes in use between readings. */
static size_t run(uint64_t count, double *p99_ms, int *readings)
{
    struct tkp_metric_context context = server_tokens();
    struct tkp_phase_plan plan = {.name = "profiling", .arrival = TKP_ARRIVAL_CONSTANT};
    struct tkp_phase_metrics *m;
    struct tkp_arena arena;
    struct tokperf_phase result;
    struct tkp_phase_facts facts = {0};
    struct tokperf_error error;
    size_t most = 0, before = mallinfo2().uordblks + mallinfo2().hblkhd;
    bool more = true;
    tkp_arena_init(&arena, 0);
    assert_int_equal(tkp_phase_metrics_create(&context, &plan, &m, &error), TOKPERF_OK);
    for (*readings = 0; more; ++*readings) {
        for (uint64_t i = 0; i < count; i++) {
            uint64_t chunks[CHUNKS];
            struct tkp_row row = row_at(i, chunks);
            tkp_phase_metrics_add(m, &row, chunks);
        }
        size_t now = mallinfo2().uordblks + mallinfo2().hblkhd;
        most = now > most ? now : most;
        more = tkp_phase_metrics_next_pass(m);
    }
    assert_int_equal(tkp_phase_metrics_result(m, &arena, &result, &facts, &error), TOKPERF_OK);
    for (uint32_t i = 0; i < result.metric_count; i++) {
        assert_false(result.metrics[i]->flags & TOKPERF_METRIC_FROM_HISTOGRAM);
        if (!strcmp(result.metrics[i]->tag, "request_latency"))
            *p99_ms = result.metrics[i]->value[TOKPERF_STAT_P99];
    }
    tkp_phase_metrics_destroy(m);
    tkp_arena_finish(&arena);
    return most > before ? most - before : 0;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double sorted_p99_ms(uint64_t count)
{
    double *values = malloc(count * sizeof *values);
    assert_non_null(values);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t chunks[CHUNKS];
        struct tkp_row row = row_at(i, chunks);
        values[i] = (double)(row.last_token_ns - row.start_ns);
    }
    qsort(values, count, sizeof *values, compare);
    double place = 0.99 * (double)(count - 1);
    size_t low = (size_t)place;
    double value = values[low] + (values[low + 1] - values[low]) * (place - (double)low);
    free(values);
    return value / 1e6;
}

static void memory_does_not_grow(void **state)
{
    (void)state;
    double few_p99_ms = 0, many_p99_ms = 0;
    int few_readings, many_readings;
    size_t few = run(FEW, &few_p99_ms, &few_readings);
    size_t many = run(MANY, &many_p99_ms, &many_readings);
    print_message("%d requests: %zu KiB, %d readings; %d: %zu KiB, %d readings\n", FEW, few / 1024,
                  few_readings, MANY, many / 1024, many_readings);
    assert_near(few_p99_ms, sorted_p99_ms(FEW), 1e-9);
    assert_near(many_p99_ms, sorted_p99_ms(MANY), 1e-9);
    assert_true(many < few + (8u << 20)); /* distinct prompts: 8 MiB at the most */
    assert_true(many < 40u << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_does_not_grow)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

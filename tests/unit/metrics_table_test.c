/* SPDX-License-Identifier: Apache-2.0 */
/* The table of metrics: complete, without duplicates, and explained in docs/metrics.md. */
#include <base/files.h>
#include <metrics/slo.h>
#include <metrics/table.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define DOCS TKP_TEST_DATA "/../../docs/metrics.md"

static void each_row_is_complete(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TKP_METRIC_ALL_COUNT; i++) {
        const struct tkp_metric_def *def = tkp_metric_def((enum tkp_metric_id)i);
        assert_non_null(def->tag);
        assert_non_null(def->header);
        assert_true(def->unit[0] && def->scale >= 1 && def->key_steps >= 1 && def->order > 0);
        assert_true(def->kind >= TOKPERF_METRIC_RECORD && def->kind <= TOKPERF_METRIC_SWEEP);
        assert_true(def->group >= TOKPERF_GROUP_DEFAULT && def->group <= TOKPERF_GROUP_HTTP);
        assert_true(def->base < TKP_METRIC_ALL_COUNT);
        assert_int_equal(tkp_metric_find(def->tag), i);
        bool is_record = i < TKP_METRIC_COUNT || i >= TKP_METRIC_STEADY_FIRST;
        assert_int_equal(def->kind == TOKPERF_METRIC_RECORD, is_record);
        if (i >= TKP_METRIC_STEADY_FIRST)
            assert_string_equal(def->unit, tkp_metric_def((enum tkp_metric_id)def->base)->unit);
    }
    assert_int_equal(tkp_metric_find("no_such_metric"), TKP_METRIC_ALL_COUNT);
}

static void console_order_is_aiperfs(void **state)
{
    (void)state;
    static const struct {
        const char *tag;
        int32_t order;
        const char *unit;
    } rows[] = {
        {"time_to_first_token", 100, "ms"},
        {"time_to_second_token", 200, "ms"},
        {"time_to_first_output_token", 210, "ms"},
        {"request_latency", 300, "ms"},
        {"inter_token_latency", 400, "ms"},
        {"output_token_throughput_per_user", 500, "tokens/sec/user"},
        {"e2e_output_token_throughput", 510, "tokens/sec/user"},
        {"output_sequence_length", 600, "tokens"},
        {"input_sequence_length", 700, "tokens"},
        {"output_token_throughput", 800, "tokens/sec"},
        {"input_token_throughput", 805, "tokens/sec"},
        {"request_throughput", 900, "requests/sec"},
        {"goodput", 1000, "requests/sec"},
        {"request_error_rate", 1080, "%"},
        {"request_count", 1100, "requests"},
        {"effective_concurrency", 3000, "requests"},
        {"benchmark_duration", 1140, "sec"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct tkp_metric_def *def = tkp_metric_def(tkp_metric_find(rows[i].tag));
        assert_int_equal(def->order, rows[i].order);
        assert_string_equal(def->unit, rows[i].unit);
    }
}

static void docs_name_every_tag(void **state)
{
    (void)state;
    struct tkp_buffer docs;
    struct tokperf_error error;
    tkp_buffer_init(&docs, 1 << 20);
    assert_int_equal(tkp_files_read(DOCS, 1 << 20, TKP_FILES_UTF8, &docs, &error), TOKPERF_OK);
    int missing = 0;
    for (unsigned i = 0; i < TKP_METRIC_ALL_COUNT; i++) {
        const struct tkp_metric_def *def = tkp_metric_def((enum tkp_metric_id)i);
        char quoted[128];
        (void)snprintf(quoted, sizeof quoted, "`%s`", def->tag);
        if (!strstr(tkp_buffer_text(&docs), quoted)) {
            print_error("docs/metrics.md does not explain %s\n", quoted);
            missing++;
        }
    }
    tkp_buffer_finish(&docs);
    assert_int_equal(missing, 0);
}

static void slos_name_metrics_of_requests(void **state)
{
    (void)state;
    static const struct {
        const char *tag;
        tokperf_status status;
        const char *says;
    } cases[] = {
        {"time_to_first_token", TOKPERF_OK, ""},
        {"output_token_throughput_per_user", TOKPERF_OK, ""},
        {"time_to_first_tokem", TOKPERF_E_INVALID, "did you mean 'time_to_first_token'"},
        {"inter_chunk_latency", TOKPERF_E_INVALID, "inter_chunk_latency"},
        {"request_throughput", TOKPERF_E_INVALID, "request_throughput"},
        {"x", TOKPERF_E_INVALID, "docs/metrics.md"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tkp_slo slo = {cases[i].tag, 1};
        struct tokperf_error error = {.message = ""};
        assert_int_equal(tkp_slos_check(&slo, 1, &error), cases[i].status);
        assert_non_null(strstr(error.message, cases[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_complete),
        cmocka_unit_test(console_order_is_aiperfs),
        cmocka_unit_test(docs_name_every_tag),
        cmocka_unit_test(slos_name_metrics_of_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

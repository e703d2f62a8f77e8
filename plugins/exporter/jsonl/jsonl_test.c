/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of requests against a file written by hand: an ok one, an error, a cancelled one, one
 * of the warm-up. */
#include "../test/exporter_fixture.h"

#include <stdio.h>
#include <string.h>

static void a_line_for_each_request(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    assert_golden("profile_export.jsonl", exporter_file("profile_export.jsonl"));
    assert_int_equal(exporter_file_count(), 1);
}

static void nothing_that_is_not_finite(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    const char *text = exporter_file("profile_export.jsonl");
    assert_null(strstr(text, "null"));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "not_finite"));
    assert_non_null(strstr(text, "\"inter_chunk_latency\":{\"value\":[20,20.5],\"unit\":\"ms\"}"));
}

static void a_log_that_cannot_be_read_leaves_no_file(void **state)
{
    (void)state;
    struct sample_run run;
    struct tokperf_error error;
    sample_run_init(&run);
    run.fail_at = 2;
    assert_int_equal(exporter_run(&run, &error), TOKPERF_E_IO);
    assert_string_equal(error.message, "the log cannot be read");
    assert_int_equal(exporter_file_count(), 0);
}

static void a_phase_that_is_not_known_has_no_name(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    run.records[0].phase = 9;
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    const char *text = exporter_file("profile_export.jsonl");
    const char *end = strchr(text, '\n');
    const char *name = strstr(text, "benchmark_phase");
    assert_true(name > end);
}

/* AIPerf's key keeps AIPerf's words; the name stands beside it. */
static void a_named_phase_is_said(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    sample_run_name_phases(&run);
    run.records[0].phase = 2;
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    const char *text = exporter_file("profile_export.jsonl");
    const char *end = strchr(text, '\n');
    const char *kind = strstr(text, "\"benchmark_phase\":\"profiling\"");
    const char *name = strstr(text, "\"tokperf\":{\"phase\":\"high\",");
    assert_true(kind && kind < end && name && name < end);
}

/* The first line: a kept connection. The second: a new one, and an error. The third: not asked. */
static void a_trace_where_there_is_one(void **state)
{
    (void)state;
    const uint64_t start = 1000000000;
    struct sample_run run;
    sample_run_init(&run);
    for (int i = 0; i < 2; i++) {
        run.records[i].has_trace = 1;
        run.records[i].start_ns = start;
        run.records[i].send_start_ns = start + 30;
        run.records[i].send_end_ns = start + 70;
        run.records[i].first_byte_ns = start + 500;
        run.records[i].last_byte_ns = start + 890;
        run.records[i].end_ns = start + 900;
    }
    run.records[1].connection_reused = 0;
    run.records[1].connect_start_ns = start + 5;
    run.records[1].connect_end_ns = start + 25;
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    const char *text = exporter_file("profile_export.jsonl");
    assert_non_null(
        strstr(text, "\"trace_data\":{\"trace_type\":\"tokperf\","
                     "\"connection_pool_wait_start_ns\":1790000000000000000,"
                     "\"connection_pool_wait_end_ns\":1790000000000000030,"
                     "\"connection_reused_ns\":1790000000000000030,"
                     "\"request_send_start_ns\":1790000000000000030,"
                     "\"request_send_end_ns\":1790000000000000070,"
                     "\"response_receive_start_ns\":1790000000000000500,"
                     "\"response_receive_end_ns\":1790000000000000890,"
                     "\"response_status_code\":200,"
                     "\"blocked_ns\":30,\"dns_lookup_ns\":0,\"connecting_ns\":0,\"sending_ns\":40,"
                     "\"waiting_ns\":430,\"receiving_ns\":390,\"duration_ns\":870}"));
    assert_non_null(strstr(text, "\"tcp_connect_start_ns\":1790000000000000005,"
                                 "\"tcp_connect_end_ns\":1790000000000000025,"));
    assert_non_null(strstr(text, "\"error_timestamp_ns\":1790000000000000900,"));
    assert_non_null(strstr(text, "\"blocked_ns\":5,\"dns_lookup_ns\":0,\"connecting_ns\":20,"));
    const char *second = strstr(strchr(text, '\n') + 1, "trace_data");
    assert_null(strstr(second + 1, "trace_data"));
}

/* A core that was built before the trace knows nothing of its members. */
static void a_record_of_an_older_core(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    run.records[0].has_trace = 1;
    run.records[0].struct_size = offsetof(struct tokperf_record, has_trace);
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    assert_null(strstr(exporter_file("profile_export.jsonl"), "trace_data"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXPORTER_TEST(a_line_for_each_request),
        EXPORTER_TEST(nothing_that_is_not_finite),
        EXPORTER_TEST(a_log_that_cannot_be_read_leaves_no_file),
        EXPORTER_TEST(a_phase_that_is_not_known_has_no_name),
        EXPORTER_TEST(a_trace_where_there_is_one),
        EXPORTER_TEST(a_record_of_an_older_core),
        EXPORTER_TEST(a_named_phase_is_said),
        EXPORTER_TEST(test_full_disk),
        EXPORTER_TEST(test_empty_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXPORTER_TEST(a_line_for_each_request),
        EXPORTER_TEST(nothing_that_is_not_finite),
        EXPORTER_TEST(a_log_that_cannot_be_read_leaves_no_file),
        EXPORTER_TEST(a_phase_that_is_not_known_has_no_name),
        EXPORTER_TEST(test_full_disk),
        EXPORTER_TEST(test_empty_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV summary against a file computed by hand; its header is an interface. */
#include "../test/exporter_fixture.h"

#include <stdio.h>
#include <string.h>

static void the_whole_file(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    assert_golden("profile_export.csv", exporter_file("profile_export.csv"));
    assert_int_equal(exporter_file_count(), 1);
}

/* AIPerf's columns first, what tokperf adds behind them. */
static void the_header_is_frozen(void **state)
{
    (void)state;
    static const char header[] =
        "Metric,avg,min,max,sum,p1,p5,p10,p25,p50,p75,p90,p95,p99,std,p99.9,count\r\n";
    struct sample_run run;
    sample_run_init(&run);
    run.profiling.metric_count = 0;
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    char expected[256];
    snprintf(expected, sizeof expected, "%s\r\nMetric,Value\r\n", header);
    assert_string_equal(exporter_file("profile_export.csv"), expected);
}

static void nothing_that_is_not_finite(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    sample_run_add(&run, "huge", "Huge", "ms", 1u << TOKPERF_STAT_AVG, 1e300);
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    const char *text = exporter_file("profile_export.csv");
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    assert_null(strstr(text, "Nothing Finite"));
    assert_null(strstr(text, "Partly Finite")); /* its average is not finite */
    assert_non_null(strstr(text, "Huge (ms),1000000000000000052504760255204420248704468581108159"));
}

static void quotes_only_where_they_are_needed(void **state)
{
    (void)state;
    static const struct {
        const char *header, *unit, *cell;
    } rows[] = {
        {"Plain", "", "Plain,"},         {"Plain", "count", "Plain,"},
        {"Plain", "requests", "Plain,"}, {"Plain", "ms", "Plain (ms),"},
        {"A, b", "", "\"A, b\","},       {"A \"b\"", "ms", "\"A \"\"b\"\" (ms)\","},
        {"A\nb", "", "\"A\nb\","},       {"A\rb", "", "\"A\rb\","},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sample_run run;
        char expected[64];
        sample_run_init(&run);
        run.profiling.metric_count = 0;
        sample_run_add(&run, "t", rows[i].header, rows[i].unit, 1u << TOKPERF_STAT_AVG, 1);
        assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
        snprintf(expected, sizeof expected, "Metric,Value\r\n%s1.00\r\n", rows[i].cell);
        assert_non_null(strstr(exporter_file("profile_export.csv"), expected));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXPORTER_TEST(the_whole_file),
        EXPORTER_TEST(the_header_is_frozen),
        EXPORTER_TEST(nothing_that_is_not_finite),
        EXPORTER_TEST(quotes_only_where_they_are_needed),
        EXPORTER_TEST(test_full_disk),
        EXPORTER_TEST(test_empty_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON summary against a file computed by hand; what is not finite has no key. */
#include "../test/exporter_fixture.h"
#include "../test/sample_collectors.h"

#include <stdio.h>
#include <string.h>

static void the_whole_document(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    assert_golden("profile_export.json", exporter_file("profile_export.json"));
    assert_int_equal(exporter_file_count(), 1);
}

static void nothing_that_is_not_finite(void **state)
{
    (void)state;
    static const char *const words[] = {"nan", "inf", "null"};
    struct sample_run run;
    sample_run_init(&run);
    run.summary.verdict = TOKPERF_SPAN("valid"); /* "invalid" has no place in this search */
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    const char *text = exporter_file("profile_export.json");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char value[16];
        snprintf(value, sizeof value, ": %s", words[i]);
        assert_null(strstr(text, value));
        snprintf(value, sizeof value, ": -%s", words[i]);
        assert_null(strstr(text, value));
    }
    assert_non_null(strstr(text, "\"partly\": {\n    \"unit\": \"ms\",\n    \"min\": 1.5\n  }"));
    assert_null(strstr(text, "\"nothing\""));
    assert_null(strstr(text, "\"no_stats\""));
}

static void the_prefix_names_the_file(void **state)
{
    (void)state;
    struct sample_run run;
    char longest[600];
    sample_run_init(&run);
    run.summary.file_prefix = TOKPERF_SPAN("profile_export_aiperf");
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    assert_non_null(strstr(exporter_file("profile_export_aiperf.json"), "schema_version"));
    memset(longest, 'x', sizeof longest);
    run.summary.file_prefix = (struct tokperf_span){longest, sizeof longest};
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_E_LIMIT);
    run.summary.file_prefix = TOKPERF_SPAN("../outside");
    assert_int_not_equal(exporter_run(&run, NULL), TOKPERF_OK);
    assert_int_equal(exporter_file_count(), 1);
}

static void phases_with_names_are_listed(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    sample_run_name_phases(&run);
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    const char *text = exporter_file("profile_export.json");
    assert_non_null(strstr(text, "\"phases\": [\n    {\n      \"name\": \"warmup\",\n"
                                 "      \"kind\": \"warmup\",\n      \"excluded\": false,"));
    assert_non_null(strstr(text, "\"name\": \"probe\",\n      \"kind\": \"profiling\",\n"
                                 "      \"excluded\": true,\n      \"seamless\": false,"));
    assert_null(strstr(text, "\"name\": \"total\""));
    assert_non_null(strstr(text, "\"code\": \"interrupted\",\n        \"phase\": \"high\""));
    assert_non_null(strstr(text, "\"warmup_metrics\""));
    run.more[0].is_warmup = 1; /* a key twice would be no JSON */
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    assert_null(strstr(exporter_file("profile_export.json"), "\"warmup_metrics\""));
    run.summary.phase_count = 1; /* the file of a warm-up itself */
    run.summary.main_phase = 0;
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    assert_null(strstr(exporter_file("profile_export.json"), "\"warmup_metrics\""));
}

static void collectors_and_gates(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    assert_null(strstr(exporter_file("profile_export.json"), "\"collectors\""));
    assert_null(strstr(exporter_file("profile_export.json"), "\"gates\""));
    sample_run_add_collectors(&run);
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    const char *text = exporter_file("profile_export.json");
    assert_non_null(strstr(text, "  \"collectors\": [\n    {\n"
                                 "      \"service\": \"nvml\",\n"
                                 "      \"command\": \"nvml --all\",\n"
                                 "      \"state\": \"ready\",\n"
                                 "      \"baseline\": true,\n"
                                 "      \"results\": [\n        {\n"
                                 "          \"domain\": \"telemetry\",\n"
                                 "          \"state\": \"reported\"\n        }\n      ]\n    },"));
    assert_non_null(strstr(text, "\"error\": \"dead: killed\""));
    assert_non_null(strstr(text, "  \"gates\": [\n    {\n      \"phase\": \"profiling\",\n"
                                 "      \"kind\": \"start\",\n      \"asked\": 1,\n"
                                 "      \"acknowledged\": 0,\n"
                                 "      \"start_time\": \"2023-11-14T22:13:20.123456Z\",\n"
                                 "      \"duration_ms\": 1.5,\n      \"failures\": ["));
    assert_non_null(strstr(text, "      \"kind\": \"end\",\n      \"off\": \"seamless\"\n    }"));
}

/* A seed has 64 bits; a run without an end has no end_time. */
static void extremes(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    run.summary.random_seed = UINT64_MAX;
    run.summary.end_realtime_ns = 0;
    run.summary.isl_source = run.summary.osl_source = TOKPERF_SPAN("");
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    const char *text = exporter_file("profile_export.json");
    assert_non_null(strstr(text, "\"random_seed\": 18446744073709551615,"));
    assert_null(strstr(text, "end_time"));
    assert_non_null(strstr(text, "\"token_sources\": {},"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXPORTER_TEST(the_whole_document),
        EXPORTER_TEST(nothing_that_is_not_finite),
        EXPORTER_TEST(the_prefix_names_the_file),
        EXPORTER_TEST(extremes),
        EXPORTER_TEST(phases_with_names_are_listed),
        EXPORTER_TEST(collectors_and_gates),
        EXPORTER_TEST(test_full_disk),
        EXPORTER_TEST(test_empty_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The table on the terminal: against a picture, and in its width whatever the values are. */
#include "../test/exporter_fixture.h"
#include "../test/sample_collectors.h"

#include <stdio.h>
#include <string.h>

static const uint32_t all_stats = (1u << (TOKPERF_STAT_SUM + 1)) - 1;

/* No line is wider than the limit; the one with the path may be: a path is copied as it is. */
static void assert_fits(const char *text, size_t limit)
{
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");
        if (len > limit && strncmp(line, "Results: ", 9) != 0)
            fail_msg("%zu columns instead of %zu:\n%.*s", len, limit, (int)len, line);
        line += len + (line[len] == '\n');
    }
}

static void the_whole_picture(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    assert_golden("console.txt", exporter_terminal());
    assert_int_equal(exporter_file_count(), 0);
}

static void what_is_not_finite_is_a_dash(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    const char *text = exporter_terminal();
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, " inf"));
    assert_null(strstr(text, "Nothing Finite"));
    const char *row = strstr(text, "Partly Finite (ms)");
    assert_non_null(row);
    assert_non_null(strstr(row, "-   1.50"));
}

static void several_phases_have_a_line_each(void **state)
{
    (void)state;
    static const uint32_t widths[] = {100, 80, 60};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        struct sample_run run;
        sample_run_init(&run);
        sample_run_name_phases(&run);
        run.more[0].name = TOKPERF_SPAN("a-phase-with-a-name-that-is-longer-than-its-column");
        exporter_set_columns(widths[i]);
        assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
        const char *text = exporter_terminal();
        assert_fits(text, widths[i]);
        assert_int_equal(strncmp(text, "\n Phases, with p50 ", 19), 0);
        assert_non_null(strstr(text, "\n Phase "));
        assert_non_null(strstr(text, "\n low "));
        assert_non_null(strstr(text, "\n total "));
        assert_int_equal(strstr(text, "excluded") != NULL, widths[i] >= 80);
        assert_non_null(strstr(text, "suspect: high: "));
        assert_non_null(strstr(text, " | total of the phases"));
    }
}

/* Every size of number in every column, with long names. */
static void it_fits_whatever_the_values(void **state)
{
    (void)state;
    static const double values[] = {0,     -1,       99999.99,     99999.999, 123456.7, 9999999.4,
                                    -1e6,  12345678, 123456789012, 9e14,      1e15,     -1.5e18,
                                    1e300, 1e-300,   -99999.994,   0.004};
    static const uint32_t columns[] = {100, 140, 80, 60, 0};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
            struct sample_run run;
            sample_run_init(&run);
            exporter_set_columns(columns[c]);
            sample_run_add(&run, "big", "A Header That Goes On And On Until It Has To Be Wrapped",
                           "tokens/sec/user", all_stats, values[i]);
            sample_run_add(&run, "word", "AHeaderWithoutAnySpaceInItThatGoesOnAndOn", "ms",
                           all_stats, values[i]);
            assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
            assert_fits(exporter_terminal(), columns[c] && columns[c] < 100 ? columns[c] : 100);
        }
}

static void numbers_stay_right_when_they_are_short(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *wide, *narrow; /* with one statistic, with all in 100 columns */
    } rows[] = {
        {0.005, "0.01", "0.01"},
        {1234.5, "1,234.50", "1,234.50"},
        {-1234.5, "-1,234.50", "-1,234.50"},
        {999999.99, "999,999.99", "1,000,000"},
        {123456789, "123,456,789", "1.235e+08"},
        {123456789012, "123,456,789,012", "1.235e+11"},
        {1e15, "1.000e+15", "1.000e+15"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sample_run run;
        sample_run_init(&run);
        run.profiling.metric_count = 0;
        exporter_set_columns(100);
        sample_run_add(&run, "t", "T", "ms", 1u << TOKPERF_STAT_AVG, rows[i].value);
        assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
        assert_non_null(strstr(exporter_terminal(), rows[i].wide));
        exporter_set_columns(100);
        sample_run_add(&run, "u", "Much", "ms", all_stats, 123456789012);
        run.metrics[0].stats = all_stats;
        assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
        assert_non_null(strstr(exporter_terminal(), rows[i].narrow));
    }
}

static void sentences_wrap_between_words(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    assert_non_null(strstr(
        exporter_terminal(),
        "Verdict: invalid\n"
        "  invalid: 43 % of the requests failed, which is more than the limit of 10 %; what the "
        "others show\n"
        "           is not what a user of this server would see. [errors]\n"
        "  suspect: The run was interrupted. [interrupted]\n"
        "  note: 2 of 7 prompts were distinct. [prompt_reuse]\n"));
}

static void errors_are_one_line_each(void **state)
{
    (void)state;
    static const char message[] = "one\ntwo\tthree\x1b[31m and a text that goes on and on and is "
                                  "much longer than the room it has \xc3\xa4\xc3\xa4\xc3\xa4";
    struct tokperf_error_count error = {sizeof error, 503, 12345678901, {"x", 1}, {"y", 1}};
    const struct tokperf_error_count *list[12];
    struct sample_run run;
    sample_run_init(&run);
    for (int i = 0; i < 12; i++)
        list[i] = &error;
    error.type = TOKPERF_SPAN("a_type_that_is_longer_than_its_column");
    run.profiling.errors = list;
    run.profiling.error_count = 12;
    for (size_t len = 0; len < sizeof message; len++) {
        error.message = (struct tokperf_span){message, len};
        exporter_set_columns(100);
        assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
        assert_fits(exporter_terminal(), 100);
        assert_null(strchr(exporter_terminal(), '\x1b'));
        assert_null(strstr(exporter_terminal(), "\xc3\n"));
        assert_non_null(strstr(exporter_terminal(), " and 2 more kinds: "));
    }
}

/* Nothing is said of those that do what they should. */
static void collectors_are_one_line_when_something_is_wrong(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    sample_run_add_collectors(&run);
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    assert_non_null(strstr(exporter_terminal(),
                           "\nCollectors: scraper is dead (killed  [31m); 1 of 1 reference samples "
                           "are missing; 1 of 2 gates were\n"));
    assert_non_null(strstr(exporter_terminal(), " off (seamless)\n"));
    assert_fits(exporter_terminal(), 100);
    run.summary.collector_count = 1;
    run.profiling.gate_count = 0;
    exporter_set_columns(100);
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    assert_null(strstr(exporter_terminal(), "Collectors: "));
}

static void an_unknown_source_is_no_estimate(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    run.summary.osl_source = TOKPERF_SPAN("");
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
    assert_non_null(strstr(exporter_terminal(),
                           "Token counts: input from server, output from nothing: not counted\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EXPORTER_TEST(the_whole_picture),
        EXPORTER_TEST(what_is_not_finite_is_a_dash),
        EXPORTER_TEST(it_fits_whatever_the_values),
        EXPORTER_TEST(numbers_stay_right_when_they_are_short),
        EXPORTER_TEST(sentences_wrap_between_words),
        EXPORTER_TEST(errors_are_one_line_each),
        EXPORTER_TEST(an_unknown_source_is_no_estimate),
        EXPORTER_TEST(collectors_are_one_line_when_something_is_wrong),
        EXPORTER_TEST(several_phases_have_a_line_each),
        EXPORTER_TEST(test_empty_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

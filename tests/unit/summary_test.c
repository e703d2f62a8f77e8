/* SPDX-License-Identifier: Apache-2.0 */
/* The summary of a run: a log read back gives what the live run saw; what is missing is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <record_files.h>
#include <report/summary.h>
#include <row_samples.h>
#include <string.h>

#include <row_log.h>

enum { ROWS = 50 };

static struct record_files files;
static struct tkp_phase_plan phases[2];
static struct tkp_plan plan;
static struct tkp_run_facts facts;

static int enter(void **state)
{
    (void)state;
    record_files_init(&files);
    phases[0] = (struct tkp_phase_plan){.name = "warmup",
                                        .is_warmup = true,
                                        .arrival = TKP_ARRIVAL_CLOSED,
                                        .request_count = 1,
                                        .concurrency = 2};
    phases[1] = phases[0];
    phases[1].name = "profiling";
    phases[1].is_warmup = false;
    phases[1].request_count = ROWS;
    plan = (struct tkp_plan){.phases = phases,
                             .phase_count = 2,
                             .seed = 7,
                             .export_prefix = "profile_export",
                             .export_level = TKP_EXPORT_RECORDS,
                             .input_config_json = "{}",
                             .limits = {.client_lag_suspect_ms = 1,
                                        .client_lag_suspect_pct = 1,
                                        .client_lag_invalid_ms = 10,
                                        .client_lag_invalid_pct = 10,
                                        .error_suspect_pct = 1,
                                        .error_invalid_pct = 10}};
    facts = (struct tkp_run_facts){.benchmark_id = "id",
                                   .version = "0.1.0",
                                   .model = "m",
                                   .endpoint_type = "chat",
                                   .title = "LLM Metrics",
                                   .cli_command = "",
                                   .config_yaml = "",
                                   .receive_clock = "process",
                                   .transport = "native",
                                   .endpoint_flags = TOKPERF_ENDPOINT_PRODUCES_TOKENS |
                                                     TOKPERF_ENDPOINT_TOKENIZES_INPUT,
                                   .seed = 7};
    return 0;
}

static int leave(void **state)
{
    (void)state;
    record_files_finish(&files);
    return 0;
}

static void write_log(bool with_end, const char *stop_note)
{
    struct row_log log;
    row_log_open(&log, files.path);
    for (uint64_t n = 0; n < ROWS; n++) {
        struct tkp_row row = sample_row_of_run(n);
        row_log_add(&log, &row, NULL);
    }
    row_log_note(&log, TKP_LOG_PHASE, "{\"phase\":1,\"unsent_turns\":3}");
    if (stop_note)
        row_log_note(&log, TKP_LOG_STOP, stop_note);
    row_log_close(&log, with_end);
}

static struct tkp_summarizer *create(void)
{
    struct tkp_summarizer *made = NULL;
    struct tokperf_error error;
    const struct tkp_summary_inputs inputs = {&plan, &facts, "dir"};
    assert_int_equal(tkp_summarizer_create(&inputs, &made, &error), TOKPERF_OK);
    return made;
}

/* Reads the whole log, as `tokperf report` does. */
static tokperf_status read_all(struct tkp_summarizer *summarizer, struct tokperf_error *error)
{
    struct tkp_log_reader *reader = NULL;
    tokperf_status status = tkp_log_open(files.path, &reader, error);
    if (status == TOKPERF_OK)
        status = tkp_summarizer_read(summarizer, reader, error);
    if (status == TOKPERF_OK) {
        tkp_log_rewind(reader);
        status = tkp_summarizer_select(summarizer, reader, error);
    }
    tkp_log_reader_close(reader);
    return status;
}

/* Feeds the rows as the recorder does, then selects from the log. */
static void feed(struct tkp_summarizer *summarizer, const struct tkp_stop_note *stop, bool with_log)
{
    const struct tkp_phase_note note = {.phase = 1, .unsent_turns = 3};
    struct tkp_log_reader *reader = NULL;
    struct tokperf_error error;
    for (uint64_t n = 0; n < ROWS; n++) {
        struct tkp_row row = sample_row_of_run(n);
        tkp_summarizer_row(summarizer, &row, NULL);
    }
    tkp_summarizer_phase_note(summarizer, &note);
    tkp_summarizer_stop_note(summarizer, stop);
    if (!with_log) {
        tkp_summarizer_without_log(summarizer);
        return;
    }
    assert_int_equal(tkp_log_open(files.path, &reader, &error), TOKPERF_OK);
    assert_int_equal(tkp_summarizer_select(summarizer, reader, &error), TOKPERF_OK);
    tkp_log_reader_close(reader);
}

static const struct tokperf_summary *result_of(struct tkp_summarizer *summarizer)
{
    const struct tokperf_summary *summary = NULL;
    struct tokperf_error error;
    assert_int_equal(tkp_summarizer_result(summarizer, &summary, &error), TOKPERF_OK);
    return summary;
}

static void assert_metrics_equal(const struct tokperf_phase *a, const struct tokperf_phase *b)
{
    assert_int_equal(a->metric_count, b->metric_count);
    for (uint32_t i = 0; i < a->metric_count; i++) {
        const struct tokperf_metric *left = a->metrics[i], *right = b->metrics[i];
        assert_string_equal(left->tag, right->tag);
        assert_int_equal(left->stats, right->stats);
        for (uint32_t stat = 0; stat < TOKPERF_STAT_SLOTS; stat++)
            if (left->stats & (1u << stat))
                assert_true(left->value[stat] == right->value[stat]);
    }
}

/* Of a reason or note; -1: there is none. */
static int severity_of(const struct tokperf_summary *summary, const char *code)
{
    for (uint32_t i = 0; i < summary->reason_count; i++)
        if (summary->reasons[i]->code.len == strlen(code) &&
            memcmp(summary->reasons[i]->code.data, code, strlen(code)) == 0)
            return (int)summary->reasons[i]->severity;
    return -1;
}

static bool has_reason(const struct tokperf_summary *summary, const char *code)
{
    return severity_of(summary, code) >= 0;
}

static void a_log_read_back_gives_the_same(void **state)
{
    (void)state;
    const struct tkp_stop_note stop = {.end_realtime_ns = 1790000000000000000};
    struct tkp_summarizer *live = create(), *again = create();
    struct tokperf_error error;
    uint64_t ok, errors;
    write_log(true, "{\"end_realtime_ns\":1790000000000000000,\"interrupted\":0}");
    feed(live, &stop, true);
    assert_int_equal(read_all(again, &error), TOKPERF_OK);
    const struct tokperf_summary *a = result_of(live), *b = result_of(again);
    assert_int_equal(a->phase_count, 2);
    for (uint32_t i = 0; i < 2; i++)
        assert_metrics_equal(a->phases[i], b->phases[i]);
    assert_int_equal(a->main_phase, 1);
    assert_true(a->phases[0]->is_warmup && !a->phases[1]->is_warmup);
    assert_true(a->end_realtime_ns == stop.end_realtime_ns);
    assert_true(b->end_realtime_ns == stop.end_realtime_ns);
    assert_int_equal(a->reason_count, b->reason_count);
    assert_false(has_reason(a, "log_torn") || has_reason(a, "log_not_written"));
    assert_true(has_reason(b, "unsent_turns"));
    tkp_summarizer_counts(again, &ok, &errors);
    assert_int_equal(ok, 44); /* rows 1 to 49 without 9, 19, 29, 39 and 49 */
    assert_int_equal(errors, 5);
    tkp_summarizer_destroy(live);
    tkp_summarizer_destroy(again);
}

static void a_log_without_an_end_is_said(void **state)
{
    (void)state;
    struct tkp_summarizer *summarizer = create();
    struct tokperf_error error;
    write_log(false, NULL);
    assert_int_equal(read_all(summarizer, &error), TOKPERF_OK);
    const struct tokperf_summary *summary = result_of(summarizer);
    assert_true(has_reason(summary, "log_torn"));
    assert_true(summary->end_realtime_ns == 0);
    tkp_summarizer_destroy(summarizer);
}

static void an_interrupted_run_is_said(void **state)
{
    (void)state;
    struct tkp_summarizer *summarizer = create();
    struct tokperf_error error;
    write_log(true, "{\"end_realtime_ns\":5,\"interrupted\":1}");
    assert_int_equal(read_all(summarizer, &error), TOKPERF_OK);
    const struct tokperf_summary *summary = result_of(summarizer);
    assert_true(summary->was_cancelled);
    assert_true(has_reason(summary, "interrupted"));
    tkp_summarizer_destroy(summarizer);
}

/* By a signal behind the last answer, which the log has behind its END. */
static void a_late_interruption_is_said(void **state)
{
    (void)state;
    static const char note[] = "{\"end_realtime_ns\":5,\"interrupted_late\":1}";
    struct tkp_summarizer *summarizer = create();
    struct tkp_log_writer *log;
    struct tokperf_error error;
    write_log(true, "{\"end_realtime_ns\":5}");
    assert_int_equal(tkp_log_reopen(files.path, &log, &error), TOKPERF_OK);
    tkp_log_append(log, TKP_LOG_STOP, note, sizeof note - 1);
    tkp_log_close(log);
    assert_int_equal(read_all(summarizer, &error), TOKPERF_OK);
    const struct tokperf_summary *summary = result_of(summarizer);
    assert_true(summary->was_cancelled);
    assert_false(has_reason(summary, "log_torn"));
    assert_int_equal(severity_of(summary, "interrupted"), 0); /* a note: no number is missing */
    tkp_summarizer_destroy(summarizer);
}

static void a_late_interruption_that_leaves_answers_uncounted(void **state)
{
    (void)state;
    const struct tkp_stop_note stop = {.end_realtime_ns = 5, .interrupted_late = 1};
    plan.tokenizer = "builtin";
    struct tkp_summarizer *summarizer = create();
    for (uint64_t n = 0; n < ROWS; n++) {
        struct tkp_row row = sample_row_of_run(n);
        row.counted_output = n + 1 < ROWS ? 3 : TKP_ROW_COUNT_PENDING;
        row.outcome = TKP_OUTCOME_OK;
        tkp_summarizer_row(summarizer, &row, NULL);
    }
    tkp_summarizer_stop_note(summarizer, &stop);
    tkp_summarizer_without_log(summarizer);
    assert_int_equal(tkp_summarizer_uncounted(summarizer), 1);
    assert_int_equal(severity_of(result_of(summarizer), "interrupted"), 1); /* suspect */
    tkp_summarizer_destroy(summarizer);
}

static void without_a_log_counts_are_exact(void **state)
{
    (void)state;
    const struct tkp_stop_note stop = {.end_realtime_ns = 5};
    struct tkp_summarizer *summarizer = create();
    feed(summarizer, &stop, false);
    const struct tokperf_summary *summary = result_of(summarizer);
    assert_int_equal(summary->verdict.len, strlen("invalid"));
    assert_true(has_reason(summary, "log_not_written"));
    const struct tokperf_phase *phase = summary->phases[1];
    bool found = false;
    for (uint32_t i = 0; i < phase->metric_count; i++)
        if (strcmp(phase->metrics[i]->tag, "request_latency") == 0) {
            found = true;
            assert_true(phase->metrics[i]->value[TOKPERF_STAT_COUNT] == 44);
            assert_true(phase->metrics[i]->flags & TOKPERF_METRIC_FROM_HISTOGRAM);
        }
    assert_true(found);
    tkp_summarizer_destroy(summarizer);
    struct row_log log; /* leave() removes it */
    row_log_open(&log, files.path);
    row_log_close(&log, true);
}

/* A row of a phase that the plan does not have cannot come from this run. */
static void rows_of_unknown_phases_are_passed_over(void **state)
{
    (void)state;
    struct tkp_summarizer *summarizer = create();
    struct tokperf_error error;
    struct tkp_row row = sample_row_of_run(1);
    struct row_log log;
    uint64_t ok, errors;
    row_log_open(&log, files.path);
    row_log_add(&log, &row, NULL);
    row.phase = 2;
    row_log_add(&log, &row, NULL);
    row_log_note(&log, TKP_LOG_PHASE, "{\"phase\":17}");
    row_log_close(&log, true);
    assert_int_equal(read_all(summarizer, &error), TOKPERF_OK);
    tkp_summarizer_counts(summarizer, &ok, &errors);
    assert_int_equal(ok, 1);
    (void)result_of(summarizer);
    tkp_summarizer_destroy(summarizer);
}

static void a_damaged_note_is_refused(void **state)
{
    (void)state;
    struct tkp_summarizer *summarizer = create();
    struct tokperf_error error;
    write_log(true, "{\"end_realtime_ns\":");
    assert_int_equal(read_all(summarizer, &error), TOKPERF_E_PARSE);
    assert_non_null(strstr(error.message, "damaged"));
    tkp_summarizer_destroy(summarizer);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_log_read_back_gives_the_same),
        TEST(a_log_without_an_end_is_said),
        TEST(an_interrupted_run_is_said),
        TEST(a_late_interruption_is_said),
        TEST(a_late_interruption_that_leaves_answers_uncounted),
        TEST(without_a_log_counts_are_exact),
        TEST(rows_of_unknown_phases_are_passed_over),
        TEST(a_damaged_note_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

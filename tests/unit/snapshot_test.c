/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots: what is written reads back as itself, a live one changes nothing, damage is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/secrets.h>
#include <base/text.h>
#include <report/snapshot.h>
#include <report/summary.h>
#include <row_samples.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 60, ARENA_BYTES = 64 * 1024 * 1024, DOCUMENT_BYTES = 1024 * 1024 };

static struct tkp_phase_plan phases[2] = {
    {.name = "warmup", .is_warmup = true, .arrival = TKP_ARRIVAL_CLOSED, .concurrency = 2},
    {.name = "profiling", .arrival = TKP_ARRIVAL_CLOSED, .concurrency = 2},
};
static struct tkp_plan plan = {
    .phases = phases,
    .phase_count = 2,
    .export_prefix = "profile_export",
    .input_config_json = "{}",
    .limits = {.error_suspect_pct = 1, .error_invalid_pct = 10},
};
static const struct tkp_run_facts facts = {
    .benchmark_id = "id",
    .version = "0.1.0",
    .model = "m",
    .endpoint_type = "chat",
    .title = "LLM Metrics",
    .cli_command = "tokperf profile \"x\"",
    .config_yaml = "benchmark:\n",
    .receive_clock = "process",
    .transport = "native",
    .tokenizer = "",
    .governors = "",
    .endpoint_flags = TOKPERF_ENDPOINT_PRODUCES_TOKENS | TOKPERF_ENDPOINT_TOKENIZES_INPUT,
    .seed = UINT64_MAX,
    .start_realtime_ns = 1700000000000000000,
    .monotonic_to_realtime_ns = 1600000000000000000,
};

static struct tkp_summarizer *summarizer;
static struct tkp_arena arena;
static struct tkp_buffer document;

static int enter(void **state)
{
    (void)state;
    struct tokperf_error error;
    const struct tkp_summary_inputs inputs = {&plan, &facts, "dir"};
    const struct tkp_control_note control = {
        .action = "start_profile", .url = "http://h/start", .message = "no", .attempts = 2};
    assert_int_equal(tkp_summarizer_create(&inputs, &summarizer, &error), TOKPERF_OK);
    tkp_summarizer_control_note(summarizer, &control);
    tkp_arena_init(&arena, ARENA_BYTES);
    tkp_buffer_init(&document, DOCUMENT_BYTES);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    tkp_summarizer_destroy(summarizer);
    tkp_arena_finish(&arena);
    tkp_buffer_finish(&document);
    return 0;
}

static void feed(uint64_t begin, uint64_t end)
{
    for (uint64_t n = begin; n < end; n++) {
        struct tkp_row row = sample_row_of_run(n);
        tkp_summarizer_row(summarizer, &row, NULL);
    }
}

/* Without a log, as of a run whose log could not be written. */
static const struct tokperf_summary *finish(void)
{
    const struct tokperf_summary *summary = NULL;
    const struct tkp_stop_note stop = {.end_realtime_ns = 1700000001000000000};
    struct tokperf_error error;
    tkp_summarizer_stop_note(summarizer, &stop);
    tkp_summarizer_without_log(summarizer);
    assert_int_equal(tkp_summarizer_result(summarizer, &summary, &error), TOKPERF_OK);
    return summary;
}

static const char *write_failed(const struct tokperf_summary *summary, const char *failure)
{
    const struct tkp_snapshot_header header = {
        .sequence = 7, .time_ns = 5, .state = TKP_SESSION_COMPLETE, .pending_tokenizations = 3};
    tkp_buffer_clear(&document);
    tkp_snapshot_write(&header, summary, &facts, failure, &document);
    assert_false(document.failed);
    return tkp_buffer_text(&document);
}

static const char *write_final(const struct tokperf_summary *summary)
{
    return write_failed(summary, NULL);
}

static tokperf_status parse(const char *text, struct tkp_snapshot *snapshot,
                            struct tokperf_error *error)
{
    return tkp_snapshot_parse(tkp_span(text), &arena, snapshot, error);
}

static void assert_no_words(const char *text)
{
    static const char *const words[] = {":null", ":nan", ":inf", ":-inf", ":-nan"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_null(strstr(text, words[i]));
}

static void assert_metric_equal(const struct tokperf_metric *a, const struct tokperf_metric *b)
{
    assert_string_equal(a->tag, b->tag);
    assert_string_equal(a->unit, b->unit);
    assert_string_equal(a->header, b->header);
    assert_true(a->kind == b->kind && a->flags == b->flags && a->group == b->group);
    assert_true(a->order == b->order && a->stats == b->stats);
    assert_memory_equal(a->value, b->value, sizeof a->value);
    assert_true(a->unbounded_from == b->unbounded_from);
    assert_int_equal(a->buckets != NULL, b->buckets != NULL);
    if (!a->buckets)
        return;
    assert_int_equal(a->buckets->count, b->buckets->count);
    assert_memory_equal(a->buckets->bounds, b->buckets->bounds,
                        (a->buckets->count + UINT64_C(1)) * 8);
    assert_memory_equal(a->buckets->counts, b->buckets->counts, a->buckets->count * UINT64_C(8));
}

static void a_final_snapshot_reads_back(void **state)
{
    (void)state;
    struct tkp_snapshot again;
    struct tokperf_error error;
    struct tkp_buffer first;
    feed(0, ROWS);
    const struct tokperf_summary *summary = finish();
    assert_no_words(write_final(summary));
    assert_int_equal(parse(tkp_buffer_text(&document), &again, &error), TOKPERF_OK);
    assert_int_equal(again.header.state, TKP_SESSION_COMPLETE);
    assert_true(again.header.sequence == 7 && again.header.pending_tokenizations == 3);
    assert_true(again.facts.seed == UINT64_MAX);
    assert_string_equal(again.facts.cli_command, facts.cli_command);
    assert_true(tkp_span_is(again.summary.report_source, "histograms"));
    assert_int_equal(again.summary.phase_count, 2);
    assert_int_equal(again.summary.main_phase, 1);
    assert_int_equal(again.summary.control_count, 1);
    assert_int_equal(again.summary.reason_count, summary->reason_count);
    for (uint32_t i = 0; i < 2; i++) {
        const struct tokperf_phase *a = summary->phases[i], *b = again.summary.phases[i];
        assert_true(tkp_span_equal(a->name, b->name) && a->is_warmup == b->is_warmup);
        assert_true(a->start_ns == b->start_ns && a->end_ns == b->end_ns);
        assert_int_equal(a->metric_count, b->metric_count);
        assert_int_equal(a->support_count, b->support_count);
        for (uint32_t k = 0; k < a->metric_count; k++)
            assert_metric_equal(a->metrics[k], b->metrics[k]);
    }
    tkp_buffer_init(&first, DOCUMENT_BYTES);
    tkp_buffer_append(&first, document.data, document.len);
    tkp_buffer_clear(&document);
    tkp_snapshot_write(&again.header, &again.summary, &again.facts, NULL, &document);
    assert_string_equal(tkp_buffer_text(&document), tkp_buffer_text(&first));
    tkp_buffer_finish(&first);
}

/* Looks while the rows come do not change what comes out at the end. */
static void peeks_change_nothing(void **state)
{
    (void)state;
    struct tkp_buffer plain;
    feed(0, ROWS);
    tkp_buffer_init(&plain, DOCUMENT_BYTES);
    tkp_buffer_puts(&plain, write_final(finish()));
    tkp_summarizer_destroy(summarizer);
    tkp_arena_finish(&arena);
    tkp_buffer_finish(&document);
    (void)enter(NULL);
    for (uint64_t n = 0; n < ROWS; n += 10) {
        const struct tkp_phase_note so_far = {.phase = 1, .record_waits = 5};
        struct tokperf_summary summary;
        struct tokperf_error error;
        feed(n, n + 10);
        assert_int_equal(
            tkp_summarizer_peek(summarizer, n % 20 ? &so_far : NULL, &arena, &summary, &error),
            TOKPERF_OK);
        assert_int_equal(summary.phases[1]->support_count, 0);
        for (uint32_t i = 0; i < summary.phases[1]->metric_count; i++) {
            const struct tokperf_metric *metric = summary.phases[1]->metrics[i];
            if (metric->kind == TOKPERF_METRIC_RECORD)
                assert_true(metric->flags & TOKPERF_METRIC_FROM_HISTOGRAM);
            assert_int_not_equal(metric->kind, TOKPERF_METRIC_SWEEP);
            if (strcmp(metric->tag, "completed_request_count") == 0)
                assert_true(metric->value[TOKPERF_STAT_AVG] == (double)(n + 9));
        }
    }
    assert_string_equal(write_final(finish()), tkp_buffer_text(&plain));
    tkp_buffer_finish(&plain);
}

static void a_live_one_before_any_row(void **state)
{
    (void)state;
    const struct tkp_snapshot_header header = {.state = TKP_SESSION_INITIALIZE};
    struct tokperf_summary summary;
    struct tkp_snapshot again;
    struct tokperf_error error;
    assert_int_equal(tkp_summarizer_peek(summarizer, NULL, &arena, &summary, &error), TOKPERF_OK);
    tkp_snapshot_write(&header, &summary, NULL, NULL, &document);
    assert_no_words(tkp_buffer_text(&document));
    assert_non_null(strstr(tkp_buffer_text(&document), "\"state\":\"initialize\""));
    assert_null(strstr(tkp_buffer_text(&document), "no_requests"));
    assert_int_equal(parse(tkp_buffer_text(&document), &again, &error), TOKPERF_E_PARSE);
    assert_non_null(strstr(error.message, "has ended"));
}

/* What a report cannot be made from, and types that are not those of the schema. */
static void damage_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "byte 0"},
        {"[]", "an object was expected"},
        {"{\"state\":\"complete\"}", "facts"},
        {"{\"state\":7}", "a text was expected"},
        {"{\"state\":\"odd\"}", "the state of a session"},
        {"{\"sequence\":-1}", "out of range"},
        {"{\"sequence\":1.5}", "a whole number"},
        {"{\"run\":[]}", "the facts of a run"},
        {"{\"phases\":[7]}", "an object was expected"},
        {"{\"phases\":[{\"counters\":{\"request_count\":\"2\"}}]}", "a whole number"},
        {"{\"phases\":[{\"series\":{\"request_latency\":{\"p50\":1e999}}}]}", "out of range"},
        {"{\"phases\":[{\"series\":{\"request_latency\":{\"histogram\":{\"bounds\":[1],"
         "\"counts\":[1]}}}}]}",
         "one bound more"},
        {"{\"state\":\"complete\",\"run\":{},\"phases\":[{}],\"main_phase\":1}", "main phase"},
        {"{\"state\":\"complete\",\"run\":{}} {}", "byte"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tkp_snapshot snapshot;
        struct tokperf_error error = {.message = ""};
        assert_int_equal(parse(cases[i].text, &snapshot, &error), TOKPERF_E_PARSE);
        if (!strstr(error.message, cases[i].says))
            fail_msg("%s: '%s' does not say '%s'", cases[i].text, error.message, cases[i].says);
    }
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    feed(0, ROWS);
    size_t len = strlen(write_final(finish()));
    for (size_t cut = 0; cut < len; cut += 1 + cut / 50) {
        struct tkp_snapshot snapshot;
        struct tokperf_error error;
        struct tkp_arena own;
        tkp_arena_init(&own, ARENA_BYTES);
        struct tokperf_span part = {document.data, cut};
        assert_int_equal(tkp_snapshot_parse(part, &own, &snapshot, &error), TOKPERF_E_PARSE);
        tkp_arena_finish(&own);
    }
}

static void what_is_unknown_is_skipped(void **state)
{
    (void)state;
    struct tkp_snapshot snapshot;
    struct tokperf_error error;
    static const char text[] =
        "{\"new\":{\"a\":[1,{}]},\"state\":\"interrupted\",\"run\":{\"seed\":-1,\"new\":1},"
        "\"phases\":[{\"name\":\"p\",\"new\":[],\"counters\":{\"request_count\":2,\"new_count\":3},"
        "\"values\":{\"new\":{\"unit\":\"x\",\"value\":1}},"
        "\"series\":{\"new\":[],\"request_latency\":{\"p42\":1,\"p50\":2.5}}}],\"main_phase\":0}";
    assert_int_equal(parse(text, &snapshot, &error), TOKPERF_OK);
    const struct tokperf_phase *phase = snapshot.summary.phases[0];
    assert_int_equal(phase->metric_count, 2);
    assert_string_equal(phase->metrics[0]->tag, "request_latency");
    assert_true(phase->metrics[0]->value[TOKPERF_STAT_P50] == 2.5);
    assert_int_equal(phase->metrics[0]->stats, 1u << TOKPERF_STAT_P50);
}

static void memory_is_bounded(void **state)
{
    (void)state;
    struct tkp_snapshot snapshot;
    struct tokperf_error error;
    tkp_buffer_puts(&document, "{");
    for (int i = 0; i < 30000; i++)
        tkp_buffer_puts(&document, "\"server_control\":[],");
    tkp_buffer_puts(&document, "\"x\":1}");
    assert_int_equal(parse(tkp_buffer_text(&document), &snapshot, &error), TOKPERF_E_PARSE);
    assert_non_null(strstr(error.message, "too large"));
}

static void a_failure_holds_no_secret(void **state)
{
    (void)state;
    const struct tokperf_span secret = tkp_span("sk-0123/4567");
    tkp_secrets_set(&secret, 1);
    const char *text = write_failed(finish(), "cannot open '/srv/sk-0123/4567/records.tkr'");
    tkp_secrets_set(NULL, 0);
    assert_non_null(strstr(text, "\"failure\":\"cannot open '/srv/<redacted>/records.tkr'\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_final_snapshot_reads_back, enter, leave),
        cmocka_unit_test_setup_teardown(peeks_change_nothing, enter, leave),
        cmocka_unit_test_setup_teardown(a_live_one_before_any_row, enter, leave),
        cmocka_unit_test_setup_teardown(damage_is_said, enter, leave),
        cmocka_unit_test_setup_teardown(every_cut_is_refused, enter, leave),
        cmocka_unit_test_setup_teardown(what_is_unknown_is_skipped, enter, leave),
        cmocka_unit_test_setup_teardown(memory_is_bounded, enter, leave),
        cmocka_unit_test_setup_teardown(a_failure_holds_no_secret, enter, leave),
    };
    return cmocka_run_group_tests_name("snapshot", tests, NULL, NULL);
}

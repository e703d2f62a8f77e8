/* SPDX-License-Identifier: Apache-2.0 */
/* Requests as exporters see them: every field of a row, its metrics in display units, and ids that
 * a seed gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/rng.h>
#include <record_files.h>
#include <report/cursor.h>
#include <row_samples.h>
#include <string.h>

#include <row_log.h>

enum { SEED = 99, CHUNKS = 3 };

static struct record_files files;
static struct tkp_log_reader *reader;
static struct tkp_cursor *cursor;
static const struct tkp_metric_context context = {.streaming = true,
                                                  .produces_tokens = true,
                                                  .tokenizes_input = true,
                                                  .isl_source = TKP_TOKENS_SERVER,
                                                  .osl_source = TKP_TOKENS_SERVER};

/* Three chunks at 20, 25 and 25 ms: the last two came in one read. */
static uint32_t next_times(void *state, const uint64_t **times_ns)
{
    static uint64_t times[CHUNKS];
    uint32_t *given = state;
    const struct tkp_row row = sample_row(0);
    times[0] = row.start_ns + 20000000;
    times[1] = times[2] = row.start_ns + 25000000;
    *times_ns = times;
    return (*given)++ ? 0 : CHUNKS;
}

static void rewind_times(void *state)
{
    *(uint32_t *)state = 0;
}

static struct tkp_row streamed_row(void)
{
    struct tkp_row row = sample_row(0);
    row.flags |= TKP_ROW_STREAM_ASKED | TKP_ROW_STREAMED;
    row.chunk_count = CHUNKS;
    row.coalesced_count = 1;
    row.dataset_row = 1;
    row.prompt_hash = 0xfeed;
    row.retries = 1;
    row.first_token_ns = row.first_output_token_ns = row.start_ns + 20000000;
    row.second_token_ns = row.last_token_ns = row.start_ns + 25000000;
    return row;
}

/* A log of four rows: ok, http_error, cancelled, and one of a conversation that no id is known of.
 */
static void write_log(bool with_end)
{
    struct row_log log;
    uint32_t given;
    const struct tkp_chunk_source source = {&given, next_times, rewind_times};
    row_log_open(&log, files.path);
    row_log_note(&log, TKP_LOG_RUN, "{}");
    row_log_note(&log, TKP_LOG_DATASET, "[\"first\"]");
    row_log_note(&log, TKP_LOG_DATASET, "[\"se\\u0063ond \\\"x\\\"\"]");
    struct tkp_row row = streamed_row();
    row_log_add(&log, &row, &source);
    row = sample_row(1);
    row.chunk_count = 0;
    row.outcome = TKP_OUTCOME_HTTP_ERROR;
    row.http_status = 503;
    struct tkp_row_error failure = {.message = "busy"};
    row.error = &failure;
    row_log_add(&log, &row, NULL);
    row.outcome = TKP_OUTCOME_CANCELLED;
    row.http_status = 0;
    row_log_add(&log, &row, NULL);
    row.outcome = TKP_OUTCOME_TIMEOUT;
    row.dataset_row = 77;
    snprintf(failure.type, sizeof failure.type, "idle_timeout");
    row_log_add(&log, &row, NULL);
    row_log_close(&log, with_end);
}

static void open_cursor(void)
{
    struct tokperf_error error;
    assert_int_equal(tkp_log_open(files.path, &reader, &error), TOKPERF_OK);
    assert_int_equal(tkp_cursor_create(reader, &context, SEED, &cursor, &error), TOKPERF_OK);
}

static int enter(void **state)
{
    (void)state;
    record_files_init(&files);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    tkp_cursor_destroy(cursor);
    tkp_log_reader_close(reader);
    cursor = NULL;
    reader = NULL;
    record_files_finish(&files);
    return 0;
}

static const struct tokperf_record *next(void)
{
    const struct tokperf_cursor *api = tkp_cursor_api(cursor);
    const struct tokperf_record *record = NULL;
    struct tokperf_error error;
    assert_int_equal(api->next(api->context, &record, &error), TOKPERF_OK);
    return record;
}

static void assert_end(void)
{
    const struct tokperf_cursor *api = tkp_cursor_api(cursor);
    const struct tokperf_record *record = NULL;
    struct tokperf_error error;
    for (int i = 0; i < 2; i++)
        assert_int_equal(api->next(api->context, &record, &error), TOKPERF_E_NOT_FOUND);
}

static void assert_span(struct tokperf_span span, const char *expected)
{
    assert_int_equal(span.len, strlen(expected));
    assert_memory_equal(span.data, expected, span.len);
}

static const struct tokperf_record_metric *find(const struct tokperf_record *record,
                                                const char *tag)
{
    for (uint32_t i = 0; i < record->metric_count; i++)
        if (strcmp(record->metrics[i].tag, tag) == 0)
            return &record->metrics[i];
    return NULL;
}

static void assert_metric(const struct tokperf_record *record, const char *tag, const char *unit,
                          double value)
{
    const struct tokperf_record_metric *metric = find(record, tag);
    assert_non_null(metric);
    assert_string_equal(metric->unit, unit);
    assert_int_equal(metric->count, 1);
    assert_true(metric->values[0] == value);
}

static void fields_of_an_ok_row(void **state)
{
    (void)state;
    const struct tkp_row row = streamed_row();
    write_log(true);
    open_cursor();
    const struct tokperf_record *record = next();
    assert_span(record->outcome, "ok");
    assert_span(record->finish_reason, "stop");
    assert_span(record->conversation_id, "second \"x\"");
    assert_true(record->session_num == row.ordinal && record->dataset_row == 1);
    assert_true(record->prompt_hash == 0xfeed && record->retries == 1);
    assert_true(record->phase == 1 && record->url_index == 1 && record->turn_index == 2);
    assert_true(record->connection_reused == 1 && record->status_code == 200);
    assert_true(!record->has_error && !record->is_error && !record->was_cancelled);
    assert_true(record->intended_ns == row.intended_ns && record->ready_ns == row.ready_ns);
    assert_true(record->start_ns == row.start_ns && record->end_ns == row.end_ns);
    assert_true(record->first_byte_ns == row.first_byte_ns);
    assert_true(record->send_end_ns == row.send_end_ns);
}

static void metrics_are_in_display_units(void **state)
{
    (void)state;
    write_log(true);
    open_cursor();
    const struct tokperf_record *record = next();
    assert_metric(record, "time_to_first_token", "ms", 20);
    assert_metric(record, "request_latency", "ms", 25);
    assert_metric(record, "output_sequence_length", "tokens", 128);
    assert_true(find(record, "output_sequence_length")->flags & TOKPERF_METRIC_INTEGER);
    const struct tokperf_record_metric *gaps = find(record, "inter_chunk_latency");
    assert_non_null(gaps); /* the gap of the coalesced chunk is left out */
    assert_true(gaps->flags & TOKPERF_METRIC_LIST);
    assert_int_equal(gaps->count, 1);
    assert_true(gaps->values[0] == 5);
}

/* The ids that the worker sent are functions of the seed. */
static void ids_come_from_the_seed(void **state)
{
    (void)state;
    const struct tkp_row row = streamed_row();
    char expected[37];
    write_log(true);
    open_cursor();
    const struct tokperf_record *record = next();
    tkp_rng_uuid(SEED, TKP_RNG_REQUEST_ID, tkp_request_id_index(row.draw, row.turn_index),
                 expected);
    assert_span(record->request_id, expected);
    tkp_rng_uuid(SEED, TKP_RNG_REQUEST_ID, tkp_request_id_index(row.draw, TKP_TURN_OF_CONVERSATION),
                 expected);
    assert_span(record->correlation_id, expected);
}

static void failures_have_code_type_and_message(void **state)
{
    (void)state;
    write_log(true);
    open_cursor();
    next();
    const struct tokperf_record *record = next();
    assert_true(record->has_error && record->is_error && !record->was_cancelled);
    assert_int_equal(record->error_code, 503);
    assert_span(record->error_type, "http_error");
    assert_span(record->error_message, "busy");
    assert_null(find(record, "request_latency"));
    record = next();
    assert_true(record->has_error && !record->is_error && record->was_cancelled);
    assert_int_equal(record->error_code, 499);
    assert_span(record->error_type, "cancelled");
    record = next();
    assert_true(record->has_error && record->is_error);
    assert_int_equal(record->error_code, 0);
    assert_span(record->outcome, "timeout");
    assert_span(record->error_type, "idle_timeout");
    assert_span(record->conversation_id, "");
    assert_end();
}

static void a_trace_only_when_asked_for(void **state)
{
    (void)state;
    const struct tkp_row row = streamed_row();
    struct tkp_metric_context traced = context;
    traced.http_trace = true;
    write_log(true);
    open_cursor();
    const struct tokperf_record *record = next();
    assert_int_equal(record->has_trace, 0);
    assert_null(find(record, "http_req_total"));
    tkp_cursor_destroy(cursor);
    tkp_log_rewind(reader);
    assert_int_equal(tkp_cursor_create(reader, &traced, SEED, &cursor, NULL), TOKPERF_OK);
    record = next();
    assert_int_equal(record->has_trace, 1);
    assert_true(record->connect_start_ns == row.connect_start_ns);
    assert_true(record->connect_end_ns == row.connect_end_ns);
    assert_true(record->send_start_ns == row.send_start_ns);
    assert_non_null(find(record, "http_req_data_sent"));
}

static void rewinding_begins_again(void **state)
{
    (void)state;
    write_log(true);
    open_cursor();
    for (int round = 0; round < 3; round++) {
        const struct tokperf_cursor *api = tkp_cursor_api(cursor);
        assert_span(next()->conversation_id, "second \"x\"");
        if (round == 1)
            for (int i = 0; i < 3; i++)
                next();
        api->rewind(api->context);
    }
}

static void a_log_without_an_end_gives_what_it_has(void **state)
{
    (void)state;
    write_log(false);
    open_cursor();
    for (int i = 0; i < 4; i++)
        next();
    assert_end();
}

static void damage_ends_the_records(void **state)
{
    (void)state;
    size_t len;
    write_log(true);
    unsigned char *data = record_files_load(files.path, &len);
    data[len - 30] ^= 1; /* in the last row's block: the END block has 18 bytes */
    record_files_store(files.path, data, len);
    free(data);
    open_cursor();
    for (int i = 0; i < 3; i++)
        next();
    assert_end();
}

static void without_a_log_there_are_no_records(void **state)
{
    (void)state;
    struct tokperf_error error;
    write_log(true);
    assert_int_equal(tkp_cursor_create(NULL, &context, SEED, &cursor, &error), TOKPERF_OK);
    tkp_cursor_rewind(cursor);
    assert_end();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_of_an_ok_row),
        TEST(metrics_are_in_display_units),
        TEST(ids_come_from_the_seed),
        TEST(failures_have_code_type_and_message),
        TEST(a_trace_only_when_asked_for),
        TEST(rewinding_begins_again),
        TEST(a_log_without_an_end_gives_what_it_has),
        TEST(damage_ends_the_records),
        TEST(without_a_log_there_are_no_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

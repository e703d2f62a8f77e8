/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of the sample topic: from a row to bytes and back, and where docs/bus.md says they lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/files.h>
#include <base/text.h>
#include <bus/sample.h>
#include <stdio.h>
#include <stdlib.h>

static struct tkp_row row_of(enum tkp_outcome outcome, struct tkp_row_error *error)
{
    return (struct tkp_row){
        .ordinal = 11,
        .draw = 12,
        .phase = 1,
        .turn_index = 2,
        .worker = 3,
        .url_index = 4,
        .outcome = outcome,
        .http_status = outcome == TKP_OUTCOME_OK ? 200 : 503,
        .retries = 5,
        .intended_ns = 1000,
        .start_ns = 1001,
        .first_token_ns = 1002,
        .last_token_ns = 1003,
        .end_ns = 1004,
        .sent_bytes = 300,
        .received_bytes = 400,
        .chunk_count = 17,
        .usage = {.prompt_tokens = 21, .completion_tokens = -1},
        .finish_reason = "stop",
        .error = error,
    };
}

/* The frames of a row, by a reader of batches; the caller finishes `batch`. */
static struct tkp_frame_reader frames_of(const struct tkp_row *row, uint32_t count,
                                         struct tkp_buffer *batch)
{
    struct tkp_batch_head head = {.version = TKP_BATCH_VERSION, .topic = TKP_TOPIC_SAMPLE};
    struct tkp_frame_reader reader;
    tkp_buffer_init(batch, 1 << 16);
    tkp_buffer_append(batch, (const char *)&head, sizeof head);
    assert_int_equal(tkp_sample_put_row(batch, row), count);
    memcpy(head.magic, TKP_BATCH_MAGIC, sizeof head.magic);
    head.frame_count = count;
    head.length_bytes = (uint32_t)(batch->len - sizeof head);
    memcpy(batch->data, &head, sizeof head);
    assert_int_equal(tkp_frame_reader_init(&reader, tkp_buffer_span(batch), NULL), TOKPERF_OK);
    return reader;
}

static struct tokperf_span next(struct tkp_frame_reader *reader, enum tkp_frame_kind kind)
{
    struct tkp_frame frame;
    assert_int_equal(tkp_frame_reader_next(reader, &frame, NULL), TOKPERF_OK);
    assert_int_equal(frame.kind, kind);
    return frame.payload;
}

static void expect_id(const struct tkp_sample_id *id)
{
    assert_int_equal(id->ordinal, 11);
    assert_int_equal(id->draw, 12);
    assert_int_equal(id->phase, 1);
    assert_int_equal(id->turn, 2);
    assert_int_equal(id->worker, 3);
    assert_int_equal(id->url_index, 4);
}

static void expect_complete(struct tokperf_span payload, enum tkp_outcome outcome)
{
    struct tkp_sample_complete complete;
    assert_int_equal(tkp_sample_read_complete(payload, &complete, NULL), TOKPERF_OK);
    expect_id(&complete.id);
    assert_int_equal(complete.intended_ns, 1000);
    assert_int_equal(complete.start_ns, 1001);
    assert_int_equal(complete.first_token_ns, 1002);
    assert_int_equal(complete.last_token_ns, 1003);
    assert_int_equal(complete.end_ns, 1004);
    assert_int_equal(complete.sent_bytes, 300);
    assert_int_equal(complete.received_bytes, 400);
    assert_int_equal(complete.prompt_tokens, 21);
    assert_int_equal(complete.completion_tokens, -1);
    assert_int_equal(complete.outcome, outcome);
    assert_int_equal(complete.chunk_count, 17);
    assert_int_equal(complete.retries, 5);
    assert_string_equal(complete.finish_reason, "stop");
}

static void what_went_well_is_one_frame(void **state)
{
    (void)state;
    static const enum tkp_outcome outcomes[] = {TKP_OUTCOME_OK, TKP_OUTCOME_CANCELLED};
    for (size_t i = 0; i < 2; i++) {
        struct tkp_row row = row_of(outcomes[i], NULL);
        struct tkp_buffer batch;
        struct tkp_frame_reader reader = frames_of(&row, 1, &batch);
        expect_complete(next(&reader, TKP_FRAME_COMPLETE), outcomes[i]);
        tkp_buffer_finish(&batch);
    }
}

/* With all of its error, and without one. */
static void an_error_comes_before_the_end_of_its_request(void **state)
{
    (void)state;
    struct tkp_row_error full = {.type = "overloaded"};
    memset(full.message, 'm', sizeof full.message - 1);
    struct tkp_row_error *errors[] = {&full, NULL};
    for (size_t i = 0; i < 2; i++) {
        struct tkp_row row = row_of(TKP_OUTCOME_HTTP_ERROR, errors[i]);
        struct tkp_buffer batch;
        struct tkp_sample_error error;
        struct tokperf_span type, message;
        struct tkp_frame_reader reader = frames_of(&row, 2, &batch);
        assert_int_equal(
            tkp_sample_read_error(next(&reader, TKP_FRAME_ERROR), &error, &type, &message, NULL),
            TOKPERF_OK);
        expect_id(&error.id);
        assert_int_equal(error.time_ns, 1004);
        assert_int_equal(error.outcome, TKP_OUTCOME_HTTP_ERROR);
        assert_int_equal(error.http_status, 503);
        assert_true(tkp_span_is(type, errors[i] ? full.type : ""));
        assert_true(tkp_span_is(message, errors[i] ? full.message : ""));
        expect_complete(next(&reader, TKP_FRAME_COMPLETE), TKP_OUTCOME_HTTP_ERROR);
        tkp_buffer_finish(&batch);
    }
}

static void payloads_that_are_too_short_are_refused(void **state)
{
    (void)state;
    static char bytes[512];
    struct tkp_sample_issued issued;
    struct tkp_sample_first_token first_token;
    struct tkp_sample_complete complete;
    struct tkp_sample_error sample, texts = {.type_bytes = 10, .message_bytes = 20};
    struct tokperf_span type, message;
    struct tokperf_error error;
    struct tokperf_span payload = {bytes, 0};
    memset(bytes, 'x', sizeof bytes); /* no NUL at the end of a finish reason */
    for (; payload.len < sizeof complete; payload.len++) {
        assert_int_equal(tkp_sample_read_issued(payload, &issued, &error) == TOKPERF_OK,
                         payload.len >= sizeof issued);
        assert_int_equal(tkp_sample_read_first_token(payload, &first_token, &error) == TOKPERF_OK,
                         payload.len >= sizeof first_token);
        assert_int_equal(tkp_sample_read_complete(payload, &complete, &error), TOKPERF_E_PARSE);
        assert_int_equal(tkp_sample_read_error(payload, &sample, &type, &message, &error),
                         TOKPERF_E_PARSE);
    }
    assert_int_equal(tkp_sample_read_complete(payload, &complete, &error), TOKPERF_OK);
    assert_int_equal(strlen(complete.finish_reason), sizeof complete.finish_reason - 1);
    memcpy(bytes, &texts, sizeof texts);
    for (payload.len = sizeof texts; payload.len < sizeof texts + 30; payload.len++)
        assert_int_equal(tkp_sample_read_error(payload, &sample, &type, &message, &error),
                         TOKPERF_E_PARSE);
    assert_int_equal(tkp_sample_read_error(payload, &sample, &type, &message, &error), TOKPERF_OK);
    assert_ptr_equal(message.data, bytes + sizeof texts + 10);
    assert_int_equal(message.len, 20);
}

struct member {
    const char *name;
    size_t offset, size;
};
#define IN(type, member)                                                           \
    {                                                                              \
#member, offsetof(struct type, member), sizeof(((struct type *)0)->member) \
    }

static const struct {
    const char *heading;
    size_t size;
    struct member members[16];
} layouts[] = {
    {"batch head",
     sizeof(struct tkp_batch_head),
     {IN(tkp_batch_head, magic), IN(tkp_batch_head, version), IN(tkp_batch_head, topic),
      IN(tkp_batch_head, sequence), IN(tkp_batch_head, frame_count),
      IN(tkp_batch_head, length_bytes)}},
    {"frame head",
     sizeof(struct tkp_frame_head),
     {IN(tkp_frame_head, kind), IN(tkp_frame_head, version), IN(tkp_frame_head, length_bytes)}},
    {"id",
     sizeof(struct tkp_sample_id),
     {IN(tkp_sample_id, ordinal), IN(tkp_sample_id, draw), IN(tkp_sample_id, phase),
      IN(tkp_sample_id, turn), IN(tkp_sample_id, worker), IN(tkp_sample_id, url_index)}},
    {"sample.issued",
     sizeof(struct tkp_sample_issued),
     {IN(tkp_sample_issued, id), IN(tkp_sample_issued, start_ns),
      IN(tkp_sample_issued, intended_ns)}},
    {"sample.first_token",
     sizeof(struct tkp_sample_first_token),
     {IN(tkp_sample_first_token, id), IN(tkp_sample_first_token, time_ns)}},
    {"sample.complete",
     sizeof(struct tkp_sample_complete),
     {IN(tkp_sample_complete, id), IN(tkp_sample_complete, intended_ns),
      IN(tkp_sample_complete, start_ns), IN(tkp_sample_complete, first_token_ns),
      IN(tkp_sample_complete, last_token_ns), IN(tkp_sample_complete, end_ns),
      IN(tkp_sample_complete, sent_bytes), IN(tkp_sample_complete, received_bytes),
      IN(tkp_sample_complete, prompt_tokens), IN(tkp_sample_complete, completion_tokens),
      IN(tkp_sample_complete, outcome), IN(tkp_sample_complete, http_status),
      IN(tkp_sample_complete, chunk_count), IN(tkp_sample_complete, retries),
      IN(tkp_sample_complete, finish_reason)}},
    {"sample.error",
     sizeof(struct tkp_sample_error),
     {IN(tkp_sample_error, id), IN(tkp_sample_error, time_ns), IN(tkp_sample_error, outcome),
      IN(tkp_sample_error, http_status), IN(tkp_sample_error, type_bytes),
      IN(tkp_sample_error, message_bytes)}},
};

/* docs/bus.md has each struct as a table "| offset | bytes | type | member | ...", headed
 * "### NAME (SIZE bytes)". */
static void the_document_gives_the_layouts_as_they_are(void **state)
{
    (void)state;
    struct tkp_buffer document;
    struct tokperf_error error = {0};
    tkp_buffer_init(&document, 1 << 20);
    if (tkp_files_read(TKP_TEST_DATA "/../../docs/bus.md", 1 << 20, 0, &document, &error))
        fail_msg("%s", error.message);
    for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        char line[128];
        snprintf(line, sizeof line, "### %s (%zu bytes)\n", layouts[i].heading, layouts[i].size);
        const char *at = strstr(tkp_buffer_text(&document), line);
        if (!at)
            fail_msg("docs/bus.md has no '%s'", line);
        const char *end = strstr(at + 4, "\n#");
        for (const struct member *m = layouts[i].members; m->name; m++) {
            snprintf(line, sizeof line, "\n| %zu | %zu | ", m->offset, m->size);
            const char *row = strstr(at, line);
            snprintf(line, sizeof line, " | `%s` | ", m->name);
            const char *name = row ? strstr(row + 1, line) : NULL;
            if (!name || name > strchr(row + 1, '\n') || (end && row > end))
                fail_msg("docs/bus.md: %s has no row for %s at %zu", layouts[i].heading, m->name,
                         m->offset);
        }
    }
    tkp_buffer_finish(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_went_well_is_one_frame),
        cmocka_unit_test(an_error_comes_before_the_end_of_its_request),
        cmocka_unit_test(payloads_that_are_too_short_are_refused),
        cmocka_unit_test(the_document_gives_the_layouts_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

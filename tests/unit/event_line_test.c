/* SPDX-License-Identifier: Apache-2.0 */
/* Events as lines: both formats of every kind, texts that would steer a terminal or break a line,
 * payloads that are not what their kind says, and what a writer says is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/text.h>
#include <bus/event_line.h>
#include <bus/sample.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum { OFFSET_NS = 1000000000, OUT_BYTES = 1 << 20 };
#define START_NS (UINT64_C(1795349482) * 1000000000 + 123456789 - OFFSET_NS)

static const char *const phases[] = {"warm up", "profiling"};
static const struct tkp_event_context context = {OFFSET_NS, phases, 2};
static struct tkp_buffer out;

static int make_buffer(void **state)
{
    (void)state;
    tkp_buffer_init(&out, OUT_BYTES);
    return 0;
}

static int free_buffer(void **state)
{
    (void)state;
    tkp_buffer_finish(&out);
    return 0;
}

static struct tkp_frame frame_of(uint32_t kind, const void *payload, size_t len)
{
    return (struct tkp_frame){
        .kind = kind, .version = TKP_FRAME_VERSION, .sequence = 7, .payload = {payload, len}};
}

static const char *line_of(enum tkp_event_format format, enum tkp_topic topic,
                           const struct tkp_frame *frame)
{
    tkp_buffer_clear(&out);
    assert_true(tkp_event_line_put(&out, format, &context, topic, frame));
    return tkp_buffer_text(&out);
}

static const struct tkp_sample_id id = {
    .ordinal = 12, .draw = 40, .phase = 1, .turn = 2, .worker = 3};

static void a_completed_request(void **state)
{
    (void)state;
    struct tkp_sample_complete done = {.id = id,
                                       .intended_ns = START_NS - 1000000,
                                       .start_ns = START_NS,
                                       .first_token_ns = START_NS + 1500000,
                                       .end_ns = START_NS + 20000000,
                                       .sent_bytes = 100,
                                       .received_bytes = 200,
                                       .prompt_tokens = -1,
                                       .completion_tokens = 8,
                                       .outcome = TKP_OUTCOME_OK,
                                       .http_status = 200,
                                       .chunk_count = 8,
                                       .finish_reason = "stop"};
    struct tkp_frame frame = frame_of(TKP_FRAME_COMPLETE, &done, sizeof done);
    assert_string_equal(
        line_of(TKP_EVENT_TEXT, TKP_TOPIC_SAMPLE, &frame),
        "2026-11-22T12:11:22.143456Z sample.complete phase=profiling session_num=12 "
        "turn_index=2 worker_id=worker_3 outcome=ok http_status=200 finish_reason=stop "
        "ttft_ms=1.500 latency_ms=20.000 sent_bytes=100 received_bytes=200 completion_tokens=8 "
        "chunk_count=8 retries=0\n");
    assert_string_equal(
        line_of(TKP_EVENT_JSONL, TKP_TOPIC_SAMPLE, &frame),
        "{\"event\":\"sample.complete\",\"topic\":\"sample\",\"sequence\":7,"
        "\"time_ns\":1795349482143456789,\"data\":{\"phase\":\"profiling\","
        "\"phase_index\":1,\"session_num\":12,\"turn_index\":2,\"worker_id\":\"worker_3\","
        "\"url_index\":0,\"outcome\":\"ok\",\"http_status\":200,\"finish_reason\":\"stop\","
        "\"intended_ns\":1795349482122456789,\"start_ns\":1795349482123456789,"
        "\"first_token_ns\":1795349482124956789,\"end_ns\":1795349482143456789,"
        "\"sent_bytes\":100,\"received_bytes\":200,\"completion_tokens\":8,\"chunk_count\":8,"
        "\"retries\":0}}\n");
}

static void an_issued_request_and_its_first_token(void **state)
{
    (void)state;
    struct tkp_sample_issued issued = {id, START_NS, START_NS - 250000};
    struct tkp_sample_first_token token = {id, START_NS + 5};
    struct tkp_frame frame = frame_of(TKP_FRAME_ISSUED, &issued, sizeof issued);
    issued.id.phase = 0;
    assert_string_equal(line_of(TKP_EVENT_TEXT, TKP_TOPIC_SAMPLE, &frame),
                        "2026-11-22T12:11:22.123456Z sample.issued phase=\"warm up\" "
                        "session_num=12 turn_index=2 worker_id=worker_3 late_ms=0.250\n");
    issued.id.phase = 9; /* of a plan that is not this one */
    assert_non_null(strstr(line_of(TKP_EVENT_TEXT, TKP_TOPIC_SAMPLE, &frame), " phase_index=9 "));
    frame = frame_of(TKP_FRAME_FIRST_TOKEN, &token, sizeof token);
    assert_non_null(strstr(line_of(TKP_EVENT_JSONL, TKP_TOPIC_SAMPLE, &frame),
                           "\"first_token_ns\":1795349482123456794}}\n"));
}

/* No sum of numbers from outside is out of bounds: seen by UndefinedBehaviorSanitizer. */
static void an_event_of_no_possible_time(void **state)
{
    (void)state;
    struct tkp_sample_issued issued = {id, INT64_MAX, 1};
    struct tkp_frame frame = frame_of(TKP_FRAME_ISSUED, &issued, sizeof issued);
    assert_non_null(strstr(line_of(TKP_EVENT_TEXT, TKP_TOPIC_SAMPLE, &frame), "- sample.issued "));
}

/* What servers say is shown, and steers nothing. */
static void an_error_with_a_hostile_message(void **state)
{
    (void)state;
    static const char type[] = "http_500", message[] = "a=\"b\"\n\x1b[2J\xc2\x9b\x7f\xff";
    struct tkp_sample_error failure = {.id = id,
                                       .time_ns = START_NS,
                                       .outcome = 99,
                                       .http_status = 500,
                                       .type_bytes = sizeof type - 1,
                                       .message_bytes = sizeof message - 1};
    struct tkp_buffer payload;
    tkp_buffer_init(&payload, 4096);
    tkp_buffer_append(&payload, (const char *)&failure, sizeof failure);
    tkp_buffer_puts(&payload, type);
    tkp_buffer_puts(&payload, message);
    struct tkp_frame frame = frame_of(TKP_FRAME_ERROR, payload.data, payload.len);
    const char *text = line_of(TKP_EVENT_TEXT, TKP_TOPIC_SAMPLE, &frame);
    assert_non_null(strstr(text, " outcome=none http_status=500 type=http_500 message="));
    for (const char *p = text; p[1]; p++)
        assert_true((unsigned char)*p >= ' ' && *p != 0x7f);
    assert_null(strstr(text, "\xc2\x9b"));
    assert_non_null(strstr(line_of(TKP_EVENT_JSONL, TKP_TOPIC_SAMPLE, &frame),
                           "\"message\":\"a=\\\"b\\\"\\n\\u001b[2J"));
    frame.payload.len--; /* its texts are longer than it */
    tkp_buffer_clear(&out);
    assert_false(tkp_event_line_put(&out, TKP_EVENT_TEXT, &context, TKP_TOPIC_SAMPLE, &frame));
    tkp_buffer_finish(&payload);
}

static void objects_of_the_other_topics(void **state)
{
    (void)state;
    static const char json[] = "{\n  \"time_ns\": 1795349482123456789,\n  \"state\": \"live\",\n"
                               "  \"reason\": \"a \\\"b\\\" c\", \"none\": null,\n"
                               "  \"list\": [1, {\"x\": \"  \\\" \"}], \"n\": 1.5}";
    struct tkp_frame frame = frame_of(TKP_FRAME_PHASE_ENDED, json, sizeof json - 1);
    assert_string_equal(line_of(TKP_EVENT_TEXT, TKP_TOPIC_PHASE, &frame),
                        "2026-11-22T12:11:22.123456Z phase.ended state=live "
                        "reason=\"a \\\"b\\\" c\" n=1.5\n");
    assert_string_equal(line_of(TKP_EVENT_JSONL, TKP_TOPIC_PHASE, &frame),
                        "{\"event\":\"phase.ended\",\"topic\":\"phase\",\"sequence\":7,"
                        "\"time_ns\":1795349482123456789,\"data\":{"
                        "\"time_ns\":1795349482123456789,\"state\":\"live\","
                        "\"reason\":\"a \\\"b\\\" c\",\"none\":null,"
                        "\"list\":[1,{\"x\":\"  \\\" \"}],\"n\":1.5}}\n");
    frame = frame_of(TKP_FRAME_PHASE_BEGUN, "{}", 2);
    assert_string_equal(line_of(TKP_EVENT_TEXT, TKP_TOPIC_PHASE, &frame), "- phase.begun\n");
}

static void a_snapshot_is_its_figures(void **state)
{
    (void)state;
    static const char json[] =
        "{\"time_ns\": 1795349482123456789, \"state\": \"live\", \"sequence\": 3, \"in_flight\": 8,"
        " \"verdict\": {\"status\": \"valid\", \"reasons\": []}, \"main_phase\": 1,"
        " \"phases\": [{\"name\": \"fill\", \"kind\": \"warmup\", \"counters\": "
        "{\"request_count\": 2}},"
        " {\"name\": \"low\","
        " \"counters\": {\"request_count\": 5, \"error_request_count\": 0},"
        " \"values\": {\"request_throughput\": {\"unit\": \"requests/sec\", \"value\": 16.20843}},"
        " \"series\": {\"time_to_first_token\": {\"p50\": 20.12774, \"p99\": 21}}}]}";
    struct tkp_frame frame = frame_of(TKP_FRAME_SNAPSHOT, json, sizeof json - 1);
    assert_string_equal(line_of(TKP_EVENT_TEXT, TKP_TOPIC_SNAPSHOT, &frame),
                        "2026-11-22T12:11:22.123456Z snapshot state=live sequence=3 phase=low "
                        "in_flight=8 ok=5 errors=0 requests_per_s=16.208 ttft_p50_ms=20.128 "
                        "ttft_p99_ms=21 verdict=valid\n");
    static const char warming[] =
        "{\"state\": \"live\", \"running_phase\": 0, \"main_phase\": 1, \"phases\": [{\"name\": "
        "\"fill\", \"kind\": \"warmup\", \"counters\": {\"request_count\": 2}}, {\"name\": "
        "\"low\"}]}";
    frame = frame_of(TKP_FRAME_SNAPSHOT, warming, sizeof warming - 1);
    assert_string_equal(line_of(TKP_EVENT_TEXT, TKP_TOPIC_SNAPSHOT, &frame),
                        "- snapshot state=live phase=fill kind=warmup ok=2\n");
    static const char odd[] = "{\"main_phase\": 7, \"phases\": [[], 1], \"state\": {\"a\": 1},"
                              " \"verdict\": \"valid\", \"sequence\": \"x y\"}";
    frame = frame_of(TKP_FRAME_SNAPSHOT, odd, sizeof odd - 1);
    assert_string_equal(line_of(TKP_EVENT_TEXT, TKP_TOPIC_SNAPSHOT, &frame),
                        "- snapshot sequence=\"x y\"\n");
}

static void what_is_not_what_it_says(void **state)
{
    (void)state;
    static const struct {
        enum tkp_topic topic;
        uint32_t kind, version;
        const char *payload;
    } cases[] = {
        {TKP_TOPIC_SESSION, 99, TKP_FRAME_VERSION, "{}"},
        {TKP_TOPIC_SESSION, TKP_FRAME_SESSION_ENDED, TKP_FRAME_VERSION + 1, "{}"},
        {TKP_TOPIC_SESSION, TKP_FRAME_SESSION_ENDED, TKP_FRAME_VERSION, ""},
        {TKP_TOPIC_SESSION, TKP_FRAME_SESSION_ENDED, TKP_FRAME_VERSION, "[]"},
        {TKP_TOPIC_SESSION, TKP_FRAME_SESSION_ENDED, TKP_FRAME_VERSION, "{} {}"},
        {TKP_TOPIC_SESSION, TKP_FRAME_SESSION_ENDED, TKP_FRAME_VERSION, "{\"a\": }"},
        {TKP_TOPIC_SESSION, TKP_FRAME_SESSION_ENDED, TKP_FRAME_VERSION, "{\"a\": \"\xff\"}"},
        {TKP_TOPIC_SNAPSHOT, TKP_FRAME_SESSION_ENDED, TKP_FRAME_VERSION, "{}"},
        {TKP_TOPIC_PHASE, TKP_FRAME_COMPLETE, TKP_FRAME_VERSION, "{}"},
        {TKP_TOPIC_SAMPLE, TKP_FRAME_SESSION_ENDED, TKP_FRAME_VERSION, "{}"},
        {TKP_TOPIC_SAMPLE, TKP_FRAME_COMPLETE, TKP_FRAME_VERSION, "too short"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tkp_frame frame = {.kind = cases[i].kind,
                                  .version = cases[i].version,
                                  .payload = tkp_span(cases[i].payload)};
        tkp_buffer_clear(&out);
        assert_false(tkp_event_line_put(&out, TKP_EVENT_JSONL, &context, cases[i].topic, &frame));
        assert_int_equal(out.len, 0);
    }
}

/* A batch of the session topic with a frame of a later kind and a broken one in it. */
static void put_batch(struct tkp_buffer *batch)
{
    struct tkp_batch_head head = {.magic = TKP_BATCH_MAGIC,
                                  .version = TKP_BATCH_VERSION,
                                  .topic = TKP_TOPIC_SESSION,
                                  .frame_count = 4};
    struct tkp_buffer frames;
    tkp_buffer_init(&frames, 4096);
    tkp_frame_put(&frames, TKP_FRAME_SESSION_STARTED, "{\"a\":1}", 7);
    tkp_frame_put(&frames, (enum tkp_frame_kind)99, "x", 1);
    tkp_frame_put(&frames, TKP_FRAME_SESSION_STARTED, "x", 1);
    tkp_frame_put(&frames, TKP_FRAME_SESSION_ENDED, "{\"b\":2}", 7);
    head.length_bytes = (uint32_t)frames.len;
    tkp_buffer_append(batch, (const char *)&head, sizeof head);
    tkp_buffer_append(batch, frames.data, frames.len);
    tkp_buffer_finish(&frames);
}

static void a_writer_writes_what_it_knows(void **state)
{
    (void)state;
    struct tkp_event_writer writer;
    struct tkp_frame_reader reader;
    struct tokperf_error error;
    struct tkp_buffer batch;
    char text[4096];
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    tkp_buffer_init(&batch, 4096);
    put_batch(&batch);
    assert_int_equal(tkp_frame_reader_init(&reader, tkp_buffer_span(&batch), &error), TOKPERF_OK);
    tkp_event_writer_init(&writer, TKP_EVENT_TEXT, &context, 1u << TKP_TOPIC_SESSION, ends[1], -1);
    assert_int_equal(tkp_event_writer_batch(&writer, &reader, &error), TOKPERF_OK);
    assert_true(writer.ended);
    assert_int_equal(writer.written, 2);
    assert_int_equal(writer.malformed, 1);
    ssize_t len = read(ends[0], text, sizeof text - 1);
    assert_true(len > 0);
    text[len] = '\0';
    assert_string_equal(text, "- session.started a=1\n- session.ended b=2\n");

    struct tkp_subscriber_counts counts = {
        .missed = {[TKP_TOPIC_SAMPLE] = 10, [TKP_TOPIC_PHASE] = 2}, .unknown = 1};
    tkp_buffer_clear(&out);
    assert_true(tkp_event_losses(&writer, &counts, &out));
    assert_string_equal(tkp_buffer_text(&out),
                        "12 events missed (2 of phase, 10 of sample); 1 events of unknown kinds "
                        "skipped; 1 malformed events skipped");
    writer.malformed = 0;
    counts = (struct tkp_subscriber_counts){0};
    assert_false(tkp_event_losses(&writer, &counts, &out));

    close(ends[0]);
    close(ends[1]);
    writer.fd = -1;
    assert_int_equal(tkp_frame_reader_init(&reader, tkp_buffer_span(&batch), &error), TOKPERF_OK);
    assert_int_equal(tkp_event_writer_batch(&writer, &reader, &error), TOKPERF_E_IO);
    tkp_buffer_finish(&writer.out);
    tkp_buffer_finish(&batch);
}

enum { LONG_LINES = 40, SHORT_LINES = 2000 };

/* Longer than a pipe takes at once, some of its lines too. */
static void put_long_batch(struct tkp_buffer *batch)
{
    char text[6000];
    struct tkp_buffer frames;
    struct tkp_batch_head head = {.magic = TKP_BATCH_MAGIC,
                                  .version = TKP_BATCH_VERSION,
                                  .topic = TKP_TOPIC_SESSION,
                                  .frame_count = LONG_LINES + SHORT_LINES};
    tkp_buffer_init(&frames, 1 << 20);
    for (int i = 0; i < LONG_LINES + SHORT_LINES; i++) {
        int n = snprintf(text, sizeof text, "{\"n\":\"%0*d\"}", i % 51 ? 10 : 5000, i);
        tkp_frame_put(&frames, TKP_FRAME_SESSION_STARTED, text, (size_t)n);
    }
    head.length_bytes = (uint32_t)frames.len;
    tkp_buffer_append(batch, (const char *)&head, sizeof head);
    tkp_buffer_append(batch, frames.data, frames.len);
    tkp_buffer_finish(&frames);
}

struct reading {
    int fd;
    unsigned lines;
};

static void *count_lines(void *argument)
{
    struct reading *reading = argument;
    char text[777];
    for (ssize_t n; (n = read(reading->fd, text, sizeof text)) > 0;)
        for (ssize_t i = 0; i < n; i++)
            reading->lines += text[i] == '\n';
    return NULL;
}

static void a_writer_that_can_be_stopped(void **state)
{
    (void)state;
    struct tkp_event_writer writer;
    struct tkp_frame_reader reader;
    struct tokperf_error error;
    struct tkp_buffer batch;
    pthread_t thread;
    int ends[2], stop[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(stop), 0);
    struct reading reading = {.fd = ends[0]};
    tkp_buffer_init(&batch, 1 << 20);
    put_long_batch(&batch);
    tkp_event_writer_init(&writer, TKP_EVENT_TEXT, &context, 1u << TKP_TOPIC_SESSION, ends[1],
                          stop[0]);
    assert_int_equal(pthread_create(&thread, NULL, count_lines, &reading), 0);
    assert_int_equal(tkp_frame_reader_init(&reader, tkp_buffer_span(&batch), &error), TOKPERF_OK);
    assert_int_equal(tkp_event_writer_batch(&writer, &reader, &error), TOKPERF_OK);
    close(ends[1]);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(reading.lines, LONG_LINES + SHORT_LINES);
    close(ends[0]);

    assert_int_equal(pipe(ends), 0); /* that nobody reads */
    writer.fd = ends[1];
    assert_int_equal(write(stop[1], "x", 1), 1);
    assert_int_equal(tkp_frame_reader_init(&reader, tkp_buffer_span(&batch), &error), TOKPERF_OK);
    assert_int_equal(tkp_event_writer_batch(&writer, &reader, &error), TOKPERF_E_CANCELLED);
    tkp_buffer_finish(&writer.out);
    tkp_buffer_finish(&batch);
    for (int i = 0; i < 2; i++) {
        close(ends[i]);
        close(stop[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_that_can_be_stopped),
        cmocka_unit_test(a_completed_request),
        cmocka_unit_test(an_issued_request_and_its_first_token),
        cmocka_unit_test(an_event_of_no_possible_time),
        cmocka_unit_test(an_error_with_a_hostile_message),
        cmocka_unit_test(objects_of_the_other_topics),
        cmocka_unit_test(a_snapshot_is_its_figures),
        cmocka_unit_test(what_is_not_what_it_says),
        cmocka_unit_test(a_writer_writes_what_it_knows),
    };
    return cmocka_run_group_tests(tests, make_buffer, free_buffer);
}

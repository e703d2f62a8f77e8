/* SPDX-License-Identifier: Apache-2.0 */
/* Batches and frames as bytes: what is written is read, and what is damaged is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/text.h>
#include <bus/frame.h>

/* A batch of the topic "sample" with the given frames behind its head. */
static void make_batch(struct tkp_buffer *out, const struct tkp_buffer *frames, uint32_t count)
{
    struct tkp_batch_head head = {
        .magic = {'T', 'K', 'P', 'B'},
        .version = TKP_BATCH_VERSION,
        .topic = TKP_TOPIC_SAMPLE,
        .sequence = 1000,
        .frame_count = count,
        .length_bytes = (uint32_t)frames->len,
    };
    tkp_buffer_init(out, TKP_BATCH_MAX_BYTES);
    tkp_buffer_append(out, (const char *)&head, sizeof head);
    tkp_buffer_append(out, frames->data, frames->len);
}

/* "one", an unknown kind and an empty frame. */
static void make_three(struct tkp_buffer *batch)
{
    struct tkp_buffer frames;
    tkp_buffer_init(&frames, 4096);
    tkp_frame_put(&frames, TKP_FRAME_ISSUED, "one", 3);
    tkp_frame_put(&frames, (enum tkp_frame_kind)999, "unknown", 7);
    tkp_frame_put(&frames, TKP_FRAME_COMPLETE, NULL, 0);
    make_batch(batch, &frames, 3);
    tkp_buffer_finish(&frames);
}

static void frames_come_out_as_they_went_in(void **state)
{
    (void)state;
    static const struct {
        uint32_t kind;
        const char *payload;
    } expected[] = {{TKP_FRAME_ISSUED, "one"}, {999, "unknown"}, {TKP_FRAME_COMPLETE, ""}};
    struct tkp_buffer batch;
    struct tkp_frame_reader reader;
    struct tkp_frame frame;
    struct tokperf_error error;
    make_three(&batch);
    assert_int_equal(tkp_frame_reader_init(&reader, tkp_buffer_span(&batch), &error), TOKPERF_OK);
    assert_int_equal(reader.head.topic, TKP_TOPIC_SAMPLE);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(tkp_frame_reader_next(&reader, &frame, &error), TOKPERF_OK);
        assert_int_equal(frame.kind, expected[i].kind);
        assert_int_equal(frame.version, TKP_FRAME_VERSION);
        assert_int_equal(frame.sequence, 1000 + i);
        assert_true(tkp_span_is(frame.payload, expected[i].payload));
    }
    assert_int_equal(tkp_frame_reader_next(&reader, &frame, &error), TOKPERF_E_NOT_FOUND);
    tkp_buffer_finish(&batch);
}

static void a_head_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint32_t value;
        size_t bytes;
        const char *says;
    } cases[] = {
        {offsetof(struct tkp_batch_head, magic), 'X', 1, "does not begin with TKPB"},
        {offsetof(struct tkp_batch_head, version), 2, 2, "version 2"},
        {offsetof(struct tkp_batch_head, topic), TKP_TOPIC_COUNT, 2, "unknown topic"},
        {offsetof(struct tkp_batch_head, frame_count), 5, 4, "5 frames, which do not fit"},
        {offsetof(struct tkp_batch_head, length_bytes), 35, 4, "35 bytes of frames, and has 34"},
        {offsetof(struct tkp_batch_head, length_bytes), 33, 4, "33 bytes of frames, and has 34"},
        {offsetof(struct tkp_batch_head, length_bytes), UINT32_MAX, 4, "4294967295 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tkp_buffer batch;
        struct tkp_frame_reader reader;
        struct tokperf_error error = {0};
        make_three(&batch);
        memcpy(batch.data + cases[i].at, &cases[i].value, cases[i].bytes);
        assert_int_equal(tkp_frame_reader_init(&reader, tkp_buffer_span(&batch), &error),
                         TOKPERF_E_PARSE);
        if (!strstr(error.message, cases[i].says))
            fail_msg("'%s' does not say '%s'", error.message, cases[i].says);
        tkp_buffer_finish(&batch);
    }
}

static void a_message_too_short_for_a_head_is_refused(void **state)
{
    (void)state;
    struct tkp_buffer batch;
    struct tkp_frame_reader reader;
    make_three(&batch);
    for (size_t len = 0; len < batch.len; len++)
        assert_int_equal(
            tkp_frame_reader_init(&reader, (struct tokperf_span){batch.data, len}, NULL),
            TOKPERF_E_PARSE);
    tkp_buffer_finish(&batch);
}

/* A frame that says that it is longer than the rest; a frame too few; one too many. */
static void frames_that_do_not_fit_end_the_batch(void **state)
{
    (void)state;
    const uint32_t too_long = 27, counts[] = {2, 4};
    const size_t second_length =
        sizeof(struct tkp_batch_head) + 11 + offsetof(struct tkp_frame_head, length_bytes);
    for (int i = 0; i < 3; i++) {
        struct tkp_buffer batch;
        struct tkp_frame_reader reader;
        struct tkp_frame frame;
        make_three(&batch);
        if (i == 2)
            memcpy(batch.data + second_length, &too_long, sizeof too_long);
        else
            memcpy(batch.data + offsetof(struct tkp_batch_head, frame_count), &counts[i],
                   sizeof counts[i]);
        assert_int_equal(tkp_frame_reader_init(&reader, tkp_buffer_span(&batch), NULL), TOKPERF_OK);
        tokperf_status status;
        uint32_t good = 0;
        while (!(status = tkp_frame_reader_next(&reader, &frame, NULL)))
            good++;
        assert_int_equal(status, TOKPERF_E_PARSE);
        assert_int_equal(good, i == 0 ? 2 : i == 1 ? 3 : 1);
        assert_int_equal(tkp_frame_reader_next(&reader, &frame, NULL), TOKPERF_E_NOT_FOUND);
        tkp_buffer_finish(&batch);
    }
}

static void a_payload_too_long_for_a_batch_is_refused(void **state)
{
    (void)state;
    struct tkp_buffer out;
    tkp_buffer_init(&out, SIZE_MAX);
    tkp_frame_put(&out, TKP_FRAME_SNAPSHOT, "", TKP_BATCH_MAX_BYTES);
    assert_true(out.failed);
    assert_int_equal(out.len, 0);
    tkp_buffer_finish(&out);
    tkp_buffer_init(&out, 16); /* without room for the payload there is no head either */
    tkp_frame_put(&out, TKP_FRAME_SNAPSHOT, "123456789", 9);
    assert_true(out.failed);
    assert_int_equal(out.len, 0);
    tkp_buffer_finish(&out);
}

/* Subscribers filter by the beginning of a name: no topic's may begin another's. */
static void no_topics_name_begins_anothers(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < TKP_TOPIC_COUNT; i++) {
        const char *name = tkp_topic_name((enum tkp_topic)i);
        assert_int_equal(tkp_topic_find(tkp_span(name)), i);
        for (uint32_t k = 0; k < TKP_TOPIC_COUNT; k++)
            if (i != k)
                assert_true(strncmp(name, tkp_topic_name((enum tkp_topic)k), strlen(name)) != 0);
    }
    assert_int_equal(tkp_topic_find(TOKPERF_SPAN("samples")), TKP_TOPIC_COUNT);
    assert_int_equal(tkp_topic_find((struct tokperf_span){NULL, 0}), TKP_TOPIC_COUNT);
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(tkp_frame_kind_name(TKP_FRAME_SESSION_ENDED), "session.ended");
    assert_string_equal(tkp_frame_kind_name(TKP_FRAME_COMPLETE), "sample.complete");
    assert_null(tkp_frame_kind_name(0));
    assert_null(tkp_frame_kind_name(70000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_as_they_went_in),
        cmocka_unit_test(a_head_that_does_not_fit_is_refused),
        cmocka_unit_test(a_message_too_short_for_a_head_is_refused),
        cmocka_unit_test(frames_that_do_not_fit_end_the_batch),
        cmocka_unit_test(a_payload_too_long_for_a_batch_is_refused),
        cmocka_unit_test(no_topics_name_begins_anothers),
        cmocka_unit_test(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Events of requests on their way through the recorder: to its listener, not into the log. */
#include <record/recorder.h>

#include <row_samples.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <record_files.h>

static struct tkp_recorder *start(struct tkp_block_channel *const *channel, const char *path,
                                  const struct tkp_record_listener *listener)
{
    struct tkp_log_writer *log;
    struct tkp_recorder *recorder = NULL;
    struct tokperf_error error;
    if (tkp_log_create(path, true, &log, &error) ||
        tkp_recorder_start(channel, 1, log, listener, &recorder, &error))
        fail_msg("%s", error.message);
    return recorder;
}

/* What a listener saw, in order: e event, r row, l loss, b the end of a batch with any before it.
 */
struct heard {
    char order[64];
    uint32_t len;
    uint64_t lost;
};

static void hear_of(struct heard *h, char what)
{
    if (h->len < sizeof h->order - 1)
        h->order[h->len++] = what;
}

static void heard_row(void *context, const struct tkp_row *row, const uint64_t *times,
                      uint32_t count)
{
    (void)row;
    (void)times;
    (void)count;
    hear_of(context, 'r');
}

static void heard_event(void *context, const struct tkp_request_event *event)
{
    assert_int_equal(event->ordinal, 77);
    hear_of(context, 'e');
}

static void heard_loss(void *context, uint64_t count)
{
    ((struct heard *)context)->lost += count;
}

static void heard_end(void *context)
{
    struct heard *h = context;
    if (h->len && h->order[h->len - 1] != 'b')
        hear_of(h, 'b');
}

static void check_no_events(const char *path, uint32_t rows)
{
    struct tkp_log_reader *reader;
    struct tkp_log_entry entry;
    assert_int_equal(tkp_log_open(path, &reader, NULL), TOKPERF_OK);
    while (!tkp_log_next(reader, &entry, NULL)) {
        assert_true(entry.kind == TKP_LOG_ROWS || entry.kind == TKP_LOG_PHASE ||
                    entry.kind == TKP_LOG_END);
        rows -= entry.kind == TKP_LOG_ROWS;
    }
    assert_false(tkp_log_is_torn(reader));
    assert_int_equal(rows, 0);
    tkp_log_reader_close(reader);
}

/* The listener has them in order and before the note; the log has rows alone. */
static void test_events_are_not_recorded(void **state)
{
    struct record_files *files = *state;
    struct tkp_block_channel *channel = tkp_block_channel_create(0, 4);
    struct tkp_request_event event = {.ordinal = 77, .kind = TKP_REQUEST_ISSUED};
    struct tkp_row row = sample_row(1);
    struct heard heard = {0};
    struct tkp_record_listener listener = {.context = &heard,
                                           .row = heard_row,
                                           .event = heard_event,
                                           .events_lost = heard_loss,
                                           .batch_end = heard_end};
    for (int i = 0; i < 2; i++)
        tkp_block_put_event(channel, &event, 0);
    assert_true(tkp_block_put(channel, &row, NULL, NULL, 0));
    tkp_block_flush(channel, 0, true);
    tkp_block_put_event(channel, &event, 0);
    tkp_block_flush(channel, 0, true);
    struct tkp_recorder *recorder = start(&channel, files->path, &listener);
    tkp_recorder_note(recorder, TKP_LOG_PHASE, TOKPERF_SPAN("0"));
    assert_string_equal(heard.order, "eereb"); /* the note's return is the happens-before */
    assert_int_equal(tkp_recorder_stop(recorder, NULL), TOKPERF_OK);
    assert_int_equal(heard.lost, 0);
    check_no_events(files->path, 1);
    tkp_block_channel_destroy(channel);
}

static void test_lost_events_are_told(void **state)
{
    struct record_files *files = *state;
    struct tkp_block_channel *channel = tkp_block_channel_create(0, 4);
    struct tkp_request_event event = {.ordinal = 77, .kind = TKP_REQUEST_ISSUED};
    struct heard heard = {0};
    struct tkp_record_listener listener = {.context = &heard, .events_lost = heard_loss};
    while (tkp_block_events_lost(channel) < 3)
        tkp_block_put_event(channel, &event, 0);
    struct tkp_recorder *recorder = start(&channel, files->path, &listener);
    tkp_recorder_sync(recorder);
    assert_int_equal(heard.lost, 3);
    while (tkp_block_events_lost(channel) < 4) /* its blocks are free again: others are lost now */
        tkp_block_put_event(channel, &event, 0);
    assert_int_equal(tkp_recorder_stop(recorder, NULL), TOKPERF_OK);
    assert_int_equal(heard.lost, tkp_block_events_lost(channel));
    tkp_block_channel_destroy(channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {RECORD_FILES_TEST(test_events_are_not_recorded),
                                       RECORD_FILES_TEST(test_lost_events_are_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* From the recorder's listener to a subscriber: order, numbers, and gaps for what is not there. */
#include <run/sample_feed.h>

#include <base/atomic.h>
#include <base/clock.h>
#include <bus/sample.h>
#include <bus/subscriber.h>
#include <row_samples.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

enum { WAIT_MS = 60000, MAX_FRAMES = 4096 };

struct heard {
    uint32_t kind;
    uint64_t sequence, ordinal;
};

struct fixture {
    struct tkp_bus *bus;
    struct tkp_publisher *publisher;
    struct tkp_subscriber *subscriber;
    struct tkp_sample_feed feed;
    struct heard heard[MAX_FRAMES];
    uint32_t count;
};

static void wait_for_flag(const struct tkp_flag *flag, bool raised)
{
    uint64_t end_ns = tkp_clock_now_ns() + WAIT_MS * TKP_NS_PER_MS;
    while (tkp_flag_is_raised(flag) != raised)
        assert_true(!sched_yield() && tkp_clock_now_ns() < end_ns);
}

static void subscribe(struct fixture *f)
{
    assert_int_equal(tkp_subscriber_open(f->bus, "inproc://feed", 1u << TKP_TOPIC_SAMPLE, 0,
                                         &f->subscriber, NULL),
                     TOKPERF_OK);
    wait_for_flag(f->feed.wanted, true);
}

static void unsubscribe(struct fixture *f)
{
    tkp_subscriber_close(f->subscriber);
    f->subscriber = NULL;
    wait_for_flag(f->feed.wanted, false);
}

/* Hears until there are `count` frames. */
static void hear(struct fixture *f, uint32_t count)
{
    struct tkp_frame_reader batch;
    struct tkp_frame frame;
    struct tkp_sample_id id;
    while (f->count < count) {
        assert_int_equal(tkp_subscriber_next(f->subscriber, WAIT_MS, &batch, NULL), TOKPERF_OK);
        while (!tkp_frame_reader_next(&batch, &frame, NULL)) {
            memcpy(&id, frame.payload.data, sizeof id);
            assert_true(f->count < MAX_FRAMES);
            f->heard[f->count++] = (struct heard){frame.kind, frame.sequence, id.ordinal};
        }
    }
    assert_int_equal(f->count, count);
}

static void check(const struct fixture *f, uint32_t at, enum tkp_frame_kind kind, uint64_t sequence,
                  uint64_t ordinal)
{
    assert_int_equal(f->heard[at].kind, kind);
    assert_int_equal(f->heard[at].sequence, sequence);
    assert_int_equal(f->heard[at].ordinal, ordinal);
}

static void give_event(struct fixture *f, uint64_t n, enum tkp_request_event_kind kind)
{
    struct tkp_request_event event = {.ordinal = n, .kind = kind, .time_ns = 5};
    tkp_sample_feed_event(&f->feed, &event);
}

static void give_row(struct fixture *f, uint64_t n, enum tkp_outcome outcome)
{
    struct tkp_row row = sample_row(n);
    row.outcome = outcome;
    tkp_sample_feed_row(&f->feed, &row);
}

static void test_order(void **state)
{
    struct fixture *f = *state;
    subscribe(f);
    give_event(f, 7, TKP_REQUEST_ISSUED);
    give_event(f, 8, TKP_REQUEST_ISSUED);
    give_event(f, 7, TKP_REQUEST_FIRST_TOKEN);
    give_row(f, 7, TKP_OUTCOME_TRUNCATED);
    give_row(f, 8, TKP_OUTCOME_OK);
    tkp_sample_feed_put(&f->feed);
    hear(f, 6);
    check(f, 0, TKP_FRAME_ISSUED, 0, 7);
    check(f, 1, TKP_FRAME_ISSUED, 1, 8);
    check(f, 2, TKP_FRAME_FIRST_TOKEN, 2, 7);
    check(f, 3, TKP_FRAME_ERROR, 3, 7);
    check(f, 4, TKP_FRAME_COMPLETE, 4, 7);
    check(f, 5, TKP_FRAME_COMPLETE, 5, 8);
}

/* Somebody goes, and somebody comes, while frames are collected: the gap is where they were left
 * out. */
static void test_a_gap_is_where_it_was(void **state)
{
    struct fixture *f = *state;
    struct tkp_flag wanted = {0};
    subscribe(f);
    f->feed.wanted = &wanted;
    tkp_flag_raise(&wanted);
    give_row(f, 1, TKP_OUTCOME_OK);
    tkp_flag_lower(&wanted);
    give_row(f, 2, TKP_OUTCOME_OK);
    tkp_flag_raise(&wanted);
    give_row(f, 3, TKP_OUTCOME_OK);
    tkp_sample_feed_put(&f->feed);
    hear(f, 2);
    check(f, 0, TKP_FRAME_COMPLETE, 0, 1);
    check(f, 1, TKP_FRAME_COMPLETE, 2, 3);
}

/* A recorder that never pauses does not keep frames back, nor grow without a bound. */
static void test_it_puts_by_itself(void **state)
{
    struct fixture *f = *state;
    subscribe(f);
    for (uint64_t n = 0; n < MAX_FRAMES / 2; n++)
        give_row(f, n, TKP_OUTCOME_OK);
    assert_in_range(f->feed.frames.len, 0, 64 * 1024);
    tkp_sample_feed_put(&f->feed);
    hear(f, MAX_FRAMES / 2);
    for (uint32_t n = 0; n < MAX_FRAMES / 2; n++)
        check(f, n, TKP_FRAME_COMPLETE, n, n);
}

static void test_lost_events_are_a_gap(void **state)
{
    struct fixture *f = *state;
    subscribe(f);
    give_event(f, 1, TKP_REQUEST_ISSUED);
    tkp_sample_feed_lost(&f->feed, 10);
    give_event(f, 12, TKP_REQUEST_ISSUED);
    tkp_sample_feed_put(&f->feed);
    hear(f, 2);
    check(f, 0, TKP_FRAME_ISSUED, 0, 1);
    check(f, 1, TKP_FRAME_ISSUED, 11, 12);
    assert_int_equal(tkp_subscriber_counts(f->subscriber)->missed[TKP_TOPIC_SAMPLE], 10);
}

/* Nothing is made while nobody listens, and the numbers go on. */
static void test_without_a_subscriber(void **state)
{
    struct fixture *f = *state;
    subscribe(f);
    give_row(f, 0, TKP_OUTCOME_OK);
    tkp_sample_feed_put(&f->feed);
    hear(f, 1);
    unsubscribe(f);
    for (uint64_t n = 1; n <= 3; n++) {
        give_event(f, n, TKP_REQUEST_ISSUED);
        give_row(f, n, TKP_OUTCOME_OK);
    }
    assert_int_equal(f->feed.count, 0);
    assert_int_equal(f->feed.frames.len, 0);
    subscribe(f);
    give_row(f, 4, TKP_OUTCOME_OK);
    tkp_sample_feed_put(&f->feed);
    hear(f, 2);
    check(f, 1, TKP_FRAME_COMPLETE, 4, 4);
}

static void test_without_a_bus(void **state)
{
    (void)state;
    struct tkp_sample_feed feed;
    struct tkp_row row = sample_row(1);
    struct tkp_request_event event = {.kind = TKP_REQUEST_ISSUED};
    tkp_sample_feed_init(&feed, NULL);
    assert_null(feed.wanted);
    tkp_sample_feed_event(&feed, &event);
    tkp_sample_feed_row(&feed, &row);
    tkp_sample_feed_lost(&feed, 3);
    tkp_sample_feed_put(&feed);
    tkp_sample_feed_finish(&feed);
    tkp_sample_feed_finish(&feed);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct tkp_publisher_options options = {.address = "inproc://feed",
                                            .batch_frames = 100,
                                            .max_age_ns = 10 * TKP_NS_PER_MS,
                                            .queue_batches = 1000};
    assert_non_null(f);
    assert_int_equal(tkp_bus_create(&f->bus, NULL), TOKPERF_OK);
    assert_int_equal(tkp_publisher_open(f->bus, &options, &f->publisher, NULL), TOKPERF_OK);
    tkp_sample_feed_init(&f->feed, f->publisher);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    tkp_sample_feed_finish(&f->feed);
    tkp_subscriber_close(f->subscriber);
    tkp_publisher_close(f->publisher, WAIT_MS, NULL);
    tkp_bus_destroy(f->bus);
    free(f);
    return 0;
}

#define BUS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        BUS_TEST(test_order),
        BUS_TEST(test_a_gap_is_where_it_was),
        BUS_TEST(test_it_puts_by_itself),
        BUS_TEST(test_lost_events_are_a_gap),
        BUS_TEST(test_without_a_subscriber),
        cmocka_unit_test(test_without_a_bus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

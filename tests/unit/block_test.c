/* SPDX-License-Identifier: Apache-2.0 */
/* The way from a worker to the recorder: order, full pools, rows longer than a block or the pool.
 */
#include <record/block.h>

#include <base/clock.h>
#include <pthread.h>
#include <record/log.h>
#include <record/reassembly.h>
#include <row_samples.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

/* The other end: takes blocks apart and checks that sample rows come in order. */
struct receiver {
    struct tkp_reassembly *rows;
    uint64_t next_row; /* that must come next */
    uint32_t blocks;
    uint64_t bytes;
    uint32_t (*chunk_count)(uint64_t row);
    bool texts;
};

static char text[SAMPLE_MAX_TEXT_BYTES];

static uint32_t no_chunks(uint64_t row)
{
    (void)row;
    return 0;
}

static uint32_t thirty_chunks(uint64_t row)
{
    (void)row;
    return 30;
}

/* Of put_text_sample's rows. */
static uint32_t text_chunks(uint64_t row)
{
    return row % 40 == 13 && row % 3 ? 16500 : (uint32_t)(row % 4);
}

/* Mostly short rows, some longer than a block, a few longer than three. */
static uint32_t mixed_chunks(uint64_t row)
{
    if (row % 50 == 49)
        return 60000;
    return row % 10 == 7 ? 17000 : (uint32_t)(row * 31 % 400);
}

static void check_row(struct receiver *to, const struct tkp_whole_row *whole)
{
    uint32_t chunks = to->chunk_count(to->next_row);
    struct tkp_row expected = sample_row(to->next_row);
    assert_int_equal(whole->row->ordinal, to->next_row);
    assert_int_equal(whole->row->start_ns, expected.start_ns);
    assert_int_equal(whole->row->prompt_hash, expected.prompt_hash);
    assert_int_equal(whole->chunk_ns_count, chunks);
    assert_false(whole->times_lost);
    assert_true(sample_times_match(to->next_row, whole->chunk_ns, chunks));
    assert_false(whole->texts_lost);
    assert_int_equal(whole->texts.len, to->texts ? sample_text_bytes(to->next_row) : 0);
    for (uint64_t i = 0; i < whole->texts.len; i++)
        assert_int_equal(whole->texts.data[i], sample_text_byte(i));
    to->next_row++;
}

/* Receives one block; false when there is none. */
static bool receive(struct receiver *to, struct tkp_block_channel *channel)
{
    struct tkp_block *block = tkp_block_take(channel);
    if (!block)
        return false;
    assert_in_range(block->used_bytes, 9, TKP_BLOCK_BYTES);
    to->blocks++;
    to->bytes += block->used_bytes;
    struct tokperf_span payload = {(const char *)block->data, block->used_bytes};
    assert_int_equal(tkp_reassembly_feed(to->rows, block->kind, payload, NULL), TOKPERF_OK);
    struct tkp_whole_row whole;
    tokperf_status status;
    while (!(status = tkp_reassembly_next(to->rows, &whole, NULL)))
        check_row(to, &whole);
    assert_int_equal(status, TOKPERF_E_NOT_FOUND);
    tkp_block_give_back(channel, block);
    return true;
}

static bool put_sample(struct tkp_block_channel *channel, uint64_t n, uint32_t chunk_count,
                       uint64_t now_ns)
{
    struct sample_chunks chunks;
    struct tkp_chunk_source source;
    struct tkp_row row = sample_stream(n, chunk_count, &chunks, &source);
    return tkp_block_put(channel, &row, chunk_count ? &source : NULL, NULL, now_ns);
}

static bool put_text_sample(struct tkp_block_channel *channel, uint64_t n)
{
    struct sample_chunks chunks;
    struct tkp_chunk_source source;
    struct tkp_row row = sample_stream(n, text_chunks(n), &chunks, &source);
    row.kept_bytes = sample_text_bytes(n);
    return tkp_block_put(channel, &row, row.chunk_count ? &source : NULL, text, 0);
}

/* Texts follow the times, over as many blocks as it takes, in pools of any size. */
static void test_texts(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < sizeof text; i++)
        text[i] = sample_text_byte(i);
    for (uint32_t blocks = 1; blocks <= 3; blocks++) {
        struct tkp_block_channel *channel = tkp_block_channel_create(0, blocks);
        struct receiver to = {tkp_reassembly_create(), 0, 0, 0, text_chunks, true};
        for (uint64_t n = 0; n < 500; n++)
            while (!put_text_sample(channel, n))
                assert_true(receive(&to, channel));
        tkp_block_flush(channel, 0, true);
        while (receive(&to, channel))
            ;
        assert_int_equal(to.next_row, 500);
        assert_false(tkp_reassembly_is_open(to.rows));
        tkp_reassembly_destroy(to.rows);
        tkp_block_channel_destroy(channel);
    }
}

static void test_full_pool(void **state)
{
    (void)state;
    for (uint32_t blocks = 1; blocks <= 3; blocks++) {
        struct tkp_block_channel *channel = tkp_block_channel_create(5, blocks);
        assert_int_equal(tkp_block_count(channel), blocks + TKP_BLOCK_EVENT_BLOCKS);
        struct receiver to = {tkp_reassembly_create(), 0, 0, 0, thirty_chunks, false};
        uint64_t refused = 0;
        for (uint64_t n = 0; n < 5000;) {
            if (put_sample(channel, n, 30, 0)) {
                n++;
                continue;
            }
            refused++;
            assert_false(put_sample(channel, n, 30, 0)); /* again, and nothing changed */
            assert_true(receive(&to, channel));
        }
        assert_true(refused > 0);
        tkp_block_flush(channel, 0, true);
        while (receive(&to, channel))
            ;
        assert_int_equal(to.next_row, 5000);
        assert_false(tkp_reassembly_is_open(to.rows));
        tkp_reassembly_destroy(to.rows);
        tkp_block_channel_destroy(channel);
    }
    assert_null(tkp_block_channel_create(0, 0));
}

static void test_rows_of_any_length(void **state)
{
    (void)state;
    struct tkp_block_channel *channel = tkp_block_channel_create(0, 2);
    struct receiver to = {tkp_reassembly_create(), 0, 0, 0, mixed_chunks, false};
    for (uint64_t n = 0; n < 200; n++)
        while (!put_sample(channel, n, mixed_chunks(n), 0))
            assert_true(receive(&to, channel));
    tkp_block_flush(channel, 0, true);
    while (receive(&to, channel))
        ;
    assert_int_equal(to.next_row, 200);
    tkp_reassembly_destroy(to.rows);
    tkp_block_channel_destroy(channel);
}

/* While a long row is on its way, another one waits and is not lost. */
static void test_other_row_waits(void **state)
{
    (void)state;
    struct tkp_block_channel *channel = tkp_block_channel_create(0, 1);
    struct receiver to = {tkp_reassembly_create(), 49, 0, 0, mixed_chunks, false};
    assert_false(put_sample(channel, 49, 60000, 0));
    assert_true(receive(&to, channel));
    assert_true(tkp_reassembly_is_open(to.rows));
    assert_false(put_sample(channel, 50, mixed_chunks(50), 0)); /* there is a block now, but */
    assert_int_equal(tkp_block_flush(channel, 0, true), TKP_NEVER_NS);
    assert_false(receive(&to, channel));
    while (!put_sample(channel, 49, 60000, 0))
        assert_true(receive(&to, channel));
    while (!put_sample(channel, 50, mixed_chunks(50), 0))
        assert_true(receive(&to, channel));
    tkp_block_flush(channel, 0, true);
    while (receive(&to, channel))
        ;
    assert_int_equal(to.next_row, 51);
    tkp_reassembly_destroy(to.rows);
    tkp_block_channel_destroy(channel);
}

static void test_age(void **state)
{
    (void)state;
    const uint64_t age_ns = TKP_BLOCK_MAX_AGE_MS * TKP_NS_PER_MS;
    struct tkp_block_channel *channel = tkp_block_channel_create(0, 2);
    struct receiver to = {tkp_reassembly_create(), 0, 0, 0, no_chunks, false};
    assert_int_equal(tkp_block_flush(channel, 5, true), TKP_NEVER_NS); /* empty */
    assert_true(put_sample(channel, 0, 0, 1000));
    assert_true(put_sample(channel, 1, 0, 2000)); /* the age is that of its first row */
    assert_int_equal(tkp_block_flush(channel, 999 + age_ns, false), 1000 + age_ns);
    assert_false(receive(&to, channel));
    assert_int_equal(tkp_block_flush(channel, 1000 + age_ns, false), TKP_NEVER_NS);
    assert_true(receive(&to, channel));
    assert_int_equal(to.next_row, 2);
    assert_true(put_sample(channel, 2, 0, 7));
    assert_int_equal(tkp_block_flush(channel, 8, true), TKP_NEVER_NS);
    assert_true(receive(&to, channel));
    assert_int_equal(to.next_row, 3);
    tkp_reassembly_destroy(to.rows);
    tkp_block_channel_destroy(channel);
}

static void put_event(struct tkp_block_channel *channel, uint64_t n, uint64_t now_ns)
{
    struct tkp_request_event event = {
        .ordinal = n, .kind = TKP_REQUEST_ISSUED, .time_ns = n * 7, .turn_index = 3};
    tkp_block_put_event(channel, &event, now_ns);
}

/* Receives one block, which must be of events from `first` on; returns how many. */
static uint32_t receive_events(struct tkp_block_channel *channel, uint64_t first)
{
    struct tkp_block *block = tkp_block_take(channel);
    assert_non_null(block);
    assert_int_equal(block->kind, TKP_BLOCK_EVENTS);
    struct tkp_request_event event;
    uint32_t count = 0;
    for (uint32_t at = 0; at < block->used_bytes; at += sizeof event, count++) {
        memcpy(&event, block->data + at, sizeof event);
        assert_int_equal(event.ordinal, first + count);
        assert_int_equal(event.time_ns, event.ordinal * 7);
        assert_int_equal(event.turn_index, 3);
    }
    tkp_block_give_back(channel, block);
    return count;
}

/* A recorder that does not come for ten seconds: few rows and events do not take up the pool. */
static void test_age_with_a_recorder_that_is_behind(void **state)
{
    (void)state;
    const uint64_t age_ns = TKP_BLOCK_MAX_AGE_MS * TKP_NS_PER_MS;
    struct tkp_block_channel *channel = tkp_block_channel_create(0, 64);
    struct receiver to = {tkp_reassembly_create(), 0, 0, 0, no_chunks, false};
    uint64_t n = 0, events = 0;
    for (uint64_t now_ns = age_ns; n < 200; n++, now_ns += age_ns) {
        put_event(channel, n, now_ns);
        assert_true(put_sample(channel, n, 0, now_ns));
        assert_true(tkp_block_flush(channel, now_ns, false) > now_ns); /* no busy waiting */
    }
    assert_int_equal(tkp_block_events_lost(channel), 0);
    tkp_block_flush(channel, n * age_ns, true);
    while (events < n) {
        events += receive_events(channel, events);
        assert_true(receive(&to, channel));
    }
    assert_int_equal(events, n);
    assert_int_equal(to.next_row, n);
    tkp_reassembly_destroy(to.rows);
    tkp_block_channel_destroy(channel);
}

/* The block of rows that is handed on for any reason goes behind the events that are there. */
static void test_events_before_rows(void **state)
{
    (void)state;
    struct tkp_block_channel *channel = tkp_block_channel_create(0, 4);
    struct receiver to = {tkp_reassembly_create(), 0, 0, 0, no_chunks, false};
    assert_true(put_sample(channel, 0, 0, 1000)); /* the rows' block is the older one */
    put_event(channel, 1, 2000);
    assert_true(put_sample(channel, 1, 0, 3000));
    tkp_block_flush(channel, 1000 + TKP_BLOCK_MAX_AGE_MS * TKP_NS_PER_MS, false);
    assert_int_equal(receive_events(channel, 1), 1);
    assert_true(receive(&to, channel));
    assert_int_equal(to.next_row, 2);
    uint32_t blocks = to.blocks;
    for (uint64_t n = 2; to.blocks == blocks; n++) { /* by being full */
        put_event(channel, n, 0);
        assert_true(put_sample(channel, n, 0, 0));
        struct tkp_block *block = tkp_block_take(channel);
        if (!block)
            continue;
        assert_int_equal(block->kind, TKP_BLOCK_EVENTS); /* the last one's row is not in the next */
        assert_int_equal(block->used_bytes, (n - 1) * sizeof(struct tkp_request_event));
        tkp_block_give_back(channel, block);
        assert_true(receive(&to, channel));
        assert_int_equal(to.next_row, n);
    }
    tkp_reassembly_destroy(to.rows);
    tkp_block_channel_destroy(channel);
}

static void test_events_age(void **state)
{
    (void)state;
    const uint64_t age_ns = TKP_BLOCK_MAX_AGE_MS * TKP_NS_PER_MS;
    struct tkp_block_channel *channel = tkp_block_channel_create(0, 2);
    put_event(channel, 0, 1000);
    put_event(channel, 1, 2000);
    assert_int_equal(tkp_block_flush(channel, 999 + age_ns, false), 1000 + age_ns);
    assert_null(tkp_block_take(channel));
    assert_true(put_sample(channel, 0, 0, 5000)); /* is not as old */
    assert_int_equal(tkp_block_flush(channel, 1000 + age_ns, false), 5000 + age_ns);
    assert_int_equal(receive_events(channel, 0), 2);
    assert_null(tkp_block_take(channel));
    put_event(channel, 2, 6000);
    assert_int_equal(tkp_block_flush(channel, 0, true), TKP_NEVER_NS);
    assert_int_equal(receive_events(channel, 2), 1);
    tkp_block_channel_destroy(channel);
}

/* A recorder that does not come costs events, never a block for rows. */
static void test_lost_events(void **state)
{
    (void)state;
    const uint64_t room = TKP_BLOCK_BYTES / sizeof(struct tkp_request_event);
    struct tkp_block_channel *channel = tkp_block_channel_create(0, 1);
    struct receiver to = {tkp_reassembly_create(), 0, 0, 0, no_chunks, false};
    for (uint64_t n = 0; n < room * TKP_BLOCK_EVENT_BLOCKS; n++)
        put_event(channel, n, 0);
    assert_int_equal(tkp_block_events_lost(channel), 0);
    for (uint64_t n = 0; n < 5; n++)
        put_event(channel, n, 0);
    assert_int_equal(tkp_block_events_lost(channel), 5);
    assert_true(put_sample(channel, 0, 0, 0));
    tkp_block_flush(channel, 0, true);
    for (uint64_t i = 0; i < TKP_BLOCK_EVENT_BLOCKS; i++)
        assert_int_equal(receive_events(channel, i * room), room);
    assert_true(receive(&to, channel));
    put_event(channel, 9, 0); /* there is room again */
    tkp_block_flush(channel, 0, true);
    assert_int_equal(receive_events(channel, 9), 1);
    assert_int_equal(tkp_block_events_lost(channel), 5);
    tkp_reassembly_destroy(to.rows);
    tkp_block_channel_destroy(channel);
}

/* Both sides of the promised sizes, measured over a whole log's worth of blocks. */
static void test_bytes_per_row(void **state)
{
    (void)state;
    enum { ROWS = 4000, CHUNKS = 30 };
    double per_row[2] = {0};
    for (int k = 0; k < 2; k++) {
        struct tkp_block_channel *channel = tkp_block_channel_create(0, 2);
        struct receiver to = {tkp_reassembly_create(),       0,    0, 0,
                              k ? thirty_chunks : no_chunks, false};
        for (uint64_t n = 0; n < ROWS; n++)
            while (!put_sample(channel, n, k ? CHUNKS : 0, 0))
                receive(&to, channel);
        tkp_block_flush(channel, 0, true);
        while (receive(&to, channel))
            ;
        per_row[k] = (double)to.bytes / ROWS;
        tkp_reassembly_destroy(to.rows);
        tkp_block_channel_destroy(channel);
    }
    double per_chunk = (per_row[1] - per_row[0]) / CHUNKS;
    print_message("%.1f bytes a plain row, %.2f a chunk\n", per_row[0], per_chunk);
    assert_true(per_row[0] < 150);
    assert_true(per_chunk < 4.1);
}

enum { THREAD_ROWS = 3000 };

static void *worker_main(void *argument)
{
    struct tkp_block_channel *channel = argument;
    for (uint64_t n = 0; n < THREAD_ROWS; n++)
        while (!put_sample(channel, n, mixed_chunks(n) % 500, 0))
            sched_yield();
    tkp_block_flush(channel, 0, true);
    return NULL;
}

static uint32_t short_chunks(uint64_t row)
{
    return mixed_chunks(row) % 500;
}

static void test_two_threads(void **state)
{
    (void)state;
    struct tkp_block_channel *channel = tkp_block_channel_create(1, 2);
    struct receiver to = {tkp_reassembly_create(), 0, 0, 0, short_chunks, false};
    pthread_t worker;
    assert_int_equal(pthread_create(&worker, NULL, worker_main, channel), 0);
    while (to.next_row < THREAD_ROWS)
        if (!receive(&to, channel))
            sched_yield();
    pthread_join(worker, NULL);
    assert_false(receive(&to, channel));
    tkp_reassembly_destroy(to.rows);
    tkp_block_channel_destroy(channel);
}

/* The bound of a row: more chunks than are kept. The pool holds it all: rewinding is slow here. */
static void test_chunk_bound(void **state)
{
    (void)state;
    enum { KEPT = 1 << 24 };
    struct tkp_block_channel *channel = tkp_block_channel_create(0, 1100);
    struct tkp_reassembly *rows = tkp_reassembly_create();
    struct sample_chunks chunks;
    struct tkp_chunk_source source;
    struct tkp_row row = sample_stream(1, KEPT + 3, &chunks, &source);
    struct tkp_whole_row whole = {0};
    bool done = false;
    while (!done || !whole.row) {
        done = done || tkp_block_put(channel, &row, &source, NULL, 0);
        struct tkp_block *block;
        while ((block = tkp_block_take(channel))) {
            struct tokperf_span payload = {(const char *)block->data, block->used_bytes};
            assert_int_equal(tkp_reassembly_feed(rows, block->kind, payload, NULL), TOKPERF_OK);
            tokperf_status status = tkp_reassembly_next(rows, &whole, NULL);
            assert_true(status == TOKPERF_OK || status == TOKPERF_E_NOT_FOUND);
            tkp_block_give_back(channel, block);
        }
    }
    assert_int_equal(whole.row->chunk_count, KEPT + 3);
    assert_int_equal(whole.chunk_ns_count, KEPT);
    assert_true(sample_times_match(1, whole.chunk_ns, 1000000));
    tkp_reassembly_destroy(rows);
    tkp_block_channel_destroy(channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_pool),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_rows_of_any_length),
        cmocka_unit_test(test_other_row_waits),
        cmocka_unit_test(test_age),
        cmocka_unit_test(test_age_with_a_recorder_that_is_behind),
        cmocka_unit_test(test_events_before_rows),
        cmocka_unit_test(test_events_age),
        cmocka_unit_test(test_lost_events),
        cmocka_unit_test(test_bytes_per_row),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_chunk_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

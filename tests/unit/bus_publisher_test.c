/* SPDX-License-Identifier: Apache-2.0 */
/* When batches go out, in which order, and who gets them; over real sockets of both kinds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <bus_case.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <zmq.h>

#define ALL_TOPICS ((1u << TKP_TOPIC_COUNT) - 1)
static const uint64_t NEVER_NS = TKP_NEVER_NS;

static void begin(struct bus_case *c, bool is_ipc, uint32_t batch_frames, uint64_t max_age_ns)
{
    bus_case_make(c, is_ipc);
    bus_case_publish(
        c, (struct tkp_publisher_options){.batch_frames = batch_frames, .max_age_ns = max_age_ns});
}

static void a_batch_goes_at_its_size(void **state)
{
    (void)state;
    for (int is_ipc = 0; is_ipc < 2; is_ipc++) {
        struct bus_case c;
        begin(&c, is_ipc, 10, NEVER_NS);
        struct tkp_subscriber *s = bus_case_subscribe(&c, 1u << TKP_TOPIC_SAMPLE);
        bus_case_put(&c, TKP_TOPIC_SAMPLE, 0, 9);
        bus_case_put(&c, TKP_TOPIC_SAMPLE, 9, 25); /* fills one, makes two, begins another */
        bus_case_expect(s, TKP_TOPIC_SAMPLE, 0, 10);
        bus_case_expect(s, TKP_TOPIC_SAMPLE, 10, 10);
        bus_case_expect(s, TKP_TOPIC_SAMPLE, 20, 10);
        tkp_publisher_flush(c.publisher);
        bus_case_expect(s, TKP_TOPIC_SAMPLE, 30, 4);
        assert_int_equal(tkp_subscriber_counts(s)->frames, 34);
        assert_int_equal(tkp_subscriber_counts(s)->batches, 4);
        assert_int_equal(tkp_subscriber_counts(s)->missed[TKP_TOPIC_SAMPLE], 0);
        tkp_subscriber_close(s);
        assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 0);
    }
}

static void a_batch_goes_at_its_age(void **state)
{
    (void)state;
    for (int is_ipc = 0; is_ipc < 2; is_ipc++) {
        struct bus_case c;
        begin(&c, is_ipc, 1000, 5 * TKP_NS_PER_MS);
        struct tkp_subscriber *s = bus_case_subscribe(&c, ALL_TOPICS);
        for (uint64_t i = 0; i < 4; i++) { /* each alone: the thread sleeps in between */
            bus_case_put(&c, TKP_TOPIC_SNAPSHOT, i, 1);
            bus_case_expect(s, TKP_TOPIC_SNAPSHOT, i, 1);
        }
        tkp_subscriber_close(s);
        assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 0);
    }
}

static void flush_sends_all_topics_in_the_order_of_their_first_frames(void **state)
{
    (void)state;
    struct bus_case c;
    begin(&c, true, 1000, NEVER_NS);
    struct tkp_subscriber *s = bus_case_subscribe(&c, ALL_TOPICS);
    bus_case_put(&c, TKP_TOPIC_SAMPLE, 0, 2);
    bus_case_put(&c, TKP_TOPIC_PHASE, 0, 1);
    bus_case_put(&c, TKP_TOPIC_SESSION, 0, 1);
    bus_case_put(&c, TKP_TOPIC_SAMPLE, 2, 3);
    tkp_publisher_flush(c.publisher);
    bus_case_put(&c, TKP_TOPIC_SESSION, 1, 1);
    bus_case_put(&c, TKP_TOPIC_SAMPLE, 5, 1);
    tkp_publisher_flush(c.publisher);
    bus_case_expect(s, TKP_TOPIC_SAMPLE, 0, 5);
    bus_case_expect(s, TKP_TOPIC_PHASE, 0, 1);
    bus_case_expect(s, TKP_TOPIC_SESSION, 0, 1);
    bus_case_expect(s, TKP_TOPIC_SESSION, 1, 1);
    bus_case_expect(s, TKP_TOPIC_SAMPLE, 5, 1);
    tkp_subscriber_close(s);
    assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 0);
}

/* One frame to a batch (few enough for the high-water mark), and many: the topic is that of the
 * message, not of a frame in it. */
static void a_subscriber_gets_its_topic_alone(void **state)
{
    (void)state;
    for (uint32_t batch_frames = 1; batch_frames <= 25; batch_frames += 24) {
        struct bus_case c;
        begin(&c, true, batch_frames, NEVER_NS);
        struct tkp_subscriber *samples = bus_case_subscribe(&c, 1u << TKP_TOPIC_SAMPLE);
        struct tkp_subscriber *phases = bus_case_subscribe(&c, 1u << TKP_TOPIC_PHASE);
        for (uint32_t i = 0; i < 50; i += batch_frames)
            for (uint32_t topic = 0; topic < TKP_TOPIC_COUNT; topic++)
                bus_case_put(&c, (enum tkp_topic)topic, i, batch_frames);
        for (uint32_t i = 0; i < 50; i += batch_frames) {
            bus_case_expect(samples, TKP_TOPIC_SAMPLE, i, batch_frames);
            bus_case_expect(phases, TKP_TOPIC_PHASE, i, batch_frames);
        }
        assert_int_equal(tkp_subscriber_counts(samples)->frames, 50);
        assert_int_equal(tkp_subscriber_counts(samples)->missed[TKP_TOPIC_SAMPLE], 0);
        assert_int_equal(tkp_subscriber_counts(phases)->missed[TKP_TOPIC_PHASE], 0);
        tkp_subscriber_close(samples);
        tkp_subscriber_close(phases);
        assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 0);
    }
}

static void who_joins_late_misses_nothing_by_its_own_count(void **state)
{
    (void)state;
    struct bus_case c;
    begin(&c, true, 1, NEVER_NS);
    assert_false(tkp_publisher_has_subscriber(c.publisher, TKP_TOPIC_SAMPLE));
    bus_case_put(&c, TKP_TOPIC_SAMPLE, 0, 100);
    struct tkp_subscriber *early = bus_case_subscribe(&c, 1u << TKP_TOPIC_SAMPLE);
    bus_case_put(&c, TKP_TOPIC_SAMPLE, 100, 1);
    bus_case_expect(early, TKP_TOPIC_SAMPLE, 100, 1);
    struct tkp_subscriber *late = bus_case_subscribe(&c, ALL_TOPICS);
    for (uint64_t i = 101; tkp_subscriber_counts(late)->frames == 0; i++) {
        struct tkp_frame_reader reader;
        bus_case_put(&c, TKP_TOPIC_SAMPLE, i, 1);
        if (tkp_subscriber_next(late, 10, &reader, NULL) == TOKPERF_OK)
            assert_true(reader.head.sequence >= 101);
        assert_true(i < 2000);
    }
    assert_int_equal(tkp_subscriber_counts(late)->missed[TKP_TOPIC_SAMPLE], 0);
    tkp_subscriber_close(early);
    tkp_subscriber_close(late);
    assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 0);
}

static void frames_that_were_not_there_are_a_gap(void **state)
{
    (void)state;
    struct bus_case c;
    begin(&c, false, 10, NEVER_NS);
    struct tkp_subscriber *s = bus_case_subscribe(&c, 1u << TKP_TOPIC_SAMPLE);
    bus_case_put(&c, TKP_TOPIC_SAMPLE, 0, 2);
    tkp_publisher_skip(c.publisher, TKP_TOPIC_SAMPLE, 1000);
    bus_case_put(&c, TKP_TOPIC_SAMPLE, 1002, 10);
    bus_case_expect(s, TKP_TOPIC_SAMPLE, 0, 2);
    bus_case_expect(s, TKP_TOPIC_SAMPLE, 1002, 10);
    assert_int_equal(tkp_subscriber_counts(s)->missed[TKP_TOPIC_SAMPLE], 1000);
    tkp_subscriber_close(s);
    assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 0);
}

/* A foreign subscriber asks for what begins with "s", then for everything. */
static void subscriptions_are_counted_by_what_they_let_through(void **state)
{
    (void)state;
    struct bus_case c;
    begin(&c, true, 1, NEVER_NS);
    void *context = zmq_ctx_new();
    void *sub = zmq_socket(context, ZMQ_SUB);
    assert_int_equal(zmq_connect(sub, c.address), 0);
    assert_int_equal(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "s", 1), 0);
    BUS_AWAIT(tkp_publisher_has_subscriber(c.publisher, TKP_TOPIC_SESSION) &&
              tkp_publisher_has_subscriber(c.publisher, TKP_TOPIC_SNAPSHOT) &&
              tkp_flag_is_raised(tkp_publisher_sample_flag(c.publisher)));
    assert_false(tkp_publisher_has_subscriber(c.publisher, TKP_TOPIC_PHASE));
    assert_int_equal(zmq_setsockopt(sub, ZMQ_SUBSCRIBE, "", 0), 0);
    BUS_AWAIT(tkp_publisher_has_subscriber(c.publisher, TKP_TOPIC_PHASE));
    assert_int_equal(zmq_setsockopt(sub, ZMQ_UNSUBSCRIBE, "", 0), 0);
    BUS_AWAIT(!tkp_publisher_has_subscriber(c.publisher, TKP_TOPIC_PHASE));
    assert_true(tkp_publisher_has_subscriber(c.publisher, TKP_TOPIC_SAMPLE));
    zmq_close(sub); /* without taking its subscription back */
    BUS_AWAIT(!tkp_publisher_has_subscriber(c.publisher, TKP_TOPIC_SAMPLE));
    zmq_ctx_term(context);
    assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 0);
}

static void frames_that_do_not_fit_one_batch_become_several(void **state)
{
    (void)state;
    enum { LONG_BYTES = 6 * 1024 * 1024 };
    struct bus_case c;
    begin(&c, true, 1000, NEVER_NS);
    struct tkp_subscriber *s = bus_case_subscribe(&c, 1u << TKP_TOPIC_SNAPSHOT);
    for (uint64_t i = 0; i < 3; i++)
        bus_case_put_long(&c, TKP_TOPIC_SNAPSHOT, i, 1, LONG_BYTES);
    tkp_publisher_flush(c.publisher);
    bus_case_expect(s, TKP_TOPIC_SNAPSHOT, 0, 2);
    bus_case_expect(s, TKP_TOPIC_SNAPSHOT, 2, 1);
    bus_case_put_long(&c, TKP_TOPIC_SNAPSHOT, 3, 3, LONG_BYTES); /* handed over as one */
    assert_int_equal(tkp_publisher_lost(c.publisher), 3);
    tkp_subscriber_close(s);
    assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 3);
}

struct producer {
    pthread_t thread;
    struct bus_case *c;
    enum tkp_topic topic;
};

enum { FRAMES_A_PRODUCER = 500 };

static void *produce(void *argument)
{
    struct producer *p = argument;
    for (uint64_t i = 0; i < FRAMES_A_PRODUCER; i++) {
        bus_case_put(p->c, p->topic, i, 1);
        if (p->topic == TKP_TOPIC_SESSION && i % 100 == 99)
            tkp_publisher_flush(p->c->publisher);
    }
    return NULL;
}

/* So few batches that none is over the high-water mark, however slowly they are read. */
static void any_thread_may_put(void **state)
{
    (void)state;
    struct bus_case c;
    struct producer producers[TKP_TOPIC_COUNT];
    begin(&c, true, 64, NEVER_NS);
    struct tkp_subscriber *s = bus_case_subscribe(&c, ALL_TOPICS);
    for (uint32_t i = 0; i < TKP_TOPIC_COUNT; i++) {
        producers[i] = (struct producer){.c = &c, .topic = (enum tkp_topic)i};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    for (uint32_t i = 0; i < TKP_TOPIC_COUNT; i++)
        pthread_join(producers[i].thread, NULL);
    tkp_publisher_flush(c.publisher);
    while (tkp_subscriber_counts(s)->frames < FRAMES_A_PRODUCER * TKP_TOPIC_COUNT) {
        struct tkp_frame_reader reader;
        BUS_OK(tkp_subscriber_next(s, BUS_PATIENCE_MS, &reader, error));
    }
    for (uint32_t i = 0; i < TKP_TOPIC_COUNT; i++)
        assert_int_equal(tkp_subscriber_counts(s)->missed[i], 0);
    tkp_subscriber_close(s);
    assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 0);
}

/* Whether the thread of that id blocks a signal; -1: it is none of the bus's. */
static int blocks(const char *task, int signal_number)
{
    char path[300], line[256];
    unsigned long long blocked = 0;
    bool is_ours = false;
    snprintf(path, sizeof path, "/proc/self/task/%s/status", task);
    FILE *file = fopen(path, "re");
    if (!file)
        return -1;
    while (fgets(line, sizeof line, file)) {
        if (!strncmp(line, "Name:", 5))
            is_ours = strstr(line, "ZMQbg") || !strcmp(line, "Name:\tpublisher\n");
        if (!strncmp(line, "SigBlk:", 7))
            blocked = strtoull(line + 7, NULL, 16);
    }
    fclose(file);
    return is_ours ? (blocked >> (signal_number - 1) & 1) != 0 : -1;
}

/* How many threads of the bus have their names already, and that none of them takes the signals. */
static int count_quiet_threads(void)
{
    int threads = 0;
    DIR *dir = opendir("/proc/self/task");
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        int interrupt = blocks(entry->d_name, SIGINT);
        threads += interrupt >= 0;
        assert_int_not_equal(interrupt, 0);
        assert_int_not_equal(blocks(entry->d_name, SIGTERM), 0);
    }
    closedir(dir);
    return threads;
}

static void signals_reach_no_thread_of_the_bus(void **state)
{
    (void)state;
    struct bus_case c;
    begin(&c, true, 1, NEVER_NS);
    BUS_AWAIT(count_quiet_threads() == 3); /* publisher, input and output, reaper */
    assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 0);
}

static void an_address_that_cannot_be_bound_is_named(void **state)
{
    (void)state;
    struct bus_case c;
    struct tokperf_error error = {0};
    struct tkp_publisher_options options = {.address = "ipc:///nonexistent/dir/events"};
    bus_case_make(&c, false);
    assert_int_equal(tkp_publisher_open(c.bus, &options, &c.publisher, &error), TOKPERF_E_IO);
    assert_non_null(strstr(error.message, "ipc:///nonexistent/dir/events"));
    assert_null(c.publisher);
    bus_case_end(&c, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_goes_at_its_size),
        cmocka_unit_test(a_batch_goes_at_its_age),
        cmocka_unit_test(flush_sends_all_topics_in_the_order_of_their_first_frames),
        cmocka_unit_test(a_subscriber_gets_its_topic_alone),
        cmocka_unit_test(who_joins_late_misses_nothing_by_its_own_count),
        cmocka_unit_test(frames_that_were_not_there_are_a_gap),
        cmocka_unit_test(subscriptions_are_counted_by_what_they_let_through),
        cmocka_unit_test(frames_that_do_not_fit_one_batch_become_several),
        cmocka_unit_test(any_thread_may_put),
        cmocka_unit_test(signals_reach_no_thread_of_the_bus),
        cmocka_unit_test(an_address_that_cannot_be_bound_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sends that fail, subscribers that are stuck, dead or lie: nobody waits, and every count is right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/log.h>
#include <bus_case.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

static const uint64_t NEVER_NS = TKP_NEVER_NS;

/* Sends that fail while `fails` is raised, and otherwise every time but the `nth`. */
struct sender {
    struct tkp_flag fails;
    uint64_t nth;
    struct tkp_gauge calls, batches; /* batches: gone out */
    struct tkp_flag stands;          /* the next send takes until `stand_ms` later */
    uint64_t stand_ms;
};

static int send_sometimes(void *context, void *socket, struct tokperf_span part, bool is_last)
{
    struct sender *sender = context;
    tkp_gauge_add(&sender->calls, 1);
    if (tkp_flag_is_raised(&sender->stands)) {
        uint64_t until_ns = tkp_clock_now_ns() + sender->stand_ms * TKP_NS_PER_MS;
        while (tkp_clock_now_ns() < until_ns)
            sched_yield();
        tkp_flag_lower(&sender->stands);
    }
    if (tkp_flag_is_raised(&sender->fails))
        return ENOMEM;
    if (sender->nth && tkp_gauge_get(&sender->calls) % sender->nth != 0)
        return EINTR;
    if (zmq_send(socket, part.data, part.len, ZMQ_DONTWAIT | (is_last ? 0 : ZMQ_SNDMORE)) < 0)
        return zmq_errno();
    tkp_gauge_add(&sender->batches, is_last);
    return 0;
}

static void begin(struct bus_case *c, struct sender *sender, uint32_t queue_batches)
{
    tkp_log_set_level(TKP_LOG_ERROR);
    bus_case_make(c, true);
    bus_case_publish(c, (struct tkp_publisher_options){.batch_frames = 1,
                                                       .max_age_ns = NEVER_NS,
                                                       .queue_batches = queue_batches,
                                                       .send_part = sender ? send_sometimes : NULL,
                                                       .send_context = sender});
}

/* Both parts of a message fail now and then, alone and together. */
static void failed_sends_are_repeated_in_order(void **state)
{
    (void)state;
    for (uint64_t nth = 2; nth <= 3; nth++) {
        struct bus_case c;
        struct sender sender = {.nth = nth};
        begin(&c, &sender, 0);
        struct tkp_subscriber *s =
            bus_case_subscribe(&c, 1u << TKP_TOPIC_SAMPLE | 1u << TKP_TOPIC_PHASE);
        for (uint64_t i = 0; i < 10; i++) {
            bus_case_put(&c, TKP_TOPIC_SAMPLE, i, 1);
            bus_case_put(&c, TKP_TOPIC_PHASE, i, 1);
        }
        for (uint64_t i = 0; i < 10; i++) {
            bus_case_expect(s, TKP_TOPIC_SAMPLE, i, 1);
            bus_case_expect(s, TKP_TOPIC_PHASE, i, 1);
        }
        assert_true(tkp_gauge_get(&sender.calls) > 40);
        assert_int_equal(tkp_subscriber_counts(s)->missed[TKP_TOPIC_SAMPLE], 0);
        assert_int_equal(tkp_subscriber_counts(s)->damaged, 0);
        tkp_subscriber_close(s);
        assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 0);
    }
}

static void what_is_over_the_queue_is_lost_and_counted(void **state)
{
    (void)state;
    struct bus_case c;
    struct sender sender = {.nth = 0};
    begin(&c, &sender, 4);
    struct tkp_subscriber *s = bus_case_subscribe(&c, 1u << TKP_TOPIC_SAMPLE);
    tkp_flag_raise(&sender.fails);
    for (uint64_t i = 0; i < 10; i++)
        bus_case_put(&c, TKP_TOPIC_SAMPLE, i, 1);
    assert_int_equal(tkp_publisher_lost(c.publisher), 6);
    BUS_AWAIT(tkp_gauge_get(&sender.calls) >= 2); /* tried again while nothing is put */
    tkp_flag_lower(&sender.fails);
    BUS_AWAIT(tkp_gauge_get(&sender.batches) == 4);
    bus_case_put(&c, TKP_TOPIC_SAMPLE, 10, 1);
    for (uint64_t i = 0; i < 4; i++)
        bus_case_expect(s, TKP_TOPIC_SAMPLE, i, 1);
    bus_case_expect(s, TKP_TOPIC_SAMPLE, 10, 1);
    assert_int_equal(tkp_subscriber_counts(s)->missed[TKP_TOPIC_SAMPLE], 6);
    tkp_subscriber_close(s);
    assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 6);
}

static void close_gives_up_and_says_what_it_lost(void **state)
{
    (void)state;
    struct bus_case c;
    struct sender sender = {.nth = 0};
    begin(&c, &sender, 0);
    struct tkp_subscriber *s = bus_case_subscribe(&c, 1u << TKP_TOPIC_SAMPLE);
    tkp_flag_raise(&sender.fails);
    bus_case_put(&c, TKP_TOPIC_SAMPLE, 0, 7);
    tkp_subscriber_close(s);
    assert_int_equal(bus_case_end(&c, 30), 7);
}

/* A thread that stands still beyond the linger has sent nothing yet of what was put last. */
static void close_sends_what_it_can_however_late(void **state)
{
    (void)state;
    struct bus_case c;
    struct sender sender = {.stand_ms = 50};
    tkp_log_set_level(TKP_LOG_ERROR);
    bus_case_make(&c, true);
    bus_case_publish(&c, (struct tkp_publisher_options){.batch_frames = 1000,
                                                        .max_age_ns = NEVER_NS,
                                                        .send_part = send_sometimes,
                                                        .send_context = &sender});
    struct tkp_subscriber *s =
        bus_case_subscribe(&c, 1u << TKP_TOPIC_SAMPLE | 1u << TKP_TOPIC_SNAPSHOT);
    tkp_flag_raise(&sender.stands);
    bus_case_put(&c, TKP_TOPIC_SAMPLE, 0, 1);
    tkp_publisher_flush(c.publisher);
    BUS_AWAIT(tkp_gauge_get(&sender.calls) > 0);
    bus_case_put(&c, TKP_TOPIC_SNAPSHOT, 0, 1);
    struct tkp_publisher_losses losses;
    tkp_publisher_close(c.publisher, 1, &losses);
    c.publisher = NULL;
    assert_int_equal(losses.unsent, 0);
    bus_case_expect(s, TKP_TOPIC_SAMPLE, 0, 1);
    bus_case_expect(s, TKP_TOPIC_SNAPSHOT, 0, 1);
    tkp_subscriber_close(s);
    bus_case_end(&c, 0);
}

/* What a test saw come, by the frames' numbers. */
struct seen {
    uint64_t frames, next;
};

static void take_one(struct tkp_subscriber *s, struct seen *seen, uint32_t timeout_ms)
{
    struct tkp_frame_reader reader;
    struct tkp_frame frame;
    if (tkp_subscriber_next(s, timeout_ms, &reader, NULL))
        return;
    while (!tkp_frame_reader_next(&reader, &frame, NULL)) {
        uint64_t number;
        memcpy(&number, frame.payload.data, sizeof number);
        assert_int_equal(number, frame.sequence);
        assert_true(number >= seen->next);
        seen->frames++;
        seen->next = number + 1;
    }
}

static void a_stuck_subscriber_holds_nobody_up_and_knows_what_it_missed(void **state)
{
    (void)state;
    enum { FRAMES = 1000, FRAME_BYTES = 16 * 1024 };
    struct bus_case c;
    struct sender sender = {.nth = 0};
    struct seen seen = {0};
    begin(&c, &sender, 0);
    struct tkp_subscriber *stuck = bus_case_subscribe(&c, 1u << TKP_TOPIC_SAMPLE);
    for (uint64_t i = 0; i < FRAMES; i++)
        bus_case_put_long(&c, TKP_TOPIC_SAMPLE, i, 1, FRAME_BYTES);
    BUS_AWAIT(tkp_gauge_get(&sender.batches) == FRAMES); /* though nobody reads */
    assert_int_equal(tkp_publisher_lost(c.publisher), 0);
    for (uint64_t next = FRAMES; seen.next <= FRAMES;) { /* until a later one gets through */
        uint64_t before = seen.frames;
        take_one(stuck, &seen, 20);
        if (seen.frames == before)
            bus_case_put_long(&c, TKP_TOPIC_SAMPLE, next++, 1, FRAME_BYTES);
        assert_true(next < 2 * FRAMES);
    }
    const struct tkp_subscriber_counts *counts = tkp_subscriber_counts(stuck);
    assert_true(counts->missed[TKP_TOPIC_SAMPLE] > 0);
    assert_int_equal(counts->frames, seen.frames);
    assert_int_equal(counts->missed[TKP_TOPIC_SAMPLE], seen.next - seen.frames);
    tkp_subscriber_close(stuck);
    assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 0);
}

/* In a process of its own, until it is killed. Says on `fd` that the first batch came. */
static void listen_for_ever(const char *address, int fd, bool reads_on)
{
    struct tkp_bus *bus;
    struct tkp_subscriber *s;
    struct tkp_frame_reader reader;
    if (tkp_bus_create(&bus, NULL) ||
        tkp_subscriber_open(bus, address, 1u << TKP_TOPIC_SAMPLE, 0, &s, NULL))
        _exit(1);
    bool said = false;
    while (!said || reads_on) {
        said |= !tkp_subscriber_next(s, BUS_PATIENCE_MS, &reader, NULL);
        if (said && write(fd, "", 1) != 1)
            _exit(1);
    }
    for (;;)
        pause();
}

/* Forked before this process has threads. */
static pid_t start_listener(char *address, int *fd, bool reads_on)
{
    struct tkp_bus_folder folder;
    int pipe_fds[2];
    BUS_OK(tkp_bus_folder_make(&folder, error));
    tkp_bus_folder_address(&folder, "events", address);
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(pipe_fds[0]);
        listen_for_ever(address, pipe_fds[1], reads_on);
    }
    close(pipe_fds[1]);
    *fd = pipe_fds[0];
    close(folder.lock_fd); /* removed by hand */
    return pid;
}

static void remove_folder_of(char *address)
{
    char *path = address + strlen("ipc://");
    unlink(path);
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0);
}

static void publish_at(struct bus_case *c, const char *address, struct sender *sender)
{
    bus_case_make(c, false);
    memcpy(c->address, address, sizeof c->address);
    bus_case_publish(c, (struct tkp_publisher_options){.batch_frames = 1,
                                                       .max_age_ns = NEVER_NS,
                                                       .send_part = sender ? send_sometimes : NULL,
                                                       .send_context = sender});
    BUS_AWAIT(tkp_publisher_has_subscriber(c->publisher, TKP_TOPIC_SAMPLE));
}

/* Stopped with everything between it and the publisher full: the rest cannot go out. */
static void close_does_not_wait_for_a_stopped_subscriber(void **state)
{
    (void)state;
    enum { FRAMES = 500, FRAME_BYTES = 64 * 1024 };
    char address[TKP_BUS_ADDRESS_BYTES], byte;
    struct bus_case c;
    struct sender sender = {.nth = 0};
    int fd;
    pid_t pid = start_listener(address, &fd, false);
    publish_at(&c, address, &sender);
    bus_case_put(&c, TKP_TOPIC_SAMPLE, 0, 1);
    assert_int_equal(read(fd, &byte, 1), 1);
    assert_int_equal(kill(pid, SIGSTOP), 0);
    for (uint64_t i = 1; i < FRAMES; i++)
        bus_case_put_long(&c, TKP_TOPIC_SAMPLE, i, 1, FRAME_BYTES);
    BUS_AWAIT(tkp_gauge_get(&sender.batches) == FRAMES);
    assert_int_equal(bus_case_end(&c, 100), 0); /* a test that hangs here is ended by its limit */
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(fd);
    remove_folder_of(address);
}

/* Nothing of a subscriber that reads; of one that stands still what it had no room for. */
static void close_says_what_was_not_taken(void **state)
{
    (void)state;
    enum { FRAMES = 60, FRAME_BYTES = 64 * 1024 };
    for (int stops = 0; stops < 2; stops++) {
        char address[TKP_BUS_ADDRESS_BYTES], byte;
        struct tkp_publisher_losses losses;
        struct bus_case c;
        int fd;
        pid_t pid = start_listener(address, &fd, true);
        publish_at(&c, address, NULL);
        bus_case_put(&c, TKP_TOPIC_SAMPLE, 0, 1);
        assert_int_equal(read(fd, &byte, 1), 1);
        if (stops)
            assert_int_equal(kill(pid, SIGSTOP), 0);
        for (uint64_t i = 1; i < FRAMES; i++)
            bus_case_put_long(&c, TKP_TOPIC_SAMPLE, i, 1, FRAME_BYTES);
        tkp_publisher_close(c.publisher, stops ? 100 : BUS_PATIENCE_MS, &losses);
        c.publisher = NULL;
        assert_int_equal(losses.unsent, 0);
        assert_true(stops ? losses.untaken > 0 && losses.untaken < FRAMES : !losses.untaken);
        bus_case_end(&c, 0);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        close(fd);
        remove_folder_of(address);
    }
}

static void a_killed_subscriber_is_one_no_more(void **state)
{
    (void)state;
    char address[TKP_BUS_ADDRESS_BYTES], byte;
    struct bus_case c;
    int fd;
    pid_t pid = start_listener(address, &fd, true);
    publish_at(&c, address, NULL);
    for (uint64_t i = 0; i < 20; i++) {
        bus_case_put(&c, TKP_TOPIC_SAMPLE, i, 1);
        assert_int_equal(read(fd, &byte, 1), 1);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    BUS_AWAIT(!tkp_publisher_has_subscriber(c.publisher, TKP_TOPIC_SAMPLE));
    bus_case_put(&c, TKP_TOPIC_SAMPLE, 20, 1);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 0);
    close(fd);
    remove_folder_of(address);
}

static void a_folder_that_somebody_removed_ends_nothing(void **state)
{
    (void)state;
    struct bus_case c;
    begin(&c, NULL, 0);
    struct tkp_subscriber *s = bus_case_subscribe(&c, 1u << TKP_TOPIC_SAMPLE);
    assert_int_equal(unlink(c.address + strlen("ipc://")), 0);
    assert_int_equal(rmdir(c.folder.path), 0);
    bus_case_put(&c, TKP_TOPIC_SAMPLE, 0, 3);
    for (uint64_t i = 0; i < 3; i++)
        bus_case_expect(s, TKP_TOPIC_SAMPLE, i, 1);
    tkp_subscriber_close(s);
    assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 0);
}

/* A batch of one frame of a kind and a version, with more bytes said than there are. */
static void send_raw(void *pub, const char *name, uint16_t topic, uint16_t kind, uint16_t version,
                     uint32_t too_many, bool has_more)
{
    struct {
        struct tkp_batch_head head;
        struct tkp_frame_head frame;
    } batch = {{"", TKP_BATCH_VERSION, topic, 7, 1, sizeof(struct tkp_frame_head)},
               {kind, version, too_many}};
    memcpy(batch.head.magic, TKP_BATCH_MAGIC, sizeof batch.head.magic);
    zmq_send(pub, name, strlen(name), ZMQ_SNDMORE);
    zmq_send(pub, &batch, sizeof batch, has_more ? ZMQ_SNDMORE : 0);
}

static void send_garbage(void *pub)
{
    static const char noise[] = "sample is not followed by a batch of frames";
    zmq_send(pub, "sample", 6, 0);         /* one part */
    zmq_send(pub, "samplesamples", 13, 0); /* a name that begins like a topic's */
    for (size_t len = 0; len < 3; len++) { /* two parts, and no batch */
        zmq_send(pub, "sample", 6, ZMQ_SNDMORE);
        zmq_send(pub, noise, len * 20, 0);
    }
    send_raw(pub, "sample", TKP_TOPIC_SAMPLE, TKP_FRAME_ISSUED, 1, 0, true); /* three parts */
    zmq_send(pub, noise, 5, 0);
    send_raw(pub, "sample", TKP_TOPIC_PHASE, TKP_FRAME_ISSUED, 1, 0, false); /* another's name */
    send_raw(pub, "sample", TKP_TOPIC_SAMPLE, TKP_FRAME_ISSUED, 1, 1000, false); /* cut short */
}
enum { GARBAGE_MESSAGES = 8 };

static void garbage_is_counted_and_skipped(void **state)
{
    (void)state;
    struct bus_case c;
    struct tkp_subscriber *s;
    struct tkp_frame_reader reader;
    bus_case_make(&c, true);
    void *context = zmq_ctx_new();
    void *pub = zmq_socket(context, ZMQ_XPUB);
    char subscription[16];
    assert_int_equal(zmq_bind(pub, c.address), 0);
    BUS_OK(tkp_subscriber_open(c.bus, c.address, 1u << TKP_TOPIC_SAMPLE, 0, &s, error));
    assert_int_equal(zmq_recv(pub, subscription, sizeof subscription, 0), 7);
    send_garbage(pub);
    send_raw(pub, "sample", TKP_TOPIC_SAMPLE, 4242, 1, 0,
             false); /* unknown, of which nothing is wrong */
    send_raw(pub, "sample", TKP_TOPIC_SAMPLE, TKP_FRAME_COMPLETE, 9, 0, false);
    zmq_send(pub, "sample", 6, 0); /* one part: not the batch before it once more */
    for (int i = 0; i < GARBAGE_MESSAGES; i++)
        assert_int_equal(tkp_subscriber_next(s, BUS_PATIENCE_MS, &reader, NULL), TOKPERF_E_PARSE);
    BUS_OK(tkp_subscriber_next(s, BUS_PATIENCE_MS, &reader, error));
    BUS_OK(tkp_subscriber_next(s, BUS_PATIENCE_MS, &reader, error));
    assert_int_equal(tkp_subscriber_next(s, BUS_PATIENCE_MS, &reader, NULL), TOKPERF_E_PARSE);
    bus_case_expect_nothing(s);
    assert_int_equal(tkp_subscriber_counts(s)->damaged, GARBAGE_MESSAGES + 1);
    assert_int_equal(tkp_subscriber_counts(s)->unknown, 2);
    assert_int_equal(tkp_subscriber_counts(s)->batches, 2);
    tkp_subscriber_close(s);
    zmq_close(pub);
    zmq_ctx_term(context);
    bus_case_end(&c, 0);
}

/* A rogue subscriber sends what is no subscription, and more than one may. */
static void a_publisher_takes_no_messages(void **state)
{
    (void)state;
    struct bus_case c;
    static char message[100000];
    begin(&c, NULL, 0);
    struct tkp_subscriber *s = bus_case_subscribe(&c, 1u << TKP_TOPIC_SAMPLE);
    void *context = zmq_ctx_new();
    void *rogue = zmq_socket(context, ZMQ_XSUB);
    assert_int_equal(zmq_connect(rogue, c.address), 0);
    zmq_send(rogue, "\x07 what", 6, 0);
    zmq_send(rogue, "", 0, 0);
    zmq_send(rogue, "\x01phase", 6, 0);
    BUS_AWAIT(tkp_publisher_has_subscriber(c.publisher, TKP_TOPIC_PHASE));
    zmq_send(rogue, message, sizeof message, 0);
    bus_case_put(&c, TKP_TOPIC_SAMPLE, 0, 1);
    bus_case_expect(s, TKP_TOPIC_SAMPLE, 0, 1);
    zmq_close(rogue);
    zmq_ctx_term(context);
    tkp_subscriber_close(s);
    assert_int_equal(bus_case_end(&c, BUS_PATIENCE_MS), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_does_not_wait_for_a_stopped_subscriber),
        cmocka_unit_test(close_says_what_was_not_taken),
        cmocka_unit_test(a_killed_subscriber_is_one_no_more),
        cmocka_unit_test(failed_sends_are_repeated_in_order),
        cmocka_unit_test(what_is_over_the_queue_is_lost_and_counted),
        cmocka_unit_test(close_gives_up_and_says_what_it_lost),
        cmocka_unit_test(close_sends_what_it_can_however_late),
        cmocka_unit_test(a_stuck_subscriber_holds_nobody_up_and_knows_what_it_missed),
        cmocka_unit_test(a_folder_that_somebody_removed_ends_nothing),
        cmocka_unit_test(garbage_is_counted_and_skipped),
        cmocka_unit_test(a_publisher_takes_no_messages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

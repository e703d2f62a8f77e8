/* SPDX-License-Identifier: Apache-2.0 */
/* Workers to recorder to disk: nothing lost, nothing out of order, whatever is full or killed. */
#include <record/recorder.h>

#include <base/clock.h>
#include <base/log.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <record/log_format.h>
#include <row_samples.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <cmocka.h>
#include <record_files.h>

enum { MAX_WORKERS = 4, QUIET_WORKER = 3 };

/* The quiet worker's rows are so small that the log's buffer does not fill by itself. */
static uint32_t chunks_of(uint64_t n, uint32_t worker)
{
    if (worker == QUIET_WORKER)
        return 0;
    return n % 500 == 77 ? 40000 : (uint32_t)(n * 31 % 100);
}

static struct tkp_row row_of(uint64_t n, uint32_t worker, uint32_t phase,
                             struct sample_chunks *chunks, struct tkp_chunk_source *source)
{
    struct tkp_row row = sample_stream(n, chunks_of(n, worker), chunks, source);
    row.worker = worker;
    row.phase = phase;
    return row;
}

/* A worker's thread: rows first to end of a phase, then everything is handed over. */
struct producer {
    pthread_t thread;
    struct tkp_block_channel *channel;
    uint32_t worker, phase;
    uint64_t first, end;
};

static void *producer_main(void *argument)
{
    struct producer *p = argument;
    for (uint64_t n = p->first; n < p->end; n++) {
        struct sample_chunks chunks;
        struct tkp_chunk_source source;
        struct tkp_row row = row_of(n, p->worker, p->phase, &chunks, &source);
        while (!tkp_block_put(p->channel, &row, &source, NULL, tkp_clock_now_ns()))
            sched_yield();
    }
    tkp_block_flush(p->channel, 0, true);
    return NULL;
}

/* Follows the rows of each worker: number, order, phase and content. */
struct follower {
    uint64_t next[MAX_WORKERS];
    uint64_t rows, wrong;
};

static void follow(struct follower *f, const struct tkp_row *row, const uint64_t *times,
                   uint32_t count)
{
    f->rows++;
    if (row->worker >= MAX_WORKERS) {
        f->wrong++;
        return;
    }
    uint64_t n = f->next[row->worker]++;
    struct sample_chunks chunks;
    struct tkp_chunk_source source;
    struct tkp_row expected = row_of(n, row->worker, row->phase, &chunks, &source);
    f->wrong += memcmp(row, &expected, sizeof expected) != 0 || count != expected.chunk_count ||
                !sample_times_match(n, times, count);
}

static void on_row(void *context, const struct tkp_row *row, const uint64_t *times, uint32_t count)
{
    follow(context, row, times, count);
}

static struct tkp_recorder *start(struct tkp_block_channel *const *channels, uint32_t count,
                                  const char *path, const struct tkp_record_listener *listener)
{
    struct tkp_log_writer *log;
    struct tkp_recorder *recorder = NULL;
    struct tokperf_error error;
    if (tkp_log_create(path, true, &log, &error) ||
        tkp_recorder_start(channels, count, log, listener, &recorder, &error))
        fail_msg("%s", error.message);
    return recorder;
}

static void run_phase(struct producer *producers, uint32_t count, uint32_t phase, uint64_t rows)
{
    for (uint32_t i = 0; i < count; i++) {
        producers[i].phase = phase;
        producers[i].first = producers[i].end;
        producers[i].end += rows;
        assert_int_equal(pthread_create(&producers[i].thread, NULL, producer_main, &producers[i]),
                         0);
    }
    for (uint32_t i = 0; i < count; i++)
        pthread_join(producers[i].thread, NULL);
}

/* Reads the log of two phases: rows lie between the notes of their phase. */
static void check_phases(const char *path, uint32_t workers, uint64_t rows_each)
{
    struct tkp_log_reader *reader;
    struct tkp_log_entry entry;
    struct tokperf_error error;
    assert_int_equal(tkp_log_open(path, &reader, &error), TOKPERF_OK);
    struct follower found = {0};
    uint32_t phase = 0;
    tokperf_status status;
    while (!(status = tkp_log_next(reader, &entry, &error))) {
        if (entry.kind == TKP_LOG_PHASE)
            phase = (uint32_t)(entry.payload.data[0] - '0');
        if (entry.kind != TKP_LOG_ROWS)
            continue;
        assert_int_equal(entry.row.phase, phase);
        follow(&found, &entry.row, entry.chunk_ns, entry.chunk_ns_count);
    }
    assert_int_equal(status, TOKPERF_E_NOT_FOUND);
    assert_false(tkp_log_is_torn(reader));
    assert_int_equal(found.wrong, 0);
    assert_int_equal(found.rows, 2 * workers * rows_each);
    tkp_log_reader_close(reader);
}

static void check_workers(const char *path, uint32_t workers, uint32_t blocks)
{
    enum { ROWS = 1500 };
    struct tkp_block_channel *channels[MAX_WORKERS];
    struct producer producers[MAX_WORKERS] = {0};
    for (uint32_t i = 0; i < workers; i++) {
        channels[i] = tkp_block_channel_create(i, blocks);
        producers[i].channel = channels[i];
        producers[i].worker = i;
    }
    struct follower live = {0};
    struct tkp_record_listener listener = {.context = &live, .row = on_row};
    struct tkp_recorder *recorder = start(channels, workers, path, &listener);
    for (uint32_t phase = 1; phase <= 2; phase++) {
        char note[] = {(char)('0' + phase)};
        tkp_recorder_note(recorder, TKP_LOG_PHASE, (struct tokperf_span){note, 1});
        run_phase(producers, workers, phase, ROWS);
        tkp_recorder_note(recorder, TKP_LOG_PHASE, TOKPERF_SPAN("0"));
    }
    struct tokperf_error error;
    assert_int_equal(tkp_recorder_stop(recorder, &error), TOKPERF_OK);
    assert_int_equal(live.rows, 2 * workers * ROWS);
    assert_int_equal(live.wrong, 0);
    for (uint32_t i = 0; i < workers; i++)
        tkp_block_channel_destroy(channels[i]);
    check_phases(path, workers, ROWS);
}

static void test_workers(void **state)
{
    struct record_files *files = *state;
    check_workers(files->path, 1, 1);
    check_workers(files->path, 1, 16);
    check_workers(files->path, 2, 2);
    check_workers(files->path, MAX_WORKERS, 1);
}

/* After sync the file holds what was handed over, while the recorder goes on. */
static void test_sync(void **state)
{
    struct record_files *files = *state;
    struct tkp_block_channel *channel = tkp_block_channel_create(0, 4);
    struct tkp_recorder *recorder = start(&channel, 1, files->path, NULL);
    struct producer producer = {.channel = channel};
    for (uint64_t done = 10; done <= 50; done += 10) {
        run_phase(&producer, 1, 1, 10);
        tkp_recorder_sync(recorder);
        struct tkp_log_reader *reader;
        struct tkp_log_entry entry;
        struct follower found = {0};
        assert_int_equal(tkp_log_open(files->path, &reader, NULL), TOKPERF_OK);
        while (!tkp_log_next(reader, &entry, NULL))
            follow(&found, &entry.row, entry.chunk_ns, entry.chunk_ns_count);
        assert_true(tkp_log_is_torn(reader)); /* no end yet */
        assert_int_equal(found.rows, done);
        assert_int_equal(found.wrong, 0);
        tkp_log_reader_close(reader);
    }
    assert_int_equal(tkp_recorder_stop(recorder, NULL), TOKPERF_OK);
    tkp_block_channel_destroy(channel);
}

static void test_end_note(void **state)
{
    struct record_files *files = *state;
    assert_int_equal(tkp_recorder_stop(start(NULL, 0, files->path, NULL), NULL), TOKPERF_OK);
    struct tkp_log_reader *reader;
    struct tkp_log_entry entry;
    assert_int_equal(tkp_log_open(files->path, &reader, NULL), TOKPERF_OK);
    assert_int_equal(tkp_log_next(reader, &entry, NULL), TOKPERF_OK);
    assert_int_equal(entry.kind, TKP_LOG_END);
    static const char expected[] = "{\"rows\":0,\"chunk_times\":0}";
    assert_int_equal(entry.payload.len, sizeof expected - 1);
    assert_memory_equal(entry.payload.data, expected, sizeof expected - 1);
    tkp_log_reader_close(reader);
}

static void test_full_disk(void **state)
{
    (void)state;
    tkp_log_set_level(TKP_LOG_ERROR); /* its warning is expected */
    struct tkp_block_channel *channel = tkp_block_channel_create(0, 2);
    struct follower live = {0};
    struct tkp_record_listener listener = {.context = &live, .row = on_row};
    struct tkp_recorder *recorder = start(&channel, 1, "/dev/full", &listener);
    struct producer producer = {.channel = channel};
    run_phase(&producer, 1, 1, 2000);
    tkp_recorder_sync(recorder);
    run_phase(&producer, 1, 1, 2000);
    struct tokperf_error error;
    assert_int_equal(tkp_recorder_stop(recorder, &error), TOKPERF_E_IO);
    assert_non_null(strstr(error.message, "/dev/full"));
    assert_non_null(strstr(error.message, "No space left on device"));
    assert_non_null(strstr(error.message, "blocks of records are missing"));
    assert_int_equal(live.rows, 4000); /* the run went on, and every row was shown */
    assert_int_equal(live.wrong, 0);
    tkp_block_channel_destroy(channel);
}

static void on_tick(void *context, uint64_t now_ns)
{
    assert_true(now_ns <= tkp_clock_now_ns());
    sem_post(context);
}

static void test_ticks(void **state)
{
    struct record_files *files = *state;
    sem_t ticks;
    assert_int_equal(sem_init(&ticks, 0, 0), 0);
    struct tkp_record_listener listener = {
        .context = &ticks, .tick = on_tick, .tick_ns = 3 * TKP_NS_PER_MS};
    uint64_t begin_ns = tkp_clock_now_ns();
    struct tkp_recorder *recorder = start(NULL, 0, files->path, &listener);
    for (int i = 0; i < 10; i++)
        while (sem_wait(&ticks) && errno == EINTR)
            ;
    assert_true(tkp_clock_now_ns() - begin_ns >= 10 * listener.tick_ns);
    assert_int_equal(tkp_recorder_stop(recorder, NULL), TOKPERF_OK);
    sem_destroy(&ticks);
}

/* What a child that will be killed says of each row that it has put. */
struct put_said {
    uint64_t row, put_ns;
};

/* Records a row a millisecond until it is killed. */
static void record_until_killed(const char *path, uint32_t worker, int out)
{
    struct tkp_block_channel *channel = tkp_block_channel_create(worker, 8);
    start(&channel, 1, path, NULL);
    struct itimerspec every = {{0, 1000000}, {0, 1000000}};
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    uint64_t expirations;
    timerfd_settime(timer, 0, &every, NULL);
    for (uint64_t n = 0; read(timer, &expirations, sizeof expirations) > 0;) {
        struct sample_chunks chunks;
        struct tkp_chunk_source source;
        struct tkp_row row = row_of(n, worker, 1, &chunks, &source);
        struct put_said said = {n, tkp_clock_now_ns()};
        if (tkp_block_put(channel, &row, &source, NULL, said.put_ns)) {
            n++;
            if (write(out, &said, sizeof said) != sizeof said)
                break;
        }
        tkp_block_flush(channel, tkp_clock_now_ns(), false);
    }
}

struct victim {
    pid_t pid;
    int from, into;
    struct record_files files;
    uint64_t kill_ns;    /* when it is due; then when it was done */
    uint64_t said[4096]; /* put_ns of each row */
    uint64_t said_count;
};

static void hear(struct victim *v)
{
    struct put_said said;
    while (read(v->from, &said, sizeof said) == sizeof said)
        if (v->said_count < sizeof v->said / sizeof v->said[0])
            v->said[v->said_count++] = said.put_ns;
}

static void kill_when_due(struct victim *v)
{
    struct pollfd end = {.fd = v->from, .events = POLLIN};
    while (tkp_clock_now_ns() < v->kill_ns) {
        poll(&end, 1, 1);
        hear(v);
    }
    v->kill_ns = tkp_clock_now_ns();
    kill(v->pid, SIGKILL);
    int result;
    waitpid(v->pid, &result, 0);
    assert_true(WIFSIGNALED(result));
    hear(v);
}

/* Whether every row that was said long enough before the end is there; what is there is right. */
static bool check_victim(struct victim *v)
{
    /* The promise is a second; the rest is for a machine that does not run the recorder at once. */
    const uint64_t promise_ns = 1500 * TKP_NS_PER_MS;
    uint64_t durable = 0;
    while (durable < v->said_count && v->said[durable] + promise_ns < v->kill_ns)
        durable++;
    struct tkp_log_reader *reader;
    struct tkp_log_entry entry;
    struct follower found = {0};
    assert_int_equal(tkp_log_open(v->files.path, &reader, NULL), TOKPERF_OK);
    tokperf_status status;
    while (!(status = tkp_log_next(reader, &entry, NULL)))
        follow(&found, &entry.row, entry.chunk_ns, entry.chunk_ns_count);
    assert_int_equal(status, TOKPERF_E_NOT_FOUND);
    assert_true(tkp_log_is_torn(reader));
    assert_int_equal(found.wrong, 0);
    assert_in_range(found.rows, 0, v->said_count + 1); /* killed before it said so */
    print_message("%llu rows said, %llu promised, %llu there\n", (unsigned long long)v->said_count,
                  (unsigned long long)durable, (unsigned long long)found.rows);
    tkp_log_reader_close(reader);
    return durable > 0 && found.rows >= durable;
}

enum { VICTIMS = 4 };

/* Adds, of each worker, how many victims kept the promise. */
static void kill_some(unsigned kept[2])
{
    static struct victim victims[VICTIMS];
    memset(victims, 0, sizeof victims);
    for (uint32_t i = 0; i < VICTIMS; i++) {
        struct victim *v = &victims[i];
        int ends[2];
        record_files_init(&v->files);
        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        v->from = ends[0];
        v->into = ends[1];
        v->pid = fork();
        if (v->pid == 0) {
            record_until_killed(v->files.path, i % 2 ? QUIET_WORKER : 0, v->into);
            _exit(1);
        }
        close(v->into);
        uint64_t life_ms = 1700 + 150 * i + tkp_rng_below(tkp_rng_fresh_seed(), 1, i, 150);
        v->kill_ns = tkp_clock_now_ns() + life_ms * TKP_NS_PER_MS;
    }
    for (uint32_t i = 0; i < VICTIMS; i++) {
        kill_when_due(&victims[i]);
        close(victims[i].from);
        kept[i % 2] += check_victim(&victims[i]);
        record_files_finish(&victims[i].files);
    }
}

/* A machine that stops a recorder for half a second breaks its promise; not each time. */
static void test_killed(void **state)
{
    (void)state;
    unsigned kept[2] = {0, 0};
    for (int round = 0; round < 10 && !(kept[0] && kept[1]); round++)
        kill_some(kept);
    assert_true(kept[0] && kept[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORD_FILES_TEST(test_workers),  RECORD_FILES_TEST(test_sync),
        RECORD_FILES_TEST(test_end_note), RECORD_FILES_TEST(test_full_disk),
        RECORD_FILES_TEST(test_ticks),    cmocka_unit_test(test_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

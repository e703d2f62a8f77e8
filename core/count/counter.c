/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The leader (a thread of its own while the load runs, then the drain's caller) reads the log,
 * fills batches, counts like a lane when there is nothing to fill, and commits from the oldest
 * batch on. Everything shared is under one mutex, which is held for a few instructions a batch.
 */
#include <count/counter.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/thread.h>
#include <count/batch.h>
#include <errno.h>
#include <pthread.h>
#include <record/log.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_THREADS = 256,
    BATCHES_A_THREAD = 3, /* one in work, one ready, one on its way to the file */
    LOOK_MS = 100,        /* at a log that grows, at the time and at the cancel flag */
    SHOW_MS = 10,         /* who looks at a drain: the shortest interval of snapshots */
    WRITE_MS = 500,       /* what is committed is in the file after this long */
    NAME_BYTES = 1024
};

struct tkp_counter {
    struct tkp_counter_options options;
    struct tkp_log_reader *log;
    struct tkp_log_writer *out;
    struct tkp_log_entry held; /* a row that did not fit the last batch */
    bool has_held;
    uint64_t skip_rows; /* that are counted already */
    uint64_t written_ns;

    struct tkp_count_batch *batches; /* a ring */
    uint32_t batch_count;
    pthread_t leader, lanes[MAX_THREADS];
    uint32_t lane_count;
    bool has_leader;
    struct tkp_kept_counter own; /* the leader's */

    pthread_mutex_t mutex; /* guards what follows and the state of batches */
    pthread_cond_t filled, counted;
    uint64_t head, next, tail; /* to be committed, to be counted, to be filled: ever growing */
    bool quit;                 /* lanes end */
    struct tkp_flag stop;      /* the live leader ends */
    struct tkp_counter_progress progress;
};

static struct tkp_count_batch *batch_at(struct tkp_counter *c, uint64_t number)
{
    return &c->batches[number % c->batch_count];
}

/* ---- counting ---- */

/* The oldest batch that nobody counts yet, or NULL. With the mutex. */
static struct tkp_count_batch *take_batch(struct tkp_counter *c)
{
    return c->next < c->tail ? batch_at(c, c->next++) : NULL;
}

static void count_batch(struct tkp_counter *c, struct tkp_count_batch *batch,
                        struct tkp_kept_counter *kept)
{
    tkp_count_batch_count(batch, kept);
    pthread_mutex_lock(&c->mutex);
    batch->done = true;
    pthread_cond_signal(&c->counted);
    pthread_mutex_unlock(&c->mutex);
}

static void *lane_main(void *argument)
{
    struct tkp_counter *c = argument;
    struct tkp_kept_counter kept;
    struct tokperf_error error;
    if (tkp_kept_counter_init(&kept, c->options.tokenizer, &error) != TOKPERF_OK)
        return NULL; /* the leader counts alone */
    pthread_mutex_lock(&c->mutex);
    while (!c->quit) {
        struct tkp_count_batch *batch = take_batch(c);
        if (!batch) {
            pthread_cond_wait(&c->filled, &c->mutex);
            continue;
        }
        pthread_mutex_unlock(&c->mutex);
        count_batch(c, batch, &kept);
        pthread_mutex_lock(&c->mutex);
    }
    pthread_mutex_unlock(&c->mutex);
    tkp_kept_counter_finish(&kept);
    return NULL;
}

static void start_lanes(struct tkp_counter *c, uint32_t count, bool background)
{
    static const struct sched_param none = {0};
    while (c->lane_count < count && c->lane_count < MAX_THREADS) {
        pthread_t *lane = &c->lanes[c->lane_count];
        if (tkp_thread_create_quiet(lane, lane_main, c) != 0)
            return; /* those that there are do it */
        pthread_setname_np(*lane, "tokens");
        if (background) {
            (void)pthread_setschedparam(*lane, SCHED_IDLE, &none);
            if (c->options.cpus) /* the first one is the leader's */
                tkp_thread_pin(*lane, c->options.cpus[c->lane_count + 1]);
        }
        c->lane_count++;
    }
}

static void stop_lanes(struct tkp_counter *c)
{
    pthread_mutex_lock(&c->mutex);
    c->quit = true;
    pthread_cond_broadcast(&c->filled);
    pthread_mutex_unlock(&c->mutex);
    for (uint32_t i = 0; i < c->lane_count; i++)
        pthread_join(c->lanes[i], NULL);
    c->lane_count = 0;
    c->quit = false;
}

/* ---- the leader ---- */

/* The next row of the log; false when there is none, now or ever. What cannot be read is its end
 * here: whoever reads the log for the result says so. */
static bool next_row(struct tkp_counter *c)
{
    struct tokperf_error error;
    while (!c->has_held) {
        tokperf_status status = tkp_log_next(c->log, &c->held, &error);
        if (status != TOKPERF_OK)
            return false;
        if (c->held.kind != TKP_LOG_ROWS)
            continue;
        if (c->skip_rows) {
            c->skip_rows--;
            continue;
        }
        c->has_held = true;
    }
    return true;
}

/* Fills the next batch with what the log has; false when that is nothing. */
static bool fill(struct tkp_counter *c)
{
    struct tkp_count_batch *batch = batch_at(c, c->tail); /* free: nobody else looks at it */
    tkp_count_batch_clear(batch);
    while (next_row(c) && tkp_count_batch_add(batch, &c->held.row, c->held.texts))
        c->has_held = false;
    if (!batch->row_count)
        return false;
    pthread_mutex_lock(&c->mutex);
    c->tail++;
    pthread_cond_signal(&c->filled);
    pthread_mutex_unlock(&c->mutex);
    return true;
}

/* Commits the oldest batches that are counted. */
static void commit(struct tkp_counter *c)
{
    while (c->head < c->tail) {
        struct tkp_count_batch *batch = batch_at(c, c->head);
        pthread_mutex_lock(&c->mutex);
        bool done = batch->done;
        pthread_mutex_unlock(&c->mutex);
        if (!done)
            break;
        tkp_token_counts_append(c->out, batch->counts, batch->row_count);
        pthread_mutex_lock(&c->mutex);
        c->head++;
        c->progress.rows += batch->row_count;
        c->progress.texts += batch->texts;
        c->progress.failed += batch->failed;
        c->progress.tokens += batch->tokens;
        pthread_mutex_unlock(&c->mutex);
    }
    uint64_t now_ns = tkp_clock_now_ns();
    if (now_ns - c->written_ns < WRITE_MS * TKP_NS_PER_MS)
        return;
    tkp_log_write_out(c->out);
    c->written_ns = now_ns;
}

/* Counts a batch if one waits; whether one did. */
static bool help(struct tkp_counter *c)
{
    pthread_mutex_lock(&c->mutex);
    struct tkp_count_batch *batch = take_batch(c);
    pthread_mutex_unlock(&c->mutex);
    if (batch)
        count_batch(c, batch, &c->own);
    return batch != NULL;
}

/* Until a batch is counted, or a moment passed. */
static void wait_a_moment(struct tkp_counter *c)
{
    uint64_t until_ns = tkp_clock_now_ns() + LOOK_MS * TKP_NS_PER_MS;
    struct timespec until = {(time_t)(until_ns / TKP_NS_PER_S), (long)(until_ns % TKP_NS_PER_S)};
    pthread_mutex_lock(&c->mutex);
    if (c->head == c->tail || !batch_at(c, c->head)->done)
        pthread_cond_timedwait(&c->counted, &c->mutex, &until);
    pthread_mutex_unlock(&c->mutex);
}

/* Whether the lanes have something to take next while the leader counts. */
static bool enough_waits(struct tkp_counter *c)
{
    pthread_mutex_lock(&c->mutex);
    bool enough = c->tail - c->next > c->lane_count;
    pthread_mutex_unlock(&c->mutex);
    return enough;
}

/* One step: fills, else counts, else waits. *more: the log may have something that is not filled.
 */
static void step(struct tkp_counter *c, bool *more)
{
    commit(c);
    if (*more && c->tail - c->head < c->batch_count) {
        *more = fill(c);
        if (*more && !enough_waits(c))
            return;
    }
    if (!help(c) && c->head < c->tail)
        wait_a_moment(c);
}

static void *leader_main(void *argument)
{
    struct tkp_counter *c = argument;
    while (!tkp_flag_is_raised(&c->stop)) {
        bool more = true;
        step(c, &more);
        if (more)
            continue;
        if (c->head == c->tail)
            wait_a_moment(c);
        tkp_log_resume(c->log);
    }
    return NULL;
}

/* ---- set-up ---- */

/* The old file's entries go into the new one, and their rows are passed over. */
static void copy_counts(struct tkp_counter *c, struct tkp_token_counts *old)
{
    struct tkp_token_count counts[TKP_COUNT_BATCH_ROWS];
    uint32_t n;
    do {
        for (n = 0; n < TKP_COUNT_BATCH_ROWS && tkp_token_counts_next(old, &counts[n]); n++) {
            if (counts[n].output < 0)
                continue;
            c->progress.texts++;
            c->progress.tokens += (uint64_t)(counts[n].output + counts[n].reasoning);
        }
        tkp_token_counts_append(c->out, counts, n);
        c->progress.rows += n;
    } while (n);
    c->skip_rows = c->progress.rows;
}

/* Opens tokens.tkr: a new file that takes the old one's place once it holds what that had. */
static tokperf_status open_counts(struct tkp_counter *c, struct tokperf_error *error)
{
    const char *name = c->options.identity;
    const char *path = c->options.counts_path;
    struct tkp_token_counts *old = NULL;
    struct tokperf_error ignored;
    char fresh[NAME_BYTES];
    if (c->options.resume && tkp_token_counts_open(path, &old, &ignored) == TOKPERF_OK &&
        strcmp(tkp_token_counts_tokenizer(old), name) != 0) {
        tkp_token_counts_close(old);
        old = NULL;
    }
    if ((size_t)snprintf(fresh, sizeof fresh, "%s.new", path) >= sizeof fresh) {
        tkp_token_counts_close(old);
        return tkp_fail(error, TOKPERF_E_LIMIT, "the path '%s' is too long", path);
    }
    tokperf_status status = tkp_log_create(fresh, true, &c->out, error);
    if (status == TOKPERF_OK) {
        tkp_log_append(c->out, TKP_LOG_RUN, name, (uint32_t)strlen(name));
        if (old)
            copy_counts(c, old);
        tkp_log_sync(c->out);
    }
    tkp_token_counts_close(old);
    if (status == TOKPERF_OK && tkp_log_failed(c->out, error))
        status = error->status;
    if (status == TOKPERF_OK && rename(fresh, path) != 0)
        status = tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot rename '%s'", fresh);
    if (status != TOKPERF_OK)
        (void)unlink(fresh);
    return status;
}

static void init_locks(struct tkp_counter *c)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->filled, NULL);
    pthread_cond_init(&c->counted, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* Room for the batches of this many threads; only while none is in work. */
static bool make_batches(struct tkp_counter *c, uint32_t threads)
{
    uint32_t count = threads * BATCHES_A_THREAD;
    if (count <= c->batch_count)
        return true;
    struct tkp_count_batch *batches = calloc(count, sizeof *batches);
    if (!batches)
        return c->batch_count > 0;
    for (uint32_t i = 0; i < c->batch_count; i++)
        tkp_count_batch_finish(&c->batches[i]);
    free(c->batches);
    c->batches = batches;
    c->batch_count = count;
    return true;
}

static tokperf_status start_live(struct tkp_counter *c, struct tokperf_error *error)
{
    static const struct sched_param none = {0};
    uint32_t lanes = c->options.live_lanes;
    if (!lanes)
        return TOKPERF_OK;
    start_lanes(c, lanes - 1, true); /* before the leader, who asks how many there are */
    int failed = tkp_thread_create_quiet(&c->leader, leader_main, c);
    if (failed)
        return tkp_fail_errno(error, TOKPERF_E_IO, failed, "cannot start the tokenizer's thread");
    c->has_leader = true;
    pthread_setname_np(c->leader, "tokens");
    (void)pthread_setschedparam(c->leader, SCHED_IDLE, &none);
    if (c->options.cpus)
        tkp_thread_pin(c->leader, c->options.cpus[0]);
    return TOKPERF_OK;
}

tokperf_status tkp_counter_start(const struct tkp_counter_options *options,
                                 struct tkp_counter **counter, struct tokperf_error *error)
{
    struct tkp_counter *c = calloc(1, sizeof *c);
    *counter = NULL;
    if (!c)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory to count tokens");
    c->options = *options;
    init_locks(c);
    tokperf_status status = TOKPERF_OK;
    if (!make_batches(c, options->live_lanes ? options->live_lanes : 1))
        status = tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory to count tokens");
    if (status == TOKPERF_OK)
        status = tkp_kept_counter_init(&c->own, options->tokenizer, error);
    if (status == TOKPERF_OK)
        status = tkp_log_open(options->log_path, &c->log, error);
    if (status == TOKPERF_OK)
        status = open_counts(c, error);
    if (status == TOKPERF_OK)
        status = start_live(c, error);
    if (status != TOKPERF_OK) {
        tkp_counter_close(c);
        return status;
    }
    *counter = c;
    return TOKPERF_OK;
}

void tkp_counter_progress(struct tkp_counter *counter, struct tkp_counter_progress *progress)
{
    pthread_mutex_lock(&counter->mutex);
    *progress = counter->progress;
    pthread_mutex_unlock(&counter->mutex);
}

/* ---- the drain ---- */

static void stop_leader(struct tkp_counter *c)
{
    if (!c->has_leader)
        return;
    tkp_flag_raise(&c->stop);
    pthread_join(c->leader, NULL);
    c->has_leader = false;
}

/* What is in work is finished and committed. */
static void settle(struct tkp_counter *c)
{
    while (c->head < c->tail) {
        bool more = false;
        step(c, &more);
    }
}

static void count_pending(struct tkp_counter *c)
{
    for (; next_row(c); c->has_held = false)
        c->progress.pending += tkp_count_batch_wants(&c->held.row);
}

static void show(struct tkp_counter *c, uint64_t *shown_ns)
{
    uint64_t now_ns = tkp_clock_now_ns();
    if (!c->options.look || now_ns - *shown_ns < SHOW_MS * TKP_NS_PER_MS)
        return;
    *shown_ns = now_ns;
    c->options.look(c->options.look_context, &c->progress); /* written by this thread only */
}

static enum tkp_counter_end drain(struct tkp_counter *c, uint64_t until_ns,
                                  const struct tkp_flag *cancel)
{
    bool more = true;
    uint64_t shown_ns = tkp_clock_now_ns();
    tkp_log_resume(c->log);
    while (more) {
        show(c, &shown_ns);
        if (cancel && tkp_flag_is_raised(cancel))
            return TKP_COUNTER_CANCELLED;
        if (tkp_clock_now_ns() >= until_ns)
            return TKP_COUNTER_OUT_OF_TIME;
        if (tkp_log_failed(c->out, NULL))
            return TKP_COUNTER_FAILED;
        step(c, &more);
    }
    return TKP_COUNTER_COMPLETE;
}

enum tkp_counter_end tkp_counter_drain(struct tkp_counter *c, uint32_t threads, uint64_t until_ns,
                                       const struct tkp_flag *cancel,
                                       struct tkp_counter_progress *progress,
                                       struct tokperf_error *error)
{
    stop_leader(c);
    stop_lanes(c); /* those of low priority */
    settle(c);
    if (make_batches(c, threads))
        start_lanes(c, threads - 1, false);
    enum tkp_counter_end end = drain(c, until_ns, cancel);
    settle(c);
    stop_lanes(c);
    count_pending(c);
    if (end == TKP_COUNTER_COMPLETE)
        tkp_log_append(c->out, TKP_LOG_END, "{}", 2);
    tkp_log_sync(c->out);
    if (tkp_log_failed(c->out, error))
        end = TKP_COUNTER_FAILED;
    *progress = c->progress;
    return end;
}

void tkp_counter_close(struct tkp_counter *counter)
{
    if (!counter)
        return;
    stop_leader(counter);
    stop_lanes(counter);
    for (uint32_t i = 0; i < counter->batch_count; i++)
        tkp_count_batch_finish(&counter->batches[i]);
    free(counter->batches);
    tkp_kept_counter_finish(&counter->own);
    tkp_log_reader_close(counter->log);
    tkp_log_close(counter->out);
    pthread_cond_destroy(&counter->counted);
    pthread_cond_destroy(&counter->filled);
    pthread_mutex_destroy(&counter->mutex);
    free(counter);
}

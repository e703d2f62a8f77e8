/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder thread: looks at every channel at least each 10 ms, appends the blocks to the log as
 * they are, and decodes them for the listener. Main talks to it through one command at a time under
 * a mutex; workers only through the rings, so nothing here can hold them up but a full pool.
 */
#include <record/recorder.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/log.h>
#include <base/thread.h>
#include <inttypes.h>
#include <pthread.h>
#include <record/reassembly.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    IDLE_MS = 10,      /* a block waits this long at most: well below its own 50 ms */
    WRITE_MS = 900,    /* with the 50 and 10 ms before it: less than the promised second */
    BLOCKS_A_PASS = 4, /* of one channel, before the next one's turn */
    END_BYTES = 96
};

enum command { COMMAND_NONE, COMMAND_NOTE, COMMAND_SYNC, COMMAND_STOP };

struct tkp_recorder {
    pthread_t thread;
    pthread_mutex_t mutex; /* guards command */
    pthread_cond_t posted; /* a command is there; CLOCK_MONOTONIC */
    pthread_cond_t done;   /* it was carried out */
    enum command command;
    uint32_t note_kind;
    struct tokperf_span note_payload;

    /* The recorder thread's; main's before it starts and after it ended. */
    struct tkp_block_channel **channels;
    uint64_t *events_lost; /* of each channel, as far as the listener knows */
    uint32_t channel_count;
    struct tkp_log_writer *log;
    struct tkp_record_listener listener;
    struct tkp_reassembly *rows;
    uint64_t row_count, chunk_time_count;
    uint64_t next_tick_ns, next_write_ns;
    bool warned; /* of a failing log */
    bool defect; /* a block of ours could not be decoded */
    struct tokperf_error defect_error;
};

static void show_rows(struct tkp_recorder *r, const struct tkp_block *block)
{
    struct tokperf_span payload = {(const char *)block->data, block->used_bytes};
    struct tokperf_error error;
    tokperf_status status = tkp_reassembly_feed(r->rows, block->kind, payload, &error);
    struct tkp_whole_row whole;
    while (!status && !(status = tkp_reassembly_next(r->rows, &whole, &error))) {
        r->row_count++;
        r->chunk_time_count += whole.chunk_ns_count;
        if (r->listener.row)
            r->listener.row(r->listener.context, whole.row,
                            whole.chunk_ns_count ? whole.chunk_ns : NULL, whole.chunk_ns_count);
    }
    if (status != TOKPERF_E_NOT_FOUND && !r->defect) {
        r->defect = true;
        r->defect_error = error;
    }
}

static void show_events(struct tkp_recorder *r, const struct tkp_block *block)
{
    struct tkp_request_event event;
    for (uint32_t at = 0; r->listener.event && at < block->used_bytes; at += sizeof event) {
        memcpy(&event, block->data + at, sizeof event);
        r->listener.event(r->listener.context, &event);
    }
}

static void show_lost_events(struct tkp_recorder *r, uint32_t channel)
{
    uint64_t lost = tkp_block_events_lost(r->channels[channel]);
    if (lost != r->events_lost[channel] && r->listener.events_lost)
        r->listener.events_lost(r->listener.context, lost - r->events_lost[channel]);
    r->events_lost[channel] = lost;
}

/* Events are for the listener alone; the log has rows. */
static void record(struct tkp_recorder *r, const struct tkp_block *block)
{
    if (block->kind == TKP_BLOCK_EVENTS) {
        show_events(r, block);
        return;
    }
    tkp_log_append(r->log, block->kind, block->data, block->used_bytes);
    show_rows(r, block);
}

/* Records at most `limit` blocks of a channel; whether there was one. */
static bool drain_channel(struct tkp_recorder *r, uint32_t index, uint32_t limit)
{
    struct tkp_block_channel *channel = r->channels[index];
    uint32_t taken = 0;
    for (struct tkp_block *block; taken < limit && (block = tkp_block_take(channel)); taken++) {
        record(r, block);
        tkp_block_give_back(channel, block);
    }
    show_lost_events(r, index);
    return taken > 0;
}

static void end_batch(const struct tkp_recorder *r)
{
    if (r->listener.batch_end)
        r->listener.batch_end(r->listener.context);
}

static bool drain_pass(struct tkp_recorder *r)
{
    bool any = false;
    for (uint32_t i = 0; i < r->channel_count; i++)
        any |= drain_channel(r, i, BLOCKS_A_PASS);
    if (any)
        end_batch(r);
    return any;
}

/* Records everything that was handed over before: a ring holds at most the channel's pools. */
static void drain_handed_over(struct tkp_recorder *r)
{
    for (uint32_t i = 0; i < r->channel_count; i++)
        drain_channel(r, i, tkp_block_count(r->channels[i]));
    end_batch(r);
}

static void warn_once(struct tkp_recorder *r)
{
    struct tokperf_error error;
    if (r->warned || !tkp_log_failed(r->log, &error))
        return;
    r->warned = true;
    tkp_log(TKP_LOG_WARNING, "%s; the run goes on without its records", error.message);
}

static void run_timers(struct tkp_recorder *r)
{
    uint64_t now_ns = tkp_clock_now_ns();
    if (now_ns >= r->next_write_ns) {
        tkp_log_write_out(r->log);
        r->next_write_ns = now_ns + WRITE_MS * TKP_NS_PER_MS;
    }
    warn_once(r);
    if (now_ns < r->next_tick_ns)
        return;
    r->listener.tick(r->listener.context, now_ns);
    r->next_tick_ns += r->listener.tick_ns;
    if (r->next_tick_ns <= now_ns) /* late by more than one: no burst to catch up */
        r->next_tick_ns = tkp_clock_after_ns(now_ns, r->listener.tick_ns);
}

/* The command that main posted. Without one, waits for it (unless busy) as long as nothing else is
 * due. */
static enum command next_command(struct tkp_recorder *r, bool busy)
{
    uint64_t until_ns = tkp_clock_now_ns() + IDLE_MS * TKP_NS_PER_MS;
    until_ns = r->next_tick_ns < until_ns ? r->next_tick_ns : until_ns;
    struct timespec until = {(time_t)(until_ns / TKP_NS_PER_S), (long)(until_ns % TKP_NS_PER_S)};
    pthread_mutex_lock(&r->mutex);
    if (!busy && r->command == COMMAND_NONE)
        pthread_cond_timedwait(&r->posted, &r->mutex, &until); /* waking early does no harm */
    enum command command = r->command;
    pthread_mutex_unlock(&r->mutex);
    return command;
}

static void write_end(struct tkp_recorder *r)
{
    char json[END_BYTES];
    int len = snprintf(json, sizeof json, "{\"rows\":%" PRIu64 ",\"chunk_times\":%" PRIu64 "}",
                       r->row_count, r->chunk_time_count);
    tkp_log_append(r->log, TKP_LOG_END, json, (uint32_t)len);
}

static void carry_out(struct tkp_recorder *r, enum command command)
{
    drain_handed_over(r);
    if (command == COMMAND_NOTE) { /* main waits: its payload stays and is not written to */
        uint64_t len = r->note_payload.len < UINT32_MAX ? r->note_payload.len : UINT32_MAX;
        tkp_log_append(r->log, r->note_kind, r->note_payload.data, (uint32_t)len);
    }
    if (command == COMMAND_STOP)
        write_end(r);
    if (command == COMMAND_SYNC || command == COMMAND_STOP)
        tkp_log_sync(r->log);
    warn_once(r);
    pthread_mutex_lock(&r->mutex);
    r->command = COMMAND_NONE;
    pthread_cond_signal(&r->done);
    pthread_mutex_unlock(&r->mutex);
}

static void *recorder_main(void *argument)
{
    struct tkp_recorder *r = argument;
    enum command command;
    do {
        bool busy = drain_pass(r);
        run_timers(r);
        command = next_command(r, busy);
        if (command != COMMAND_NONE)
            carry_out(r, command);
    } while (command != COMMAND_STOP);
    return NULL;
}

/* Has the recorder thread carry out a command and waits until it did. */
static void post(struct tkp_recorder *r, enum command command)
{
    pthread_mutex_lock(&r->mutex);
    r->command = command;
    pthread_cond_signal(&r->posted);
    while (r->command != COMMAND_NONE)
        pthread_cond_wait(&r->done, &r->mutex);
    pthread_mutex_unlock(&r->mutex);
}

/* Everything but the log, which is the caller's until the recorder runs. */
static void destroy(struct tkp_recorder *r)
{
    pthread_cond_destroy(&r->done);
    pthread_cond_destroy(&r->posted);
    pthread_mutex_destroy(&r->mutex);
    tkp_reassembly_destroy(r->rows);
    free(r->channels);
    free(r->events_lost);
    free(r);
}

static void init_locks(struct tkp_recorder *r)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&r->mutex, NULL);
    pthread_cond_init(&r->posted, &monotonic);
    pthread_cond_init(&r->done, NULL);
    pthread_condattr_destroy(&monotonic);
}

static int start_thread(struct tkp_recorder *r)
{
    int failed = tkp_thread_create_quiet(&r->thread, recorder_main, r);
    if (!failed)
        pthread_setname_np(r->thread, "recorder");
    return failed;
}

tokperf_status tkp_recorder_start(struct tkp_block_channel *const *channels, uint32_t channel_count,
                                  struct tkp_log_writer *log,
                                  const struct tkp_record_listener *listener,
                                  struct tkp_recorder **recorder, struct tokperf_error *error)
{
    *recorder = NULL;
    struct tkp_recorder *r = calloc(1, sizeof *r);
    if (!r)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the recorder");
    init_locks(r);
    r->rows = tkp_reassembly_create();
    r->channels = calloc(channel_count + 1, sizeof(struct tkp_block_channel *));
    r->events_lost = calloc(channel_count + 1, sizeof *r->events_lost);
    r->channel_count = channel_count;
    r->log = log;
    if (listener)
        r->listener = *listener;
    uint64_t now_ns = tkp_clock_now_ns();
    bool ticks = r->listener.tick && r->listener.tick_ns;
    r->next_tick_ns = ticks ? tkp_clock_after_ns(now_ns, r->listener.tick_ns) : TKP_NEVER_NS;
    r->next_write_ns = now_ns + WRITE_MS * TKP_NS_PER_MS;
    if (!r->rows || !r->channels || !r->events_lost) {
        destroy(r);
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the recorder");
    }
    for (uint32_t i = 0; i < channel_count; i++)
        r->channels[i] = channels[i];
    int failed = start_thread(r);
    if (failed) {
        destroy(r);
        return tkp_fail_errno(error, TOKPERF_E_IO, failed, "cannot start the recorder's thread");
    }
    *recorder = r;
    return TOKPERF_OK;
}

void tkp_recorder_pin(struct tkp_recorder *r, int32_t cpu)
{
    tkp_thread_pin(r->thread, cpu);
}

void tkp_recorder_note(struct tkp_recorder *r, uint32_t kind, struct tokperf_span payload)
{
    r->note_kind = kind; /* the thread reads them once it saw the command, under the mutex */
    r->note_payload = payload;
    post(r, COMMAND_NOTE);
}

void tkp_recorder_sync(struct tkp_recorder *r)
{
    post(r, COMMAND_SYNC);
}

tokperf_status tkp_recorder_stop(struct tkp_recorder *r, struct tokperf_error *error)
{
    post(r, COMMAND_STOP);
    pthread_join(r->thread, NULL);
    tokperf_status status = TOKPERF_OK;
    struct tokperf_error failure;
    if (tkp_log_failed(r->log, &failure))
        status = tkp_fail(error, TOKPERF_E_IO, "%.800s; %" PRIu64 " blocks of records are missing",
                          failure.message, tkp_log_lost_blocks(r->log));
    else if (r->defect)
        status = tkp_fail(error, TOKPERF_E_INTERNAL, "a block of the recorder's is damaged: %.800s",
                          r->defect_error.message);
    tkp_log_close(r->log);
    destroy(r);
    return status;
}

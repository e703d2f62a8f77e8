/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See events_log.h. The thread owns its subscriber and the file's content; main opens the file
 * before it starts and closes it after it ended.
 */
#include <run/events_log.h>

#include <base/atomic.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/files.h>
#include <base/log.h>
#include <base/text.h>
#include <base/thread.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <report/rundir.h>
#include <report/snapshot.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ALL_TOPICS = (1 << TKP_TOPIC_COUNT) - 1,
    HELD_EVENTS = 1 << 20, /* that may wait to be written: some 100 MB of samples */
    HELD_BATCHES_MIN = 64, /* however large a batch is */
    LISTEN_MS = 2000,      /* until a subscription has come to the publisher of the same process */
    LOOK_MS = 100,         /* between looks at `stop` */
    WRITE_OUT_MS = 10000,  /* at the end, for what waits to be written */
    STOP_MS = 1000         /* for the thread to see `stop` */
};

struct tkp_events_log {
    const char *path; /* the plan's */
    int fd;
    bool made;    /* the file was not there before */
    bool started; /* the thread was */
    int done_fd;  /* becomes readable when the thread ends */
    pthread_t thread;
    struct tkp_flag stop;
    const char *address;
    struct tkp_bus *bus;
    uint32_t held_batches;
    struct tkp_event_writer writer;          /* the thread's */
    bool has_begun[TKP_TOPIC_COUNT];         /* likewise: a batch of the topic was there */
    uint64_t missed_before[TKP_TOPIC_COUNT]; /* likewise: events before those */
};

/* The directory part of a path, with a NUL; "." without one. */
static void directory_of(const char *path, char *dir, size_t capacity)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        tkp_text_copy(dir, capacity, TOKPERF_SPAN("."));
    else if (slash == path)
        tkp_text_copy(dir, capacity, TOKPERF_SPAN("/"));
    else
        tkp_text_copy(dir, capacity, (struct tokperf_span){path, (uint64_t)(slash - path)});
}

/* What is there may be written to when it is a device, as /dev/null, or with --overwrite a file. */
static tokperf_status check_there(const struct tkp_plan *plan, const struct stat *info,
                                  struct tokperf_error *error)
{
    if (S_ISCHR(info->st_mode))
        return TOKPERF_OK;
    if (!S_ISREG(info->st_mode))
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: '%s' is no regular file",
                        plan->events_log_origin, plan->events_log);
    if (tkp_rundir_is_input(plan, plan->events_log))
        return tkp_fail(error, TOKPERF_E_EXISTS,
                        "%s: the run reads '%s' and would write over it; choose another name",
                        plan->events_log_origin, plan->events_log);
    if (!plan->overwrite)
        return tkp_fail(error, TOKPERF_E_EXISTS,
                        "%s: '%s' is there already; choose another name, or replace it with "
                        "--overwrite%s",
                        plan->events_log_origin, plan->events_log,
                        plan->artifact_dir ? "" : " and --output-artifact-dir");
    return TOKPERF_OK;
}

static tokperf_status denied(const struct tkp_plan *plan, int failed, struct tokperf_error *error)
{
    tokperf_status status =
        failed == ENOENT || failed == ENOTDIR ? TOKPERF_E_NOT_FOUND : TOKPERF_E_DENIED;
    return tkp_fail_errno(error, status, failed, "%s: cannot write '%s'", plan->events_log_origin,
                          plan->events_log);
}

/* Whether a directory that is not there yet is the one that the run will make. */
static bool will_be_made(const struct tkp_plan *plan, const char *dir)
{
    size_t len = plan->artifact_dir ? strlen(plan->artifact_dir) : 0;
    while (len > 1 && plan->artifact_dir[len - 1] == '/')
        len--;
    return len && strncmp(dir, plan->artifact_dir, len) == 0 && (!dir[len] || dir[len] == '/');
}

tokperf_status tkp_events_log_check(const struct tkp_plan *plan, struct tokperf_error *error)
{
    struct stat info;
    char dir[PATH_MAX];
    const char *path = plan->events_log;
    if (!path)
        return TOKPERF_OK;
    if (strlen(path) >= sizeof dir)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: the path is too long",
                        plan->events_log_origin);
    if (stat(path, &info) == 0) {
        tokperf_status status = check_there(plan, &info, error);
        return status == TOKPERF_OK && access(path, W_OK) ? denied(plan, errno, error) : status;
    }
    if (errno != ENOENT)
        return denied(plan, errno, error);
    directory_of(path, dir, sizeof dir);
    if (stat(dir, &info) != 0 && errno == ENOENT && will_be_made(plan, dir))
        return TOKPERF_OK;
    return access(dir, W_OK | X_OK) ? denied(plan, errno, error) : TOKPERF_OK;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether the directory, or the one that it is in, is a folder that the run keeps for itself. */
static bool is_own_folder(const char *run_dir, const char *dir)
{
    static const char *const folders[] = {"logs", TKP_SNAPSHOT_FOLDER, TKP_RUNDIR_PHASES};
    char own[PATH_MAX], above[PATH_MAX];
    struct stat ours, theirs;
    bool has_above = tkp_files_join(above, sizeof above, dir, "..");
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (tkp_files_join(own, sizeof own, run_dir, folders[i]) && !stat(own, &ours) &&
            ((!stat(dir, &theirs) && is_same(&ours, &theirs)) ||
             (has_above && !stat(above, &theirs) && is_same(&ours, &theirs))))
            return true;
    return false;
}

/* A name in the run's directory that the run itself will write. */
static tokperf_status check_name(const struct tkp_plan *plan, const char *run_dir,
                                 struct tokperf_error *error)
{
    char dir[PATH_MAX];
    struct stat ours, theirs;
    const char *slash = strrchr(plan->events_log, '/');
    const char *name = slash ? slash + 1 : plan->events_log;
    directory_of(plan->events_log, dir, sizeof dir);
    bool is_beside = !stat(dir, &theirs) && !stat(run_dir, &ours) && is_same(&ours, &theirs);
    if (!(is_beside && tkp_rundir_is_own_name(plan, name)) && !is_own_folder(run_dir, dir))
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "%s: '%s' is the name of one of the run's own files; choose another",
                    plan->events_log_origin, plan->events_log);
}

tokperf_status tkp_events_log_open(const struct tkp_plan *plan, const char *run_dir,
                                   struct tkp_events_log **log, struct tokperf_error *error)
{
    struct stat info;
    tokperf_status status = tkp_events_log_check(plan, error); /* the directory is there now */
    if (status == TOKPERF_OK)
        status = check_name(plan, run_dir, error);
    if (status != TOKPERF_OK)
        return status;
    struct tkp_events_log *made = calloc(1, sizeof *made);
    if (!made)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the log of events");
    made->path = plan->events_log;
    made->made = lstat(made->path, &info) != 0;
    made->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    /* Without blocking, so that no terminal or pipe can stop the thread. */
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | (made->made ? O_EXCL : O_TRUNC);
    made->fd = open(made->path, flags, 0644);
    uint32_t held = HELD_EVENTS / plan->events_batch;
    made->held_batches = held > HELD_BATCHES_MIN ? held : HELD_BATCHES_MIN;
    if (made->fd < 0 || made->done_fd < 0) {
        status = denied(plan, errno, error);
        (void)tkp_events_log_close(made, false);
        return status;
    }
    *log = made;
    return TOKPERF_OK;
}

/* A subscriber cannot know what came before its first batch of a topic; the run's own does. */
static void note_begin(struct tkp_events_log *log, const struct tkp_batch_head *head)
{
    if (!log->has_begun[head->topic])
        log->missed_before[head->topic] = head->sequence;
    log->has_begun[head->topic] = true;
}

static void say_losses(struct tkp_events_log *log, const struct tkp_subscriber_counts *counts)
{
    struct tkp_buffer losses;
    struct tkp_subscriber_counts all = *counts;
    for (int topic = 0; topic < TKP_TOPIC_COUNT; topic++)
        all.missed[topic] += log->missed_before[topic];
    tkp_buffer_init(&losses, 4096);
    bool is_complete = !tkp_event_losses(&log->writer, &all, &losses) && log->writer.ended;
    if (!log->writer.ended)
        tkp_buffer_printf(&losses, "%sthe end of the session did not come to it",
                          losses.len ? "; " : "");
    if (!is_complete)
        tkp_log(TKP_LOG_WARNING, "%s is not complete: %s", log->path, tkp_buffer_text(&losses));
    tkp_buffer_finish(&losses);
}

static void follow(struct tkp_events_log *log, struct tkp_subscriber *subscriber)
{
    struct tokperf_error error;
    struct tkp_frame_reader batch;
    while (!log->writer.ended) {
        tokperf_status status = tkp_subscriber_next(subscriber, LOOK_MS, &batch, &error);
        if (status == TOKPERF_OK)
            note_begin(log, &batch.head);
        if (status == TOKPERF_OK &&
            tkp_event_writer_batch(&log->writer, &batch, &error) != TOKPERF_OK) {
            tkp_log(TKP_LOG_WARNING, "%s: %s; the run goes on without its log of events", log->path,
                    error.message);
            return;
        }
        if (status != TOKPERF_OK && tkp_flag_is_raised(&log->stop))
            break;
    }
    say_losses(log, tkp_subscriber_counts(subscriber));
}

static void *events_log_main(void *argument)
{
    struct tkp_events_log *log = argument;
    struct tkp_subscriber *subscriber = NULL;
    struct tokperf_error error;
    if (tkp_subscriber_open(log->bus, log->address, ALL_TOPICS, log->held_batches, &subscriber,
                            &error) == TOKPERF_OK)
        follow(log, subscriber);
    else
        tkp_log(TKP_LOG_WARNING, "%s stays empty: %s", log->path, error.message);
    tkp_subscriber_close(subscriber);
    eventfd_write(log->done_fd, 1);
    return NULL;
}

/* Whether the thread ends in that time. */
static bool wait_for_thread(const struct tkp_events_log *log, int timeout_ms)
{
    struct pollfd done = {.fd = log->done_fd, .events = POLLIN};
    uint64_t until_ns = tkp_clock_now_ns() + (uint64_t)timeout_ms * TKP_NS_PER_MS;
    int ready = poll(&done, 1, timeout_ms);
    while (ready < 0 && errno == EINTR && tkp_clock_now_ns() < until_ns)
        ready = poll(&done, 1, LOOK_MS);
    return ready > 0;
}

static bool is_heard(const struct tkp_publisher *publisher)
{
    bool all = true;
    for (int topic = 0; topic < TKP_TOPIC_COUNT; topic++)
        all &= tkp_publisher_has_subscriber(publisher, (enum tkp_topic)topic);
    return all;
}

tokperf_status tkp_events_log_start(struct tkp_events_log *log, struct tkp_bus *bus,
                                    const char *address, const struct tkp_publisher *publisher,
                                    const struct tkp_event_context *context,
                                    struct tokperf_error *error)
{
    log->bus = bus;
    log->address = address;
    tkp_event_writer_init(&log->writer, TKP_EVENT_JSONL, context, ALL_TOPICS, log->fd, -1);
    int failed = tkp_thread_create_quiet(&log->thread, events_log_main, log);
    if (failed)
        return tkp_fail_errno(error, TOKPERF_E_IO, failed,
                              "cannot start the thread of the log of events");
    log->started = true;
    pthread_setname_np(log->thread, "events-log");
    uint64_t until_ns = tkp_clock_now_ns() + LISTEN_MS * TKP_NS_PER_MS;
    while (!is_heard(publisher) && tkp_clock_now_ns() < until_ns && !wait_for_thread(log, 1))
        ;
    return TOKPERF_OK;
}

bool tkp_events_log_close(struct tkp_events_log *log, bool discard)
{
    if (!log)
        return true;
    if (log->started && !wait_for_thread(log, discard ? 0 : WRITE_OUT_MS)) {
        tkp_flag_raise(&log->stop);
        if (!wait_for_thread(log, STOP_MS)) {
            tkp_log(TKP_LOG_WARNING, "%s is not complete: it cannot be written to any more",
                    log->path);
            return false; /* the thread still has it, and ends with the process */
        }
    }
    if (log->started)
        pthread_join(log->thread, NULL);
    tkp_buffer_finish(&log->writer.out);
    if (log->fd >= 0)
        close(log->fd);
    if (log->done_fd >= 0)
        close(log->done_fd);
    if (discard && log->made)
        (void)unlink(log->path); /* what is not there is gone already */
    free(log);
    return true;
}

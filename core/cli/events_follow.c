/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See events_follow.h. The topic of sessions is always subscribed to, as its last event is how one
 * knows that nothing more comes; the process of run.json is looked at as well, since a run that was
 * killed says nothing.
 */
#include <cli/events_follow.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/files.h>
#include <base/log.h>
#include <base/text.h>
#include <cli/output.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <run/exit_code.h>
#include <run/interrupt.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOOK_MS = 100,    /* between looks at signals, at stdout and at the run's process */
    ADDRESS_MS = 2000 /* a run that has just begun names its address soon */
};

#define IPC     "ipc://"
#define RUNS_IN "artifacts"

struct following {
    const char *dir;
    const struct tkp_run_file *file;
    struct tkp_event_writer writer;
    struct tkp_bus *bus;
    struct tkp_subscriber *subscriber;
};

static tokperf_status read_run(const char *dir, struct tkp_arena *arena, struct tkp_run_file *file,
                               struct tokperf_error *error)
{
    tokperf_status status = tkp_run_file_read(dir, arena, file, error);
    if (status == TOKPERF_OK || status == TOKPERF_E_PARSE)
        return status;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "'%s' is not the directory of a run: it has no readable run.json", dir);
}

static tokperf_status check_live(const char *dir, const struct tkp_run_file *file,
                                 struct tokperf_error *error)
{
    if (file->end_ns)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "the run in '%s' has ended; see its results there, or make them again with "
                        "tokperf report %s",
                        dir, dir);
    if (!tkp_run_file_is_live(file))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "the run in '%s' is gone: its process %lld ended without a word; make its "
                        "results with tokperf report %s",
                        dir, (long long)file->pid, dir);
    return TOKPERF_OK;
}

/* It also goes when the run ends, which says so first. */
static tokperf_status check_socket(const char *dir, struct tkp_arena *arena,
                                   const struct tkp_run_file *file, struct tokperf_error *error)
{
    struct tkp_run_file now;
    bool is_file = strncmp(file->events, IPC, strlen(IPC)) == 0;
    if (!is_file || access(file->events + strlen(IPC), F_OK) == 0)
        return TOKPERF_OK;
    int failed = errno;
    tokperf_status status = read_run(dir, arena, &now, error);
    if (status == TOKPERF_OK)
        status = check_live(dir, &now, error);
    if (status != TOKPERF_OK)
        return status;
    return tkp_fail_errno(error, TOKPERF_E_IO, failed,
                          "the run in '%s' cannot be followed: its socket '%s' is gone", dir,
                          file->events + strlen(IPC));
}

tokperf_status tkp_events_open_run(const char *dir, struct tkp_arena *arena,
                                   struct tkp_run_file *file, struct tokperf_error *error)
{
    uint64_t until_ns = tkp_clock_now_ns() + ADDRESS_MS * TKP_NS_PER_MS;
    tokperf_status status = read_run(dir, arena, file, error);
    if (status == TOKPERF_OK)
        status = check_live(dir, file, error);
    while (status == TOKPERF_OK && !file->events && tkp_clock_now_ns() < until_ns &&
           !tkp_flag_is_raised(tkp_interrupt_flag())) {
        poll(NULL, 0, LOOK_MS);
        status = read_run(dir, arena, file, error);
        if (status == TOKPERF_OK)
            status = check_live(dir, file, error);
    }
    if (status != TOKPERF_OK)
        return status;
    if (!file->events)
        return tkp_fail(error, TOKPERF_E_IO,
                        "the run in '%s' cannot be followed: it has no bus; its logs/tokperf.log "
                        "says why",
                        dir);
    return check_socket(dir, arena, file, error);
}

const char *tkp_events_newest_run(struct tkp_arena *arena)
{
    char path[PATH_MAX];
    const char *newest = NULL;
    uint64_t newest_ns = 0;
    DIR *dir = opendir(RUNS_IN);
    if (!dir)
        return NULL;
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct tkp_run_file file;
        struct tokperf_error ignored;
        if (entry->d_name[0] == '.' || !tkp_files_join(path, sizeof path, RUNS_IN, entry->d_name) ||
            tkp_run_file_read(path, arena, &file, &ignored) != TOKPERF_OK ||
            !tkp_run_file_is_live(&file) || file.start_ns < newest_ns)
            continue;
        newest_ns = file.start_ns;
        newest = tkp_arena_copy(arena, path, strlen(path));
    }
    closedir(dir);
    return newest;
}

/* Whether nobody can read what is printed any more. */
static bool is_stdout_closed(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = 0};
    return poll(&out, 1, 0) > 0 && (out.revents & (POLLERR | POLLNVAL));
}

/* Once the process is gone, what it sent before may still wait here: true when nothing does. */
static bool is_over(const struct following *f, bool *was_gone)
{
    if (*was_gone)
        return true;
    *was_gone = !tkp_run_file_is_live(f->file);
    return false;
}

/* Until the end of whatever comes first. Returns the exit code. */
static int follow(struct following *f)
{
    struct tokperf_error error = {0};
    struct tkp_frame_reader batch;
    bool was_gone = false;
    while (!f->writer.ended) {
        if (tkp_flag_is_raised(tkp_interrupt_flag()))
            return TKP_EXIT_INTERRUPTED;
        if (is_stdout_closed())
            return TKP_EXIT_OK;
        tokperf_status status = tkp_subscriber_next(f->subscriber, LOOK_MS, &batch, &error);
        if (status == TOKPERF_OK) {
            status = tkp_event_writer_batch(&f->writer, &batch, &error);
            if (status == TOKPERF_E_CANCELLED)
                return TKP_EXIT_INTERRUPTED;
            if (status != TOKPERF_OK && is_stdout_closed())
                return TKP_EXIT_OK;
            if (status != TOKPERF_OK) {
                (void)tkp_error_prefix(&error, "standard output");
                return tkp_output_refuse(status, &error);
            }
        } else if (status == TOKPERF_E_TIMEOUT && is_over(f, &was_gone)) {
            tkp_log(TKP_LOG_ERROR,
                    "the run in '%s' is gone: its process %lld ended, and the end of its session "
                    "did not come here; make its results with tokperf report %s",
                    f->dir, (long long)f->file->pid, f->dir);
            return TKP_EXIT_RUN_FAILED;
        }
    }
    return TKP_EXIT_OK;
}

static void say_losses(const struct following *f)
{
    struct tkp_buffer losses;
    tkp_buffer_init(&losses, 4096);
    if (tkp_event_losses(&f->writer, tkp_subscriber_counts(f->subscriber), &losses))
        tkp_log(TKP_LOG_WARNING, "what is printed is not complete: %s", tkp_buffer_text(&losses));
    tkp_buffer_finish(&losses);
}

int tkp_events_follow(const char *dir, const struct tkp_run_file *file, uint32_t topics,
                      enum tkp_event_format format)
{
    struct following f = {.dir = dir, .file = file};
    struct tkp_event_context context = {file->monotonic_to_realtime_ns, file->phases,
                                        file->phase_count};
    struct tokperf_error error = {0};
    tkp_event_writer_init(&f.writer, format, &context, topics, STDOUT_FILENO, tkp_interrupt_fd());
    tokperf_status status = tkp_bus_create(&f.bus, &error);
    if (status == TOKPERF_OK)
        status = tkp_subscriber_open(f.bus, file->events, topics | 1u << TKP_TOPIC_SESSION, 0,
                                     &f.subscriber, &error);
    int code;
    if (status == TOKPERF_OK) {
        code = follow(&f);
        say_losses(&f);
    } else {
        code = tkp_output_refuse(status, &error);
    }
    tkp_subscriber_close(f.subscriber);
    tkp_bus_destroy(f.bus);
    tkp_buffer_finish(&f.writer.out);
    return code;
}

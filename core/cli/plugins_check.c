/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parent of a check: spawns the child in its own process group, reads its lines, ends it when a
 * step takes too long, and turns the way it ended into a finding.
 */
#include <cli/plugins_check.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/process.h>
#include <cli/plugins_check_child.h>
#include <cli/plugins_check_report.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A plugin that always comes back and is always slow must end too. */
enum { MAX_TIMEOUTS = 30 };
enum { KILL_MS = 10000 }; /* for the kernel to end what it was told to */
enum { READ_BYTES = 4096, LINE_MAX_BYTES = 64 * 1024, SHOWN_OUTPUT_BYTES = 200 };

struct session {
    const struct tkp_plugins_args *args;
    struct tkp_check_report *report;
    struct tkp_process child;
    struct tkp_buffer lines, output;
    uint64_t deadline_ns; /* of the call under way */
    uint64_t end_ns;      /* of everything */
    bool timed_out;
};

/* posix_spawn takes what it does not write to as char *. */
static char *as_argument(const char *text)
{
    char *argument;
    memcpy(&argument, &text, sizeof argument);
    return argument;
}

/* argv of the child; its end is NULL. */
static void fill_arguments(const struct tkp_plugins_args *args, char *argv[])
{
    size_t n = 0;
    argv[n++] = as_argument("tokperf");
    argv[n++] = as_argument("plugins");
    argv[n++] = as_argument("check-child");
    argv[n++] = as_argument(args->operand);
    if (args->fixtures != NULL) {
        argv[n++] = as_argument("--fixtures");
        argv[n++] = as_argument(args->fixtures);
    }
    for (uint32_t i = 0; i < args->setting_count; i++) {
        argv[n++] = as_argument("--set");
        argv[n++] = as_argument(args->set_texts[i]);
    }
    argv[n] = NULL;
}

static tokperf_status start(struct session *s, struct tokperf_error *error)
{
    char *argv[2 * TKP_PLUGINS_ARGS_MAX + 8];
    const struct tkp_process_program program = {
        .path = "/proc/self/exe",
        .arguments = argv,
        .output = TKP_PROCESS_OUTPUT_PIPE,
        .report = TKP_CHECK_REPORT_FD,
    };
    fill_arguments(s->args, argv);
    if (tkp_process_start(&program, &s->child, error) == TOKPERF_OK)
        return TOKPERF_OK;
    tkp_error_prefix(error, "the plugin cannot be checked");
    return error->status = TOKPERF_E_IO;
}

static void take_lines(struct session *s)
{
    char *end;
    while (s->lines.len > 0 && (end = memchr(s->lines.data, '\n', s->lines.len)) != NULL) {
        size_t len = (size_t)(end - s->lines.data);
        tkp_check_report_line(s->report, s->lines.data, len);
        if (s->lines.data[0] == 'B' || s->lines.data[0] == 'P')
            s->deadline_ns = tkp_clock_after_ns(tkp_clock_now_ns(), s->args->timeout_ns);
        tkp_buffer_consume(&s->lines, len + 1);
    }
}

/* Reads what is there; false at the end. */
static bool drain(int fd, struct tkp_buffer *into)
{
    char bytes[READ_BYTES];
    ssize_t got = read(fd, bytes, sizeof bytes);
    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    if (got > 0 && into->len < LINE_MAX_BYTES)
        tkp_buffer_append(into, bytes, (size_t)got);
    return got > 0;
}

static uint64_t next_deadline(const struct session *s)
{
    return s->deadline_ns < s->end_ns ? s->deadline_ns : s->end_ns;
}

static int wait_ms(const struct session *s)
{
    uint64_t now = tkp_clock_now_ns();
    if (now >= next_deadline(s))
        return 0;
    uint64_t left_ms = (next_deadline(s) - now) / TKP_NS_PER_MS + 1;
    return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

static void follow(struct session *s)
{
    struct pollfd fds[2] = {{s->child.report, POLLIN, 0}, {s->child.output, POLLIN, 0}};
    s->deadline_ns = tkp_clock_after_ns(tkp_clock_now_ns(), s->args->timeout_ns);
    s->end_ns = tkp_clock_after_ns(tkp_clock_now_ns(), MAX_TIMEOUTS * s->args->timeout_ns);
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        int ready = poll(fds, 2, wait_ms(s));
        if (ready < 0 && errno != EINTR)
            break;
        if (tkp_clock_now_ns() >= (ready == 0 ? next_deadline(s) : s->end_ns)) {
            s->timed_out = true;
            break;
        }
        if (ready <= 0)
            continue;
        if (fds[0].revents != 0 && !drain(s->child.report, &s->lines))
            fds[0].fd = -1;
        if (fds[1].revents != 0 && !drain(s->child.output, &s->output))
            fds[1].fd = -1;
        take_lines(s);
    }
}

static const char *signal_name(int number)
{
    const char *name = sigabbrev_np(number);
    return name != NULL ? name : "unknown";
}

/* What the child's end says about the plugin. */
static void judge_end(struct session *s, int status)
{
    struct tkp_check_report *report = s->report;
    char text[256];
    bool loading = report->step_count <= 1 && report->plugin == NULL;
    if (s->timed_out)
        snprintf(text, sizeof text, "it did not come back within %.3g s: it hangs or spins",
                 (double)s->args->timeout_ns / (double)TKP_NS_PER_S);
    else if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "it crashed with SIG%s", signal_name(WTERMSIG(status)));
    else if (!report->ended)
        snprintf(text, sizeof text, "it ended the process with exit code %d", WEXITSTATUS(status));
    else if (WEXITSTATUS(status) != 0)
        snprintf(text, sizeof text, "the process ended with exit code %d behind the last check",
                 WEXITSTATUS(status));
    else
        return;
    if (loading)
        report->cannot_load = tkp_arena_printf(&report->arena, "while it was loaded %s", text);
    else
        tkp_check_report_finding(report, text);
}

static void judge_output(struct session *s)
{
    char text[SHOWN_OUTPUT_BYTES + 64];
    if (s->output.len == 0)
        return;
    size_t len = s->output.len < SHOWN_OUTPUT_BYTES ? s->output.len : SHOWN_OUTPUT_BYTES;
    snprintf(text, sizeof text, "it writes to stdout, which is the user's: %.*s", (int)len,
             s->output.data);
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20)
            *c = ' ';
    tkp_check_report_finding(s->report, text);
}

/* One that has closed what it writes to may go on all the same. */
static void end_child(struct session *s)
{
    static const struct tkp_process_patience none = {0, 0, KILL_MS};
    int status = 0;
    s->timed_out = s->timed_out || !tkp_process_wait(&s->child, (uint32_t)wait_ms(s), &status);
    (void)tkp_processes_end(&(struct tkp_process *){&s->child}, 1, &none);
    judge_end(s, status);
    judge_output(s);
}

static tokperf_status check_operands(const struct tkp_plugins_args *args,
                                     struct tokperf_error *error)
{
    struct stat info;
    if (args->fixtures == NULL)
        return TOKPERF_OK;
    if (stat(args->fixtures, &info) != 0)
        return tkp_fail_errno(error, TOKPERF_E_NOT_FOUND, errno, "--fixtures: cannot open %s",
                              args->fixtures);
    if (!S_ISDIR(info.st_mode))
        return tkp_fail(error, TOKPERF_E_INVALID, "--fixtures: %s is not a folder", args->fixtures);
    return TOKPERF_OK;
}

tokperf_status tkp_plugins_check(const struct tkp_plugins_args *args, struct tkp_buffer *out,
                                 int *code, struct tokperf_error *error)
{
    tokperf_status status = check_operands(args, error);
    if (status != TOKPERF_OK)
        return status;
    struct tkp_check_report *report = malloc(sizeof *report);
    if (report == NULL)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the report of a check");
    tkp_check_report_init(report, args->operand);
    struct session s = {.args = args, .report = report};
    tkp_buffer_init(&s.lines, (size_t)2 * LINE_MAX_BYTES);
    tkp_buffer_init(&s.output, (size_t)2 * LINE_MAX_BYTES);
    status = start(&s, error);
    if (status == TOKPERF_OK) {
        follow(&s);
        end_child(&s);
        tkp_check_report_write(report, args->format, out);
        *code = tkp_check_report_code(report);
    }
    tkp_buffer_finish(&s.lines);
    tkp_buffer_finish(&s.output);
    tkp_check_report_finish(report);
    free(report);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* See process.h. Nobody else reaps these children, so that a pid names the same one until we did.
 */
#include <base/process.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/last_will.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOOK_MS = 5 }; /* where the kernel has no pidfd */

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Signals that this process ignores would be ignored by the child too. */
static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &defaults);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                             POSIX_SPAWN_SETSIGDEF);
}

/* Ends to read from and to write to; -1: none. */
struct pipes {
    int in[2], out[2], report[2];
};

/* The report is last: its number may be that of an end that another one was made from. */
static void set_files(const struct tkp_process_program *program, const struct pipes *pipes,
                      posix_spawn_file_actions_t *actions)
{
    posix_spawn_file_actions_adddup2(actions, pipes->in[0], STDIN_FILENO);
    if (program->directory)
        posix_spawn_file_actions_addchdir_np(actions, program->directory);
    if (program->messages)
        posix_spawn_file_actions_addopen(actions, STDERR_FILENO, program->messages,
                                         O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (program->output == TKP_PROCESS_OUTPUT_NONE)
        posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    else
        posix_spawn_file_actions_adddup2(actions, pipes->out[1] < 0 ? STDERR_FILENO : pipes->out[1],
                                         STDOUT_FILENO);
    if (program->report)
        posix_spawn_file_actions_adddup2(actions, pipes->report[1], program->report);
}

static int spawn(const struct tkp_process_program *program, const struct pipes *pipes, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    set_files(program, pipes, &actions);
    set_attributes(&attributes);
    int code = posix_spawn(pid, program->path, &actions, &attributes, program->arguments,
                           program->environment ? program->environment : environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return code;
}

static void close_pipe(int ends[2])
{
    close_end(&ends[0]);
    close_end(&ends[1]);
}

static void close_pipes(struct pipes *pipes)
{
    close_pipe(pipes->in);
    close_pipe(pipes->out);
    close_pipe(pipes->report);
}

/* The write end must not make us wait for a child that does not read. */
static int make_pipes(const struct tkp_process_program *program, struct pipes *pipes)
{
    *pipes = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    if (!pipe2(pipes->in, O_CLOEXEC) && !fcntl(pipes->in[1], F_SETFL, O_NONBLOCK) &&
        (program->output != TKP_PROCESS_OUTPUT_PIPE || !pipe2(pipes->out, O_CLOEXEC)) &&
        (!program->report || !pipe2(pipes->report, O_CLOEXEC)))
        return 0;
    int code = errno;
    close_pipes(pipes);
    return code;
}

tokperf_status tkp_process_start(const struct tkp_process_program *program,
                                 struct tkp_process *process, struct tokperf_error *error)
{
    struct pipes pipes;
    *process = (struct tkp_process){.pidfd = -1, .input = -1, .output = -1, .report = -1};
    int code = make_pipes(program, &pipes);
    if (code)
        return tkp_fail_errno(error, TOKPERF_E_LIMIT, code, "cannot make a pipe for '%s'",
                              program->path);
    pid_t pid = 0;
    code = spawn(program, &pipes, &pid);
    if (code) {
        close_pipes(&pipes);
        return tkp_fail_errno(error, TOKPERF_E_UNSUPPORTED, code, "cannot start '%s'",
                              program->path);
    }
    close_end(&pipes.in[0]);
    close_end(&pipes.out[1]);
    close_end(&pipes.report[1]);
    tkp_last_will_signal(pid, program->last_signal ? program->last_signal : SIGKILL);
    process->pid = pid;
    process->input = pipes.in[1];
    process->output = pipes.out[0];
    process->report = pipes.report[0];
    process->pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* closed on exec by itself */
    return TOKPERF_OK;
}

bool tkp_process_has_ended(struct tkp_process *process, int *wait_status)
{
    siginfo_t info = {0};
    int status = -1;
    if (process->pid <= 0)
        return true;
    bool is_ours = waitid(P_PID, (id_t)process->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
    if (is_ours && info.si_pid == 0)
        return false;
    tkp_last_will_spare(process->pid);
    if (is_ours) {
        kill(-process->pid, SIGKILL); /* as long as it is not reaped the group is its own */
        if (waitpid(process->pid, &status, 0) < 0)
            status = -1;
    }
    process->pid = 0;
    close_end(&process->pidfd);
    if (wait_status)
        *wait_status = status;
    return true;
}

bool tkp_process_wait(struct tkp_process *process, uint32_t timeout_ms, int *wait_status)
{
    uint64_t deadline_ns = tkp_clock_now_ns() + timeout_ms * TKP_NS_PER_MS;
    while (!tkp_process_has_ended(process, wait_status)) {
        uint64_t now_ns = tkp_clock_now_ns();
        if (now_ns >= deadline_ns)
            return false;
        uint64_t left_ms = (deadline_ns - now_ns) / TKP_NS_PER_MS + 1;
        struct pollfd ended = {.fd = process->pidfd, .events = POLLIN};
        poll(&ended, 1, process->pidfd < 0 ? LOOK_MS : (int)left_ms);
    }
    return true;
}

void tkp_process_describe_end(int wait_status, char *out, size_t capacity)
{
    if (wait_status != -1 && WIFEXITED(wait_status))
        snprintf(out, capacity, "exit code %d", WEXITSTATUS(wait_status));
    else if (wait_status != -1 && WIFSIGNALED(wait_status))
        snprintf(out, capacity, "signal %d (%s)", WTERMSIG(wait_status),
                 strsignal(WTERMSIG(wait_status)));
    else
        snprintf(out, capacity, "it ended");
}

/* Waits for all of them within one time. Returns how many are left. */
static uint32_t wait_for_all(struct tkp_process *const *list, uint32_t count, uint32_t timeout_ms)
{
    uint64_t deadline_ns = tkp_clock_now_ns() + timeout_ms * TKP_NS_PER_MS;
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t now_ns = tkp_clock_now_ns();
        uint64_t left_ns = now_ns < deadline_ns ? deadline_ns - now_ns : 0;
        left += !tkp_process_wait(list[i], (uint32_t)(left_ns / TKP_NS_PER_MS), NULL);
    }
    return left;
}

uint32_t tkp_processes_end(struct tkp_process *const *list, uint32_t count,
                           const struct tkp_process_patience *patience)
{
    uint32_t killed = 0;
    for (uint32_t i = 0; i < count; i++)
        if (list[i]->pid > 0)
            close_end(&list[i]->input);
    if (wait_for_all(list, count, patience->after_close_ms)) {
        for (uint32_t i = 0; i < count; i++)
            if (list[i]->pid > 0)
                kill(list[i]->pid, SIGTERM);
        killed = wait_for_all(list, count, patience->after_term_ms);
    }
    if (killed) {
        for (uint32_t i = 0; i < count; i++)
            if (list[i]->pid > 0) {
                list[i]->was_killed = true;
                kill(-list[i]->pid, SIGKILL);
            }
        (void)wait_for_all(list, count, patience->after_kill_ms);
    }
    for (uint32_t i = 0; i < count; i++) {
        bool was_started = list[i]->pid || list[i]->pidfd || list[i]->input || list[i]->output;
        if (!was_started)
            continue; /* zeroed: its descriptors are none */
        close_end(&list[i]->pidfd);
        close_end(&list[i]->input);
        close_end(&list[i]->output);
        close_end(&list[i]->report);
    }
    return killed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* See child.h. */
#include <calibrate/child.h>

#include <base/clock.h>
#include <base/error.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ARGUMENTS = 64, LOOK_MS = 5, PATIENCE_MS = 3000 };

/* What of the caller's environment a step sees: where plugins are, nothing else of tokperf. */
static bool is_kept(const char *pair)
{
    static const char *const kept[] = {"TOKPERF_PLUGIN_PATH=", "TOKPERF_NO_DEFAULT_PLUGINS="};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strncmp(pair, kept[i], strlen(kept[i])) == 0)
            return true;
    return strncmp(pair, "TOKPERF_", strlen("TOKPERF_")) != 0 &&
           strncmp(pair, "XDG_STATE_HOME=", strlen("XDG_STATE_HOME=")) != 0;
}

/* Pointers into `from`, and `state` at the end: the child finds no saved calibration there. */
static const char **make_environment(const char *const *from, const char *state)
{
    size_t count = 0, used = 0;
    while (from[count])
        count++;
    const char **made = calloc(count + 2, sizeof *made);
    for (size_t i = 0; made && i < count; i++)
        if (is_kept(from[i]))
            made[used++] = from[i];
    if (made)
        made[used] = state;
    return made;
}

static int spawn(const struct tkp_child_inputs *inputs, const char **environment, pid_t *pid)
{
    const char *arguments[MAX_ARGUMENTS] = {"tokperf", "profile"};
    for (int i = 0; inputs->arguments[i] && i + 3 < MAX_ARGUMENTS; i++)
        arguments[i + 2] = inputs->arguments[i];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addchdir_np(&actions, inputs->directory);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "messages", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    /* exec takes char *const[] for historic reasons and changes nothing. */
    union {
        const char **given;
        char *const *taken;
    } argv = {.given = arguments}, envp = {.given = environment};
    int code = posix_spawn(pid, "/proc/self/exe", &actions, &attributes, argv.taken, envp.taken);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return code;
}

/* Whether it ended within the time; until the flag is raised where there is one. */
static bool wait_for_end(pid_t pid, uint64_t timeout_ns, const struct tkp_calibrate_cancel *cancel,
                         int *wait_status)
{
    uint64_t deadline_ns = tkp_clock_after_ns(tkp_clock_now_ns(), timeout_ns);
    for (;;) {
        if (waitpid(pid, wait_status, WNOHANG) != 0)
            return true;
        if (tkp_clock_now_ns() >= deadline_ns || (cancel && tkp_flag_is_raised(cancel->flag)))
            return false;
        struct pollfd wake = {.fd = cancel ? cancel->fd : -1, .events = POLLIN};
        poll(&wake, 1, LOOK_MS);
    }
}

/* Politely, so that it takes its mock server down, then for good. */
static void end(pid_t pid)
{
    int status;
    kill(pid, SIGTERM);
    if (wait_for_end(pid, PATIENCE_MS * TKP_NS_PER_MS, NULL, &status))
        return;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

tokperf_status tkp_child_run(const struct tkp_child_inputs *inputs, int *code,
                             struct tokperf_error *error)
{
    char state[4200];
    int wait_status = 0;
    pid_t pid = -1;
    (void)snprintf(state, sizeof state, "XDG_STATE_HOME=%s", inputs->directory);
    const char **environment = make_environment(inputs->environment, state);
    if (!environment)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory to start a step");
    int failed = spawn(inputs, environment, &pid);
    free(environment);
    if (failed)
        return tkp_fail_errno(error, TOKPERF_E_UNSUPPORTED, failed, "cannot start a step");
    if (wait_for_end(pid, inputs->timeout_ns, &inputs->cancel, &wait_status)) {
        *code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
        return TOKPERF_OK;
    }
    end(pid);
    if (tkp_flag_is_raised(inputs->cancel.flag))
        return tkp_fail(error, TOKPERF_E_CANCELLED, "interrupted: nothing is saved");
    return tkp_fail(error, TOKPERF_E_TIMEOUT, "a step did not end within %.0f s",
                    (double)inputs->timeout_ns / (double)TKP_NS_PER_S);
}

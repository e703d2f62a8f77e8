/* SPDX-License-Identifier: Apache-2.0 */
/* See child.h. */
#include <calibrate/child.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/process.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { MAX_ARGUMENTS = 64, LOOK_MS = 50, PATIENCE_MS = 3000 };

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

static tokperf_status start(const struct tkp_child_inputs *inputs, const char **environment,
                            struct tkp_process *process, struct tokperf_error *error)
{
    const char *arguments[MAX_ARGUMENTS] = {"tokperf", "profile"};
    for (int i = 0; inputs->arguments[i] && i + 3 < MAX_ARGUMENTS; i++)
        arguments[i + 2] = inputs->arguments[i];
    /* exec takes char *const[] for historic reasons and changes nothing. */
    union {
        const char **given;
        char *const *taken;
    } argv = {.given = arguments}, envp = {.given = environment};
    const struct tkp_process_program program = {.path = "/proc/self/exe",
                                                .arguments = argv.taken,
                                                .environment = envp.taken,
                                                .directory = inputs->directory,
                                                .messages = "messages",
                                                .output = TKP_PROCESS_OUTPUT_NONE,
                                                .last_signal = SIGTERM};
    return tkp_process_start(&program, process, error);
}

/* Whether it ended within the time and before the flag was raised. */
static bool wait_for_end(const struct tkp_child_inputs *inputs, struct tkp_process *process,
                         int *wait_status)
{
    uint64_t deadline_ns = tkp_clock_after_ns(tkp_clock_now_ns(), inputs->timeout_ns);
    while (!tkp_process_wait(process, LOOK_MS, wait_status))
        if (tkp_clock_now_ns() >= deadline_ns || tkp_flag_is_raised(inputs->cancel))
            return false;
    return true;
}

tokperf_status tkp_child_run(const struct tkp_child_inputs *inputs, int *code,
                             struct tokperf_error *error)
{
    /* Politely, so that it takes its mock server down, then for good. */
    static const struct tkp_process_patience patience = {0, PATIENCE_MS, PATIENCE_MS};
    char state[4200];
    int wait_status = -1;
    struct tkp_process process;
    (void)snprintf(state, sizeof state, "XDG_STATE_HOME=%s", inputs->directory);
    const char **environment = make_environment(inputs->environment, state);
    if (!environment)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory to start a step");
    tokperf_status status = start(inputs, environment, &process, error);
    free(environment);
    if (status != TOKPERF_OK)
        return status;
    bool has_ended = wait_for_end(inputs, &process, &wait_status);
    tkp_processes_end(&(struct tkp_process *){&process}, 1, &patience);
    if (has_ended) {
        *code = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1;
        return TOKPERF_OK;
    }
    if (tkp_flag_is_raised(inputs->cancel))
        return tkp_fail(error, TOKPERF_E_CANCELLED, "interrupted: nothing is saved");
    return tkp_fail(error, TOKPERF_E_TIMEOUT, "a step did not end within %.0f s",
                    (double)inputs->timeout_ns / (double)TKP_NS_PER_S);
}

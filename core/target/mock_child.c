/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting and ending tokperf-mock. The first line of its output says where it listens.
 */
#include <target/mock_child.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/files.h>
#include <base/process.h>
#include <base/text.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ARGUMENTS = 64, LINE_BYTES = 1024, START_TIMEOUT_MS = 10000, STOP_TIMEOUT_MS = 2000 };

struct tkp_mock_child {
    struct tkp_process process; /* its first line of output says where it listens */
};

static tokperf_status find_program(char *path, size_t capacity, struct tokperf_error *error)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return tkp_fail_errno(error, TOKPERF_E_UNSUPPORTED, errno, "cannot read /proc/self/exe");
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        *slash = '\0';
    if (!tkp_files_join(path, capacity, self, "tokperf-mock") || access(path, X_OK))
        return tkp_fail_errno(error, TOKPERF_E_UNSUPPORTED, errno,
                              "--url mock: needs the program 'tokperf-mock' in '%s'", self);
    return TOKPERF_OK;
}

/* "?ttft=20&fast" -> "--ttft", "20", "--fast". */
static tokperf_status add_query_options(const char *query, struct tkp_arena *arena,
                                        char **arguments, uint32_t count,
                                        struct tokperf_error *error)
{
    char *item = tkp_arena_copy(arena, query, strlen(query));
    for (char *next; item; item = next) {
        next = strchr(item, '&');
        if (next)
            *next++ = '\0';
        if (count + 2 >= MAX_ARGUMENTS)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "--url mock:?...: there are too many options for tokperf-mock; start "
                            "it yourself and name its address");
        char *equals = strchr(item, '=');
        if (equals)
            *equals = '\0';
        arguments[count++] = tkp_arena_printf(arena, "--%s", item);
        if (equals)
            arguments[count++] = equals + 1;
    }
    return TOKPERF_OK;
}

/* Copies the child's sentence with "--name" of its options as the URL has them, "name". */
static void copy_reason(char *out, const char *reason)
{
    static const char own_help[] = "tokperf-mock --help";
    for (const char *p = reason; *p;) {
        if (strncmp(p, own_help, sizeof own_help - 1) == 0) {
            memcpy(out, own_help, sizeof own_help - 1);
            out += sizeof own_help - 1;
            p += sizeof own_help - 1;
        } else if (strncmp(p, "--", 2) == 0 && (p == reason || p[-1] == ' ')) {
            p += 2;
        } else {
            *out++ = *p++;
        }
    }
    *out = '\0';
}

/* The child's first line is why it did not start: its options are the user's to correct. */
static tokperf_status refused(struct tkp_mock_child *child, const struct tkp_url *mock,
                              const char *reason, struct tokperf_error *error)
{
    char text[LINE_BYTES];
    int end = 0;
    bool ended = tkp_process_wait(&child->process, STOP_TIMEOUT_MS, &end);
    copy_reason(text, reason);
    bool is_usage = ended && WIFEXITED(end) && WEXITSTATUS(end) == 2;
    return tkp_fail(error, is_usage ? TOKPERF_E_INVALID : TOKPERF_E_UNSUPPORTED, "%s: '%s': %s",
                    mock->origin ? mock->origin : "--url", mock->text, text);
}

/* Reads the child's first line within the deadline. */
static tokperf_status read_line(int fd, char *line, size_t capacity, struct tokperf_error *error)
{
    uint64_t deadline_ns = tkp_clock_now_ns() + START_TIMEOUT_MS * TKP_NS_PER_MS;
    size_t len = 0;
    while (len + 1 < capacity) {
        uint64_t now_ns = tkp_clock_now_ns();
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int left_ms = now_ns < deadline_ns ? (int)((deadline_ns - now_ns) / TKP_NS_PER_MS) : 0;
        int n = poll(&ready, 1, left_ms);
        if (n == 0)
            return tkp_fail(error, TOKPERF_E_TIMEOUT, "tokperf-mock did not come up within %d s",
                            START_TIMEOUT_MS / 1000);
        ssize_t got = n > 0 ? read(fd, line + len, 1) : -1;
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        if (line[len] == '\n') {
            line[len] = '\0';
            return TOKPERF_OK;
        }
        len++;
    }
    return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                    "tokperf-mock ended before it listened and did not say why");
}

static tokperf_status start(struct tkp_mock_child *child, const struct tkp_url *mock,
                            struct tkp_arena *arena, struct tokperf_error *error)
{
    char path[PATH_MAX];
    char *arguments[MAX_ARGUMENTS + 1] = {path, (char[]){"--port"}, (char[]){"0"},
                                          (char[]){"--exit-with-stdin"}};
    const char *query = strchr(mock->text, '?');
    tokperf_status status = find_program(path, sizeof path, error);
    if (status != TOKPERF_OK)
        return status;
    if (query && query[1])
        status = add_query_options(query + 1, arena, arguments, 4, error);
    if (status != TOKPERF_OK)
        return status;
    const struct tkp_process_program program = {
        .path = path, .arguments = arguments, .output = TKP_PROCESS_OUTPUT_PIPE};
    return tkp_process_start(&program, &child->process, error);
}

tokperf_status tkp_mock_child_start(const struct tkp_url *mock, struct tkp_arena *arena,
                                    struct tkp_mock_child **child, struct tkp_url *url,
                                    struct tokperf_error *error)
{
    static const char greeting[] = "listening on ", trouble[] = "tokperf-mock: ";
    struct tkp_mock_child *made = malloc(sizeof *made);
    if (!made)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory to start tokperf-mock");
    *made = (struct tkp_mock_child){{0}};
    char line[LINE_BYTES] = "";
    tokperf_status status = start(made, mock, arena, error);
    if (status == TOKPERF_OK)
        status = read_line(made->process.output, line, sizeof line, error);
    if (status == TOKPERF_OK && strncmp(line, trouble, sizeof trouble - 1) == 0)
        status = refused(made, mock, line + sizeof trouble - 1, error);
    if (status == TOKPERF_OK && strncmp(line, greeting, sizeof greeting - 1) != 0)
        status =
            tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                     "the program 'tokperf-mock' beside this one is another: it says '%s'", line);
    if (status == TOKPERF_OK)
        status = tkp_url_parse(line + sizeof greeting - 1, arena, url, error);
    if (status != TOKPERF_OK) {
        tkp_mock_child_stop(made);
        return status;
    }
    *child = made;
    return TOKPERF_OK;
}

void tkp_mock_child_stop(struct tkp_mock_child *child)
{
    if (!child)
        return;
    const struct tkp_process_patience patience = {STOP_TIMEOUT_MS, 0, STOP_TIMEOUT_MS};
    tkp_processes_end(&(struct tkp_process *){&child->process}, 1, &patience);
    free(child);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* tokperf-mock: reads its options, starts the server, says where it listens, and waits for a signal
 * or, with --exit-with-stdin, for the end of its standard input. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "options.h"
#include "server.h"

/* A benchmark's thousands of streams need a descriptor each. Not getting them is no error here:
 * connections beyond the limit are refused and counted. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* A standard descriptor that is closed would be the next socket's or file's. */
static void claim_standard_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        (void)close(fd);
    }
}

/* A parent that waits for the first line of output gets the reason there. */
static FILE *error_stream(int argc, char *const argv[])
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--exit-with-stdin") == 0) {
            return stdout;
        }
    }
    return stderr;
}

/* Blocks the ending signals in all threads; returns a descriptor that reports them, or -1. */
static int open_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGPIPE); /* blocked and not read: a closed stdout is no reason to end */
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)sigdelset(&set, SIGPIPE);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

/* True when standard input has ended; what it says is of no interest. */
static bool stdin_ended(void)
{
    char bytes[4096];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
}

static void wait_for_end(int signals_fd, bool watch_stdin)
{
    struct pollfd fds[2] = {{.fd = signals_fd, .events = POLLIN},
                            {.fd = watch_stdin ? STDIN_FILENO : -1, .events = POLLIN}};
    for (;;) {
        int n = poll(fds, 2, -1);
        if (n > 0 && (fds[0].revents != 0 || (fds[1].revents != 0 && stdin_ended()))) {
            return;
        }
    }
}

int main(int argc, char *argv[])
{
    struct tkp_mock_options options;
    char error[512];
    claim_standard_descriptors();
    if (!tkp_mock_options_parse(&options, argc, argv, error, sizeof error)) {
        (void)fprintf(error_stream(argc, argv), "tokperf-mock: %s\n", error);
        return 2;
    }
    if (options.help) {
        tkp_mock_options_print_help(stdout);
        return 0;
    }
    raise_descriptor_limit();
    int signals_fd = open_signals();
    struct tkp_mock_server *server = tkp_mock_server_start(&options, error, sizeof error);
    if (signals_fd < 0 || server == NULL) {
        (void)fprintf(error_stream(argc, argv), "tokperf-mock: %s\n",
                      signals_fd < 0 ? "no descriptor for signals is left" : error);
        return 3;
    }
    (void)printf("listening on http://%s:%u\n", options.host,
                 (unsigned)tkp_mock_server_port(server));
    (void)fflush(stdout);
    wait_for_end(signals_fd, options.exit_with_stdin);
    bool complete = tkp_mock_server_stop(server);
    (void)close(signals_fd);
    if (!complete) {
        (void)fprintf(stderr, "tokperf-mock: --stamp-log: '%s' could not be written completely\n",
                      options.stamp_log);
    }
    return complete ? 0 : 3;
}

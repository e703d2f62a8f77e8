/* SPDX-License-Identifier: Apache-2.0 */
/* Writing to readers that stand still, go on, or are gone. What would wait for ever hangs here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/outlet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum { MANY_BYTES = 1 << 20 };

static char many[MANY_BYTES];

struct ends {
    int reader, writer;
};

static struct ends make_pipe(void)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    return (struct ends){fds[0], fds[1]};
}

static struct ends make_sockets(void)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    return (struct ends){fds[0], fds[1]};
}

static struct ends make_terminal(void)
{
    struct termios raw;
    int reader = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(reader >= 0);
    assert_int_equal(grantpt(reader), 0);
    assert_int_equal(unlockpt(reader), 0);
    int writer = open(ptsname(reader), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(writer >= 0);
    assert_int_equal(tcgetattr(writer, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(writer, TCSANOW, &raw), 0);
    return (struct ends){reader, writer};
}

static struct ends (*const makers[])(void) = {make_pipe, make_sockets, make_terminal};
enum { MAKERS = sizeof makers / sizeof makers[0] };

static void close_ends(struct ends *ends)
{
    close(ends->reader);
    close(ends->writer);
}

static void a_reader_that_stands_still_holds_nobody(void **state)
{
    (void)state;
    for (int i = 0; i < MAKERS; i++) {
        struct ends ends = makers[i]();
        struct tkp_flag stop = {0};
        struct tokperf_error error;
        size_t taken = tkp_outlet_try(ends.writer, many, sizeof many, 1);
        assert_true(taken > 0 && taken < sizeof many);
        assert_true(tkp_outlet_try(ends.writer, many, sizeof many, 0) < sizeof many);
        tkp_flag_raise(&stop);
        if (i == 0) /* takes its time */
            assert_int_equal(tkp_outlet_write(ends.writer, many, sizeof many, &stop, &error),
                             TOKPERF_E_CANCELLED);
        assert_int_equal(fcntl(ends.writer, F_GETFL) & O_NONBLOCK, 0); /* others have it too */
        close_ends(&ends);
    }
}

/* Room for a page is not room for two; a blocking write of both would wait for ever. */
static void a_pipe_takes_lines_whole_or_not_at_all(void **state)
{
    (void)state;
    struct ends ends = make_pipe();
    size_t room = (size_t)fcntl(ends.writer, F_SETPIPE_SZ, 2 * PIPE_BUF);
    assert_int_equal(room, 2 * PIPE_BUF);
    assert_int_equal(write(ends.writer, many, PIPE_BUF), PIPE_BUF);
    assert_int_equal(write(ends.writer, many, 1), 1);
    assert_int_equal(tkp_outlet_try(ends.writer, many, PIPE_BUF, 0), 0);
    assert_int_equal(tkp_outlet_try(ends.writer, many, PIPE_BUF - 1, 0), PIPE_BUF - 1);
    close_ends(&ends);
}

static void *read_all(void *argument)
{
    const struct ends *ends = argument;
    static char got[65536];
    for (size_t total = 0; total < sizeof many;) {
        ssize_t n = read(ends->reader, got, sizeof got);
        for (ssize_t i = 0; i < n; i++)
            if (got[i] != many[total + (size_t)i])
                return NULL;
        if (n <= 0)
            return NULL;
        total += (size_t)n;
    }
    return argument;
}

static void a_slow_reader_gets_everything(void **state)
{
    (void)state;
    for (int i = 0; i < MAKERS; i++) {
        struct ends ends = makers[i]();
        struct tkp_flag stop = {0};
        struct tokperf_error error;
        pthread_t thread;
        void *same = NULL;
        assert_int_equal(pthread_create(&thread, NULL, read_all, &ends), 0);
        assert_int_equal(tkp_outlet_write(ends.writer, many, sizeof many, &stop, &error),
                         TOKPERF_OK);
        assert_int_equal(pthread_join(thread, &same), 0);
        assert_ptr_equal(same, &ends);
        close_ends(&ends);
    }
}

static void what_cannot_be_written_is_said(void **state)
{
    (void)state;
    struct tokperf_error error;
    struct ends ends[] = {make_pipe(), make_sockets()};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        close(ends[i].reader);
        assert_int_equal(tkp_outlet_write(ends[i].writer, many, 10, NULL, &error), TOKPERF_E_IO);
        assert_non_null(strstr(error.message, strerror(EPIPE)));
        assert_int_equal(tkp_outlet_try(ends[i].writer, many, 10, 1000), 0);
        close(ends[i].writer);
    }
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(tkp_outlet_write(full, many, 10, NULL, &error), TOKPERF_E_IO);
    assert_non_null(strstr(error.message, strerror(ENOSPC)));
    close(full);
}

static void files_are_written_where_they_are(void **state)
{
    (void)state;
    struct tokperf_error error;
    char text[16] = "";
    int file = memfd_create("outlet", MFD_CLOEXEC);
    assert_int_equal(write(file, "one ", 4), 4);
    assert_int_equal(tkp_outlet_write(file, "two ", 4, NULL, &error), TOKPERF_OK);
    assert_int_equal(tkp_outlet_try(file, "three", 5, 0), 5);
    assert_int_equal(pread(file, text, sizeof text - 1, 0), 13);
    assert_string_equal(text, "one two three");
    close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_that_stands_still_holds_nobody),
        cmocka_unit_test(a_pipe_takes_lines_whole_or_not_at_all),
        cmocka_unit_test(a_slow_reader_gets_everything),
        cmocka_unit_test(what_cannot_be_written_is_said),
        cmocka_unit_test(files_are_written_where_they_are),
    };
    (void)sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = (char)(i * 2654435761u >> 13);
    return cmocka_run_group_tests_name("outlet", tests, NULL, NULL);
}

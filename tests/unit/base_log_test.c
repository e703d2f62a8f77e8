/* SPDX-License-Identifier: Apache-2.0 */
/* The log: levels, one line a call, nothing that a terminal would obey, a file that fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/log.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char content[65536];

/* Reads back what a memory file got; the log keeps its own descriptor of it. */
static const char *read_back(int fd)
{
    ssize_t n = pread(fd, content, sizeof content - 1, 0);
    assert_true(n >= 0);
    content[n] = '\0';
    return content;
}

static int open_log(void)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    assert_true(fd >= 0);
    tkp_log_set_file(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    return fd;
}

/* Sends stderr to a memory file; returns it and the old one for restore(). */
static int take_stderr(int *old)
{
    int fd = memfd_create("stderr", MFD_CLOEXEC);
    assert_true(fd >= 0);
    *old = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    dup2(fd, STDERR_FILENO);
    return fd;
}

static void restore_stderr(int old)
{
    dup2(old, STDERR_FILENO);
    close(old);
}

static void levels_select_the_screen_not_the_file(void **state)
{
    (void)state;
    int old, screen = take_stderr(&old), file = open_log();
    tkp_log_set_level(TKP_LOG_WARNING);
    tkp_log(TKP_LOG_ERROR, "first %d", 1);
    tkp_log(TKP_LOG_INFO, "second");
    tkp_log(TKP_LOG_DEBUG, "third");
    tkp_log_set_level(TKP_LOG_INFO);
    tkp_log(TKP_LOG_INFO, "fourth");
    tkp_log_set_file(-1);
    restore_stderr(old);
    const char *text = read_back(screen);
    assert_non_null(strstr(text, "tokperf: first 1\n"));
    assert_non_null(strstr(text, "tokperf: fourth\n"));
    assert_null(strstr(text, "second"));
    assert_null(strstr(text, "third"));
    text = read_back(file);
    int year, month, day;
    assert_int_equal(sscanf(text, "%4d-%2d-%2dT", &year, &month, &day), 3);
    assert_non_null(strstr(text, "second\n"));
    assert_non_null(strstr(text, "debug   third\n"));
    close(screen);
    close(file);
}

static void control_bytes_are_escaped(void **state)
{
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"two\nlines\ttab\r", "two\\nlines\\ttab\\x0d\n"},
        {"\x1b[31mred\x7f", "\\x1b[31mred\\x7f\n"},
        {"caf\xc3\xa9", "caf\xc3\xa9\n"},
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b"
         "31m\n"}, /* CSI as a C1 control */
        {"bad \xff \xe2\x82", "bad \\xff \\xe2\\x82\n"},
    };
    tkp_log_set_level(TKP_LOG_ERROR);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int file = open_log();
        tkp_log(TKP_LOG_INFO, "%s", cases[i].text);
        tkp_log_set_file(-1);
        const char *text = strstr(read_back(file), "info    ");
        assert_non_null(text);
        assert_string_equal(text + 8, cases[i].want);
        close(file);
    }
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    char text[10000];
    memset(text, '\x01', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    int file = open_log();
    tkp_log(TKP_LOG_INFO, "%s", text);
    tkp_log_set_file(-1);
    size_t len = strlen(read_back(file));
    assert_string_equal(content + len - 8, "\\x01...\n");
    close(file);
}

static char order[16];

static void before(void *context)
{
    strncat(order, context, 1);
}

static void after(void *context)
{
    strncat(order, (char *)context + 1, 1);
}

static void hooks_surround_the_screen(void **state)
{
    (void)state;
    char marks[] = "ba";
    int old, screen = take_stderr(&old);
    tkp_log_set_level(TKP_LOG_WARNING);
    tkp_log_set_screen_hooks(before, after, marks);
    tkp_log(TKP_LOG_WARNING, "x");
    tkp_log(TKP_LOG_INFO, "not on the screen");
    tkp_log_set_screen_hooks(NULL, NULL, NULL);
    tkp_log(TKP_LOG_WARNING, "y");
    restore_stderr(old);
    assert_string_equal(order, "ba");
    tkp_log_screen(before, marks); /* what draws in between has the screen to itself */
    assert_string_equal(order, "bab");
    close(screen);
}

static void a_full_disk_is_said_once(void **state)
{
    (void)state;
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (full < 0)
        skip();
    int old, screen = take_stderr(&old);
    tkp_log_set_level(TKP_LOG_ERROR);
    tkp_log_set_file(full);
    tkp_log(TKP_LOG_INFO, "x");
    tkp_log(TKP_LOG_INFO, "y");
    restore_stderr(old);
    assert_string_equal(read_back(screen), "warning: the log file cannot be written any more\n");
    close(screen);
}

/* What nobody reads is counted, and is in the file. Would hang if the log waited for the reader. */
static void a_reader_that_stands_still_is_told_what_it_missed(void **state)
{
    (void)state;
    static const char filler[65536];
    int ends[2], old, file = open_log();
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    while (write(ends[1], filler, sizeof filler) > 0)
        ;
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0); /* as stderr is */
    old = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    dup2(ends[1], STDERR_FILENO);
    tkp_log_set_level(TKP_LOG_WARNING);
    tkp_log(TKP_LOG_WARNING, "first");
    tkp_log(TKP_LOG_ERROR, "second");
    tkp_log(TKP_LOG_INFO, "not for the screen");
    while (read(ends[0], content, sizeof content) > 0)
        ;
    tkp_log(TKP_LOG_ERROR, "third");
    tkp_log(TKP_LOG_ERROR, "fourth");
    tkp_log_set_file(-1);
    restore_stderr(old);
    ssize_t n = read(ends[0], content, sizeof content - 1);
    assert_true(n > 0);
    content[n] = '\0';
    assert_string_equal(content, "tokperf: 2 messages were not printed; the run's log file has "
                                 "them\ntokperf: third\ntokperf: fourth\n");
    const char *text = read_back(file);
    assert_non_null(strstr(text, "first\n"));
    assert_non_null(strstr(text, "second\n"));
    assert_non_null(strstr(text, "fourth\n"));
    close(ends[0]);
    close(ends[1]);
    close(file);
}

static void level_names(void **state)
{
    (void)state;
    enum tkp_log_level level;
    assert_true(tkp_log_level_parse("error", &level) && level == TKP_LOG_ERROR);
    assert_true(tkp_log_level_parse("warning", &level) && level == TKP_LOG_WARNING);
    assert_true(tkp_log_level_parse("info", &level) && level == TKP_LOG_INFO);
    assert_true(tkp_log_level_parse("debug", &level) && level == TKP_LOG_DEBUG);
    assert_false(tkp_log_level_parse("", &level));
    assert_false(tkp_log_level_parse("INFO", &level));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_select_the_screen_not_the_file),
        cmocka_unit_test(control_bytes_are_escaped),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(hooks_surround_the_screen),
        cmocka_unit_test(a_full_disk_is_said_once),
        cmocka_unit_test(a_reader_that_stands_still_is_told_what_it_missed),
        cmocka_unit_test(level_names),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}

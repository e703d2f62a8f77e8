/* SPDX-License-Identifier: Apache-2.0 */
/* Host services as a plugin sees them, and the crash sentence. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/rng.h>
#include <fcntl.h>
#include <plugin/host.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <temp_dir.h>
#include <unistd.h>

static struct temp_dir dir;

static void every_service_is_there_and_sized(void **state)
{
    static const char *const ids[] = {
        TOKPERF_SERVICE_LOG,  TOKPERF_SERVICE_CLOCK,       TOKPERF_SERVICE_CANCELLED,
        TOKPERF_SERVICE_RNG,  TOKPERF_SERVICE_JSON,        TOKPERF_SERVICE_JSON_WRITER,
        TOKPERF_SERVICE_FILE, TOKPERF_SERVICE_OUTPUT_FILE, TOKPERF_SERVICE_TERMINAL};
    struct tkp_host host;
    (void)state;
    tkp_host_init(&host);
    assert_int_equal(host.api.struct_size, sizeof host.api);
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const uint32_t *table = host.api.service(&host.api, ids[i]);
        assert_non_null(table);
        assert_true(*table >= 16);
    }
    assert_null(host.api.service(&host.api, "teleport/1"));
    assert_null(host.api.service(&host.api, "json/2"));
    assert_null(host.api.service(&host.api, NULL));
}

static void cancelled_follows_the_flag(void **state)
{
    struct tkp_flag flag = {0};
    struct tkp_host host;
    (void)state;
    tkp_host_init(&host);
    const struct tokperf_cancelled_v1 *service =
        host.api.service(&host.api, TOKPERF_SERVICE_CANCELLED);
    assert_int_equal(service->cancelled(&host.api), 0);
    host.cancel = &flag;
    assert_int_equal(service->cancelled(&host.api), 0);
    tkp_flag_raise(&flag);
    assert_int_equal(service->cancelled(&host.api), 1);
}

static void plugins_draw_apart_from_the_core(void **state)
{
    const struct tokperf_rng_v1 *rng = tkp_host_service(TOKPERF_SERVICE_RNG);
    (void)state;
    assert_int_equal(rng->bits(1, 7, 3), rng->bits(1, 7, 3));
    assert_int_not_equal(rng->bits(1, TKP_RNG_ARRIVAL, 0), tkp_rng_bits(1, TKP_RNG_ARRIVAL, 0));
    double u = rng->uniform(1, 2, 3);
    assert_true(u >= 0 && u < 1);
}

static void an_output_file_appears_when_committed(void **state)
{
    const struct tokperf_output_file_v1 *service = tkp_host_service(TOKPERF_SERVICE_OUTPUT_FILE);
    struct tokperf_output_file *file = NULL;
    struct tokperf_error error;
    struct tkp_host host;
    (void)state;
    tkp_host_init(&host);
    assert_int_equal(service->open(&host.api, "a.csv", &file, &error), TOKPERF_E_STATE);
    host.output_dir = dir.path;
    static const char *const bad[] = {"../a.csv", "/etc/a.csv", "", "x/../../a.csv"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(service->open(&host.api, bad[i], &file, &error), TOKPERF_E_DENIED);
    assert_int_equal(service->open(&host.api, "a.csv", &file, &error), TOKPERF_OK);
    service->write(file, "1,2\n", 4);
    assert_int_not_equal(access(temp_dir_path(&dir, "a.csv"), F_OK), 0);
    assert_int_equal(service->commit(file, &error), TOKPERF_OK);
    service->close(file);
    assert_int_equal(access(temp_dir_path(&dir, "a.csv"), F_OK), 0);
    assert_int_equal(service->open(&host.api, "b.csv", &file, &error), TOKPERF_OK);
    service->write(file, "1", 1);
    service->close(file);
    assert_int_not_equal(access(temp_dir_path(&dir, "b.csv"), F_OK), 0);
}

static void a_file_is_read_by_safe_rules(void **state)
{
    const struct tokperf_file_v1 *service = tkp_host_service(TOKPERF_SERVICE_FILE);
    struct tokperf_span content;
    struct tokperf_error error;
    struct tkp_host host;
    (void)state;
    tkp_host_init(&host);
    const char *file = temp_dir_write(&dir, "real/in.txt", "abc");
    assert_int_equal(service->read(&host.api, file, 3, &content, &error), TOKPERF_OK);
    assert_int_equal(content.len, 3);
    assert_string_equal(content.data, "abc");
    service->release(&host.api, content);
    assert_int_equal(service->read(&host.api, file, 2, &content, &error), TOKPERF_E_LIMIT);
    const char *empty = temp_dir_write(&dir, "empty", "");
    assert_int_equal(service->read(&host.api, empty, 9, &content, &error), TOKPERF_OK);
    assert_string_equal(content.data, "");
    service->release(&host.api, content);
    /* The user's folders may be links, the file itself may not. */
    assert_int_equal(symlink("real", temp_dir_path(&dir, "folder")), 0);
    assert_int_equal(symlink("in.txt", temp_dir_path(&dir, "real/link.txt")), 0);
    assert_int_equal(
        service->read(&host.api, temp_dir_path(&dir, "folder/in.txt"), 9, &content, &error),
        TOKPERF_OK);
    service->release(&host.api, content);
    assert_int_equal(
        service->read(&host.api, temp_dir_path(&dir, "real/link.txt"), 9, &content, &error),
        TOKPERF_E_DENIED);
    assert_int_not_equal(service->read(&host.api, "/dev/null", 9, &content, &error), TOKPERF_OK);
    assert_int_not_equal(service->read(&host.api, dir.path, 9, &content, &error), TOKPERF_OK);
    assert_int_equal(service->read(&host.api, "no-such-file", 9, &content, &error),
                     TOKPERF_E_NOT_FOUND);
}

static void nothing_a_server_sends_commands_the_terminal(void **state)
{
    const struct tokperf_terminal_v1 *service = tkp_host_service(TOKPERF_SERVICE_TERMINAL);
    static const char text[] = "a\tb\x1b[2J\x7f \xc2\x9b" /* CSI of C1 */ "31m \xff \xc3\xa4\n";
    int ends[2];
    char got[128] = {0};
    struct tkp_host host;
    (void)state;
    tkp_host_init(&host);
    assert_int_equal(pipe(ends), 0);
    host.terminal_fd = ends[1];
    service->write(&host.api, text, sizeof text - 1);
    assert_true(read(ends[0], got, sizeof got - 1) > 0);
    assert_string_equal(got, "a\tb\\x1b[2J\\x7f \\xc2\\x9b31m \\xff \xc3\xa4\n");
    close(ends[0]);
    close(ends[1]);
}

/* Characters of several bytes at every place where a long text may be taken apart. */
static void long_texts_stay_whole_on_the_terminal(void **state)
{
    const struct tokperf_terminal_v1 *service = tkp_host_service(TOKPERF_SERVICE_TERMINAL);
    (void)state;
    for (size_t lead = 0; lead < 4; lead++) {
        char text[5000] = "abc", got[5000] = {0};
        int ends[2];
        struct tkp_host host;
        size_t len = lead;
        for (; len + 4 <= 4500; len += 4)
            memcpy(text + len, "\xf0\x9f\x98\x80", 4);
        tkp_host_init(&host);
        assert_int_equal(pipe(ends), 0);
        host.terminal_fd = ends[1];
        service->write(&host.api, text, len);
        assert_int_equal(read(ends[0], got, sizeof got), len);
        assert_memory_equal(got, text, len);
        close(ends[0]);
        close(ends[1]);
    }
}

static void a_terminal_that_fails_is_left_alone(void **state)
{
    const struct tokperf_terminal_v1 *service = tkp_host_service(TOKPERF_SERVICE_TERMINAL);
    struct tkp_flag failed = {0};
    struct tkp_host host;
    (void)state;
    tkp_host_init(&host);
    host.terminal_failed = &failed;
    host.terminal_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(host.terminal_fd >= 0);
    service->write(&host.api, "lost", 4);
    assert_true(tkp_flag_is_raised(&failed));
    service->write(&host.api, "lost", 4);
    close(host.terminal_fd);
}

static void the_terminal_goes_to_its_descriptor(void **state)
{
    const struct tokperf_terminal_v1 *service = tkp_host_service(TOKPERF_SERVICE_TERMINAL);
    int ends[2];
    char got[8] = {0};
    struct tkp_host host;
    (void)state;
    tkp_host_init(&host);
    service->write(&host.api, "lost", 4); /* nowhere: no crash */
    assert_int_equal(service->columns(&host.api), 100);
    assert_int_equal(pipe(ends), 0);
    host.terminal_fd = ends[1];
    service->write(&host.api, "seen", 4);
    assert_int_equal(read(ends[0], got, sizeof got - 1), 4);
    assert_string_equal(got, "seen");
    assert_int_equal(service->is_terminal(&host.api), 0);
    close(ends[0]);
    close(ends[1]);
}

static void notes_keep_the_outermost_name(void **state)
{
    (void)state;
    const char *outer = tkp_crash_enter("first");
    const char *inner = tkp_crash_enter("second");
    assert_string_equal(tkp_crash_note, "first");
    tkp_crash_leave(inner);
    assert_string_equal(tkp_crash_note, "first");
    tkp_crash_leave(outer);
    assert_null(tkp_crash_note);
}

/* What a child that raises `number` says, and its exit code. */
static int crash_in_child(int number, const char *note, char *text, size_t capacity)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        tkp_crash_handler_install();
        tkp_crash_note = note;
        (void)raise(number);
        _exit(0);
    }
    close(ends[1]);
    ssize_t len = 0;
    ssize_t got;
    while ((got = read(ends[0], text + len, capacity - 1 - (size_t)len)) > 0)
        len += got;
    text[len] = '\0';
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_crash_is_one_sentence_and_exit_4(void **state)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    char text[1024];
    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        assert_int_equal(crash_in_child(signals[i], "com.acme", text, sizeof text), 4);
        assert_non_null(strstr(text, "tokperf: the plugin com.acme crashed (SIG"));
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    }
    assert_int_equal(crash_in_child(SIGSEGV, NULL, text, sizeof text), 4);
    assert_non_null(strstr(text, "tokperf: crashed outside of any plugin (SIGSEGV"));
}

static int set_up(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    temp_dir_remove(&dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_service_is_there_and_sized),
        cmocka_unit_test(cancelled_follows_the_flag),
        cmocka_unit_test(plugins_draw_apart_from_the_core),
        cmocka_unit_test(an_output_file_appears_when_committed),
        cmocka_unit_test(a_file_is_read_by_safe_rules),
        cmocka_unit_test(nothing_a_server_sends_commands_the_terminal),
        cmocka_unit_test(long_texts_stay_whole_on_the_terminal),
        cmocka_unit_test(a_terminal_that_fails_is_left_alone),
        cmocka_unit_test(the_terminal_goes_to_its_descriptor),
        cmocka_unit_test(notes_keep_the_outermost_name),
        cmocka_unit_test(a_crash_is_one_sentence_and_exit_4),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a process still does when it ends at once: to real children, files and folders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/last_will.h>
#include <base/process.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONG_MS = 30000, PATH_BYTES = 64 };

static void start(const char *script, struct tkp_process *process, int last_signal)
{
    char *arguments[] = {(char[]){"sh"}, (char[]){"-c"}, strdup(script), NULL};
    struct tokperf_error error = {0};
    const struct tkp_process_program program = {.path = "/bin/sh",
                                                .arguments = arguments,
                                                .output = TKP_PROCESS_OUTPUT_PIPE,
                                                .last_signal = last_signal};
    assert_int_equal(tkp_process_start(&program, process, &error), TOKPERF_OK);
    free(arguments[2]);
}

static void end(struct tkp_process *process)
{
    const struct tkp_process_patience at_once = {0, 0, LONG_MS};
    (void)tkp_processes_end(&process, 1, &at_once);
}

static int signal_of(struct tkp_process *process)
{
    int status = 0;
    assert_true(tkp_process_wait(process, LONG_MS, &status));
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* With everything that it started; the pipe that all of them hold ends with the last. */
static void children_are_ended(void **state)
{
    static const int signals[][2] = {{0, SIGKILL}, {SIGTERM, SIGTERM}};
    (void)state;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        struct tkp_process process;
        char c = '\0';
        start("sleep 1000 & echo; sleep 1000", &process, signals[i][0]);
        assert_int_equal(read(process.output, &c, 1), 1);
        tkp_last_will_carry_out();
        assert_int_equal(read(process.output, &c, 1), 0);
        assert_int_equal(signal_of(&process), signals[i][1]);
        end(&process);
    }
}

/* One that was reaped is not in the list: there is room for one more than it has. */
static void the_reaped_are_spared(void **state)
{
    struct tkp_process process;
    (void)state;
    for (int i = 0; i < TKP_LAST_WILL_GROUPS; i++) {
        start("exit 0", &process, 0);
        assert_int_equal(signal_of(&process), 0);
        end(&process);
    }
    start("read line; sleep 1000", &process, 0);
    tkp_last_will_spare(process.pid);
    tkp_last_will_carry_out();
    assert_false(tkp_process_has_ended(&process, NULL));
    tkp_last_will_signal(process.pid, SIGKILL);
    tkp_last_will_carry_out();
    assert_int_equal(signal_of(&process), SIGKILL);
    end(&process);
}

static bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static void make_file(const char *path)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static void files_and_folders_are_removed(void **state)
{
    char folder[] = "/tmp/tokperf-will-XXXXXX", inside[PATH_BYTES], kept[PATH_BYTES];
    char long_path[2 * TKP_LAST_WILL_PATH_BYTES];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(inside, sizeof inside, "%s/socket", folder);
    snprintf(kept, sizeof kept, "%s.kept", folder);
    memset(long_path, 'x', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    make_file(inside);
    make_file(kept);
    tkp_last_will_remove(long_path);
    tkp_last_will_remove(kept);
    tkp_last_will_remove(inside);
    tkp_last_will_remove(folder);
    tkp_last_will_keep(kept);
    assert_true(is_there(inside));
    tkp_last_will_carry_out();
    assert_false(is_there(inside) || is_there(folder));
    assert_true(is_there(kept));
    assert_int_equal(unlink(kept), 0);
    tkp_last_will_keep(inside);
    tkp_last_will_keep(folder);
}

/* More than the list holds is no more than not written down. */
static void the_lists_have_bounds(void **state)
{
    char path[PATH_BYTES];
    (void)state;
    for (int i = 0; i < 2 * TKP_LAST_WILL_PATHS; i++) {
        snprintf(path, sizeof path, "/nonexistent/%d", i);
        tkp_last_will_remove(path);
    }
    tkp_last_will_carry_out();
    for (int i = 0; i < 2 * TKP_LAST_WILL_PATHS; i++) {
        snprintf(path, sizeof path, "/nonexistent/%d", i);
        tkp_last_will_keep(path);
    }
    files_and_folders_are_removed(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(children_are_ended),
        cmocka_unit_test(the_reaped_are_spared),
        cmocka_unit_test(files_and_folders_are_removed),
        cmocka_unit_test(the_lists_have_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

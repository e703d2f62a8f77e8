/* SPDX-License-Identifier: Apache-2.0 */
/* When a process began: of this one, of one that ended, of one with a name that looks like more of
 * the line, and of numbers that no process has. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <base/process_begin.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* As `ps` sees it, in another way: the kernel's own text cut at each blank. */
static uint64_t ticks_of_this_process(void)
{
    char line[1024], *field = line;
    FILE *file = fopen("/proc/self/stat", "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    for (int i = 1; i < 22; i++)
        field = strchr(field, ' ') + 1;
    return strtoull(field, NULL, 10);
}

static void this_process(void **state)
{
    (void)state;
    uint64_t ticks = ticks_of_this_process();
    assert_true(ticks > 0);
    assert_int_equal(tkp_process_begin_ticks(getpid()), ticks);
    assert_int_equal(prctl(PR_SET_NAME, "a ) Z 1 2 (b"), 0);
    assert_int_equal(tkp_process_begin_ticks(getpid()), ticks);
}

static void one_that_ended(void **state)
{
    (void)state;
    siginfo_t info;
    pid_t child = fork();
    if (!child)
        _exit(0);
    assert_true(child > 0);
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(tkp_process_begin_ticks(child), 0); /* nobody has taken its end yet */
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(tkp_process_begin_ticks(child), 0);
}

static void no_process(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0, -1, INT64_MIN, INT64_MAX, INT64_C(1) << 32};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_int_equal(tkp_process_begin_ticks(numbers[i]), 0);
    assert_int_equal(tkp_process_begin_ticks((INT64_C(1) << 32) + getpid()), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_process),
        cmocka_unit_test(one_that_ended),
        cmocka_unit_test(no_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

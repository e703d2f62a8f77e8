/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of ours: which signals they take, and on how many CPUs they may run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/thread.h>
#include <signal.h>

static void *read_mask(void *argument)
{
    pthread_sigmask(SIG_SETMASK, NULL, argument);
    return NULL;
}

static void only_its_own_crash_reaches_a_quiet_thread(void **state)
{
    (void)state;
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    static const int others[] = {SIGINT, SIGTERM, SIGPIPE, SIGXFSZ, SIGCHLD, SIGUSR1};
    sigset_t mask, before, after;
    pthread_t thread;
    sigemptyset(&mask);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(tkp_thread_create_quiet(&thread, read_mask, &mask), 0);
    pthread_join(thread, NULL);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        assert_int_equal(sigismember(&mask, crashes[i]), 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(sigismember(&mask, others[i]), 1);
        assert_int_equal(sigismember(&after, others[i]), sigismember(&before, others[i]));
    }
}

static void there_is_a_cpu(void **state)
{
    (void)state;
    assert_true(tkp_thread_cpu_count() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_its_own_crash_reaches_a_quiet_thread),
        cmocka_unit_test(there_is_a_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Signals and affinity of one thread; those of others and of the process are never touched. */
#include <base/thread.h>

#include <base/log.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

int tkp_thread_create_quiet(pthread_t *thread, void *(*run)(void *), void *argument)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        sigdelset(&blocked, crashes[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int failed = pthread_create(thread, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

uint32_t tkp_thread_cpu_count(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
        return (uint32_t)CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN); /* more CPUs than a cpu_set_t has bits */
    return online > 0 ? (uint32_t)online : 1;
}

void tkp_thread_pin(pthread_t thread, int32_t cpu)
{
    cpu_set_t set;
    if (cpu < 0 || cpu >= CPU_SETSIZE)
        return;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (pthread_setaffinity_np(thread, sizeof set, &set) != 0)
        tkp_log(TKP_LOG_DEBUG, "a thread cannot be kept on CPU %d", cpu);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Affinity of one thread; that of others and of the process is never touched. */
#include <base/thread.h>

#include <base/log.h>
#include <sched.h>

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

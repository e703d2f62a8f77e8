/* SPDX-License-Identifier: Apache-2.0 */
/* How a thread of ours begins, and where it runs. */
#ifndef TKP_BASE_THREAD_H
#define TKP_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

/* pthread_create() of a thread that takes no signals, which are main's, but for those by which a
 * thread reports its own crash. Returns an errno value, 0 when it runs. [main] */
int tkp_thread_create_quiet(pthread_t *thread, void *(*run)(void *), void *argument);

/* How many CPUs the process may use; at least 1. [any] */
uint32_t tkp_thread_cpu_count(void);

/* Keeps a running thread on one CPU; -1 leaves it alone. A CPU that has gone away in the meantime
 * is a debug message: the thread then runs where the scheduler puts it. [any] */
void tkp_thread_pin(pthread_t thread, int32_t cpu);

#endif

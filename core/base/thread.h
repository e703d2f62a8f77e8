/* SPDX-License-Identifier: Apache-2.0 */
/* Where a thread of ours runs. */
#ifndef TKP_BASE_THREAD_H
#define TKP_BASE_THREAD_H

#include <pthread.h>
#include <stdint.h>

/* Keeps a running thread on one CPU; -1 leaves it alone. A CPU that has gone away in the meantime
 * is a debug message: the thread then runs where the scheduler puts it. [any] */
void tkp_thread_pin(pthread_t thread, int32_t cpu);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libzmq carries from thread to thread, told to ThreadSanitizer, which does not see the queues
 * of a library that was not built with it: what was written before release() is known to whoever
 * calls acquire() on the same address. Nothing in other builds. [any]
 */
#ifndef TKP_BUS_HANDOFF_H
#define TKP_BUS_HANDOFF_H

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
static inline void tkp_handoff_release(void *address)
{
    __tsan_release(address);
}
static inline void tkp_handoff_acquire(void *address)
{
    __tsan_acquire(address);
}
#else
static inline void tkp_handoff_release(void *address)
{
    (void)address;
}
static inline void tkp_handoff_acquire(void *address)
{
    (void)address;
}
#endif

#endif

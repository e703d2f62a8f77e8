/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a process began: by it and its number one knows that it is the process that one saw before,
 * and not another that was given the same number later. [any]
 */
#ifndef TKP_BASE_PROCESS_BEGIN_H
#define TKP_BASE_PROCESS_BEGIN_H

#include <stdint.h>

/* In clock ticks since the machine began (field 22 of proc_pid_stat(5)). 0: there is no such
 * process, or it has ended, whether or not somebody has waited for it; or /proc is not there. */
uint64_t tkp_process_begin_ticks(int64_t pid);

#endif

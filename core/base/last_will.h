/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process leaves behind and nobody else would clear away: files, and children that may
 * not end with it. It is written down while all is well, and carried out by calls that a signal
 * handler may make when the process has to end at once. kill -9 leaves it undone. [main]; one per
 * process.
 */
#ifndef TKP_BASE_LAST_WILL_H
#define TKP_BASE_LAST_WILL_H

#include <sys/types.h>

enum { TKP_LAST_WILL_GROUPS = 64, TKP_LAST_WILL_PATHS = 16, TKP_LAST_WILL_PATH_BYTES = 128 };

/* A child's process group is to get this signal. What is beyond the bounds is not written down. */
void tkp_last_will_signal(pid_t group, int signal);
/* Before the child is reaped: from then on the number may be somebody else's. */
void tkp_last_will_spare(pid_t group);
/* A file, or a folder that is empty by then, is to be removed; in the order of these calls. */
void tkp_last_will_remove(const char *path);
/* It is gone, or may stay. */
void tkp_last_will_keep(const char *path);

/* Async-signal-safe. What fails is left. Beside main (where another thread crashed) the children
 * are spared, since main may be reaping one of them. [any] */
void tkp_last_will_carry_out(void);

#endif

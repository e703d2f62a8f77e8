/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGINT and SIGTERM: the first asks the run to end, the second ends the process at once, with what
 * base/last_will.h says. Writing to a closed pipe or past a file limit is an error to be told, no
 * signal. One per process. [main]
 */
#ifndef TKP_RUN_INTERRUPT_H
#define TKP_RUN_INTERRUPT_H

#include <base/atomic.h>
#include <tokperf/base.h>

tokperf_status tkp_interrupt_install(struct tokperf_error *error) TOKPERF_MUST_USE;
/* The part of it that commands without a load need: SIGPIPE and SIGXFSZ. */
tokperf_status tkp_interrupt_ignore_failed_writes(struct tokperf_error *error) TOKPERF_MUST_USE;
/* Raised by the first signal. */
const struct tkp_flag *tkp_interrupt_flag(void);
/* Becomes readable with it, for poll(). */
int tkp_interrupt_fd(void);
/* How the run ends is decided: a second signal ends the process with this code from now on, instead
 * of 130. */
void tkp_interrupt_settle(int code);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGINT and SIGTERM: the first asks the run to end, the second ends the process at once (130).
 * SIGPIPE is ignored. One per process. [main]
 */
#ifndef TKP_RUN_INTERRUPT_H
#define TKP_RUN_INTERRUPT_H

#include <base/atomic.h>
#include <tokperf/base.h>

tokperf_status tkp_interrupt_install(struct tokperf_error *error) TOKPERF_MUST_USE;
/* Raised by the first signal. */
const struct tkp_flag *tkp_interrupt_flag(void);
/* Becomes readable with it, for poll(). */
int tkp_interrupt_fd(void);

#endif

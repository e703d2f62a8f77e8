/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One `tokperf profile` of this program as a child, in a directory of its own and without the
 * caller's configuration: no state of it is left in this process, and one that hangs is killed.
 * [main]
 */
#ifndef TKP_CALIBRATE_CHILD_H
#define TKP_CALIBRATE_CHILD_H

#include <base/atomic.h>
#include <stdint.h>
#include <tokperf/base.h>

struct tkp_child_inputs {
    const char *const *arguments; /* behind "profile", NULL-ended */
    const char *const *environment;
    const char *directory; /* where it runs; its messages go to `messages` there */
    uint64_t timeout_ns;
    const struct tkp_flag *cancel; /* a request to end, as of a signal */
};

/* Waits for its end; *code is its exit code, or -1 when a signal ended it. TOKPERF_E_TIMEOUT and
 * TOKPERF_E_CANCELLED when it had to be ended. */
tokperf_status tkp_child_run(const struct tkp_child_inputs *inputs, int *code,
                             struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A private directory for what a step leaves, gone with all that is in it. [main] */
#ifndef TKP_CALIBRATE_SCRATCH_H
#define TKP_CALIBRATE_SCRATCH_H

#include <limits.h>
#include <tokperf/base.h>

struct tkp_scratch {
    char path[PATH_MAX]; /* "" when there is none */
};

/* Makes it, mode 0700, below $TMPDIR or /tmp. */
tokperf_status tkp_scratch_create(const char *const *environment, struct tkp_scratch *scratch,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
/* Removes what is in it; what cannot be removed stays. */
void tkp_scratch_empty(const struct tkp_scratch *scratch);
/* Removes all of it. Accepts a zeroed one. */
void tkp_scratch_remove(struct tkp_scratch *scratch);

#endif

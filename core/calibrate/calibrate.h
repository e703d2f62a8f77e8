/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calibration of this machine: three searches, each a ramp of short runs against the bundled
 * mock server: the request rate, many slow streams, few fast streams. [main]
 */
#ifndef TKP_CALIBRATE_CALIBRATE_H
#define TKP_CALIBRATE_CALIBRATE_H

#include <base/atomic.h>
#include <calibrate/calibration.h>

struct tkp_calibrate_options {
    double bound_ms; /* of the p99 of every error */
    bool quick;      /* under 20 s instead of under 90 s */
    const char *const *environment;
    const struct tkp_flag *cancel;
};

/* Fills *calibration. Leaves no file and no process behind. TOKPERF_E_CANCELLED when asked to end.
 */
tokperf_status tkp_calibrate(const struct tkp_calibrate_options *options,
                             struct tkp_calibration *calibration,
                             struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

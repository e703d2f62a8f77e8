/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step of a calibration: a short run of `tokperf profile` against the bundled mock server, and
 * the verdict on its times. [main]
 */
#ifndef TKP_CALIBRATE_STEP_H
#define TKP_CALIBRATE_STEP_H

#include <base/atomic.h>
#include <calibrate/calibration.h>
#include <calibrate/pairing.h>
#include <calibrate/scratch.h>

/* What is sent. Requests: open loop, Poisson, one chunk an answer, at once. Streams: closed loop,
 * each answer `chunks` long, a chunk every gap_ms on average. */
struct tkp_step_shape {
    bool streams;
    uint32_t chunks;
    double gap_ms;
    uint64_t warmup_ms, duration_ms;
};

struct tkp_stepper {
    const char *const *environment;
    const struct tkp_flag *cancel;
    const struct tkp_scratch *scratch;
    uint32_t workers, mock_threads;
    uint32_t cap; /* requests in flight in open loop */
    double bound_ms;
};

/* What a step measured. */
struct tkp_step_result {
    enum tkp_step_outcome outcome; /* HELD, ERROR or SLOW */
    double achieved;               /* requests/s, or events/s of all streams */
    char receive_clock[16];
    struct tkp_error_figures ttft, stamp, itl;
};

/* Runs the shape at `level` requests/s or streams. TOKPERF_E_UNSUPPORTED when profile itself says
 * no, with its sentence, or when what it left cannot be paired; TOKPERF_E_TIMEOUT: it did not end,
 * or no request succeeded in its time. */
tokperf_status tkp_step_run(const struct tkp_stepper *stepper, const struct tkp_step_shape *shape,
                            double level, struct tkp_step_result *result,
                            struct tokperf_error *error) TOKPERF_MUST_USE;
/* The verdict on what was paired, without a child: pure. */
void tkp_step_judge(const struct tkp_step_shape *shape, double level, double bound_ms,
                    struct tkp_pairing *pairing, struct tkp_step_result *result);

#endif

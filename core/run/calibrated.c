/* SPDX-License-Identifier: Apache-2.0 */
/* The plan against the saved calibration of this machine (`tokperf calibrate`). Main thread. */
#include <run/parts.h>

#include <calibrate/calibration.h>
#include <math.h>
#include <unistd.h>

static void warn(const char *what, double planned, double calibrated, double bound_ms)
{
    tkp_log(TKP_LOG_WARNING,
            "%.6g %s are more than the %.6g up to which the times of this machine are calibrated "
            "to be true within %g ms (tokperf calibrate)",
            planned, what, calibrated, bound_ms);
}

void tkp_run_look_up_calibration(struct tkp_run *run)
{
    const struct tkp_plan *plan = run->plan;
    const struct tkp_phase_plan *phase = &plan->phases[plan->phase_count - 1];
    struct tkp_calibrated_limits limits;
    if (!tkp_calibration_load((const char *const *)environ, plan->workers, &limits))
        return;
    run->facts.calibrated_requests_per_s = (uint64_t)ceil(limits.requests_per_s);
    run->facts.calibrated_streams = (uint64_t)ceil(limits.streams);
    run->facts.calibrated_events_per_s = (uint64_t)ceil(limits.events_per_s);
    double rate = (double)run->facts.calibrated_requests_per_s;
    double streams = (double)run->facts.calibrated_streams;
    if (rate > 0 && phase->rate_per_s > rate)
        warn("requests/s", phase->rate_per_s, rate, limits.bound_ms);
    if (streams > 0 && plan->streaming && (double)phase->concurrency > streams)
        warn("streams at a time", (double)phase->concurrency, streams, limits.bound_ms);
}

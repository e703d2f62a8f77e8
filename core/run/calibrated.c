/* SPDX-License-Identifier: Apache-2.0 */
/* The plan against the saved calibration of this machine (`tokperf calibrate`). Main thread. */
#include <run/parts.h>

#include <calibrate/calibration.h>
#include <config/phase_list.h>
#include <math.h>
#include <unistd.h>

static void warn(const char *what, double planned, double calibrated, double bound_ms)
{
    tkp_log(TKP_LOG_WARNING,
            "%.6g %s are more than the %.6g up to which the times of this machine are calibrated "
            "to be true within %g ms (tokperf calibrate)",
            planned, what, calibrated, bound_ms);
}

/* The greatest of the counted phases. */
static void find_most(const struct tkp_plan *plan, double *rate_per_s, double *streams)
{
    *rate_per_s = *streams = 0;
    for (uint32_t i = 0; i < plan->phase_count; i++) {
        const struct tkp_phase_plan *phase = &plan->phases[i];
        if (!tkp_phase_is_counted(phase))
            continue;
        *rate_per_s = fmax(*rate_per_s, phase->rate_per_s);
        *streams = fmax(*streams, plan->streaming ? (double)phase->concurrency : 0);
    }
}

void tkp_run_look_up_calibration(struct tkp_run *run)
{
    const struct tkp_plan *plan = run->plan;
    struct tkp_calibrated_limits limits;
    double planned_rate, planned_streams;
    if (!tkp_calibration_load((const char *const *)environ, plan->workers, &limits))
        return;
    run->facts.calibrated_requests_per_s = (uint64_t)ceil(limits.requests_per_s);
    run->facts.calibrated_streams = (uint64_t)ceil(limits.streams);
    run->facts.calibrated_events_per_s = (uint64_t)ceil(limits.events_per_s);
    double rate = (double)run->facts.calibrated_requests_per_s;
    double streams = (double)run->facts.calibrated_streams;
    find_most(plan, &planned_rate, &planned_streams);
    if (rate > 0 && planned_rate > rate)
        warn("requests/s", planned_rate, rate, limits.bound_ms);
    if (streams > 0 && planned_streams > streams)
        warn("streams at a time", planned_streams, streams, limits.bound_ms);
}

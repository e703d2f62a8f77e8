/* SPDX-License-Identifier: Apache-2.0 */
/* Two collectors and the gates of a phase, for a sample run: one is ready, one died. */
#ifndef SAMPLE_COLLECTORS_H
#define SAMPLE_COLLECTORS_H

#include "sample_run.h"

static inline void sample_run_add_collectors(struct sample_run *run)
{
    static const struct tokperf_collector_result good = {
        sizeof good, 0, {"telemetry", 9}, {"reported", 8}, {"", 0}};
    static const struct tokperf_collector_result bad = {
        sizeof bad, 0, {"profile", 7}, {"dead", 4}, {"dead: killed", 12}};
    static const struct tokperf_collector_result *const goods[] = {&good}, *const bads[] = {&bad};
    static const struct tokperf_collector nvml = {.struct_size = sizeof nvml,
                                                  .is_baseline = 1,
                                                  .service = {"nvml", 4},
                                                  .command = {"nvml --all", 10},
                                                  .state = {"ready", 5},
                                                  .result_count = 1,
                                                  .results = goods};
    static const struct tokperf_collector scraper = {.struct_size = sizeof scraper,
                                                     .service = {"scraper", 7},
                                                     .command = {"scraper", 7},
                                                     .state = {"dead", 4},
                                                     .error = {"killed\n\x1b[31m", 12},
                                                     .result_count = 1,
                                                     .results = bads};
    static const struct tokperf_collector *const collectors[] = {&nvml, &scraper};
    static const struct tokperf_gate_failure failure = {
        sizeof failure, 0, {"nvml", 4}, {"the device is lost", 18}};
    static const struct tokperf_gate_failure *const failures[] = {&failure};
    static const struct tokperf_gate start = {.struct_size = sizeof start,
                                              .asked = 1,
                                              .start_realtime_ns = 1700000000123456789,
                                              .duration_ns = 1500000,
                                              .failure_count = 1,
                                              .failures = failures};
    static const struct tokperf_gate end = {
        .struct_size = sizeof end, .is_end = 1, .off = {"seamless", 8}};
    static const struct tokperf_gate *const gates[] = {&start, &end};
    run->summary.collectors = collectors;
    run->summary.collector_count = 2;
    run->profiling.gates = gates;
    run->profiling.gate_count = 2;
}

#endif

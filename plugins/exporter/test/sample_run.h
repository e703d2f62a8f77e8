/* SPDX-License-Identifier: Apache-2.0 */
/* A small run for tests of exporters, every number of it computed by hand, with all that an
 * exporter may meet: errors, warm-up, values that are not finite, texts that need quoting. */
#ifndef EXPORTER_SAMPLE_RUN_H
#define EXPORTER_SAMPLE_RUN_H

#include <tokperf/exporter.h>

enum { SAMPLE_METRICS = 16, SAMPLE_RECORDS = 4 };

/* The test may change what it likes; pointers lead from one member to the next. */
struct sample_run {
    struct tokperf_metric metrics[SAMPLE_METRICS];
    const struct tokperf_metric *metric_list[SAMPLE_METRICS];
    struct tokperf_phase warmup, profiling, more[3];
    const struct tokperf_phase *phases[5];
    struct tokperf_reason reasons[3];
    const struct tokperf_reason *reason_list[3];
    struct tokperf_summary summary;

    struct tokperf_record records[SAMPLE_RECORDS];
    uint32_t next, fail_at; /* the cursor fails at record fail_at; UINT32_MAX: never */
    struct tokperf_cursor cursor;
};

void sample_run_init(struct sample_run *run);
/* Makes it a run of a warm-up, two phases that count ("low", "high"), one that is excluded
 * ("probe") and their total; the second reason is about "high". */
void sample_run_name_phases(struct sample_run *run);
/* Adds a metric to the profiling phase that has the statistics of its mask, all of this value. */
struct tokperf_metric *sample_run_add(struct sample_run *run, const char *tag, const char *header,
                                      const char *unit, uint32_t stats, double value);

#endif

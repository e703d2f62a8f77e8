/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run leaves when it is summarised: for a plan with more than one phase of a kind the files
 * of each phase in phases/<name> and phases/phase_manifest.json, then the files of the run and the
 * terminal's. A live run and `tokperf report` write alike. [main]
 */
#ifndef TKP_REPORT_PHASE_FILES_H
#define TKP_REPORT_PHASE_FILES_H

#include <config/plan.h>
#include <plugin/host.h>
#include <report/export.h>

struct tkp_result_job {
    const struct tkp_plan *plan;
    const struct tkp_exports *exports;
    struct tkp_host *host; /* output_dir: the run's directory, and so again afterwards */
    const struct tokperf_summary *summary;
    struct tkp_cursor *cursor;
};

/* What fails is logged and the rest is still written. Returns the first failure. */
tokperf_status tkp_results_write(const struct tkp_result_job *job,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

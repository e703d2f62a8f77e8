/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of a run. A name of its own below artifacts/ unless the user gives one; a directory
 * that holds a result is never overwritten silently. [main]
 */
#ifndef TKP_REPORT_RUNDIR_H
#define TKP_REPORT_RUNDIR_H

#include <config/plan.h>

enum { TKP_RUNDIR_PATH_BYTES = 4096 };

/* Where the files of phases are, and what lists them there. */
#define TKP_RUNDIR_PHASES   "phases"
#define TKP_RUNDIR_MANIFEST "phase_manifest.json"

struct tkp_rundir {
    char path[TKP_RUNDIR_PATH_BYTES];
    bool made, made_logs; /* it and its logs/ were not there before */
};

/* Chooses and makes the directory and its logs/ folder, clears old results with --overwrite.
 * TOKPERF_E_EXISTS (exit 2): holds a result. TOKPERF_E_IO/DENIED (exit 3): cannot be made. */
tokperf_status tkp_rundir_create(const struct tkp_plan *plan, const char *model,
                                 struct tkp_rundir *dir,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
/* The part of tkp_rundir_create that needs no model and makes nothing, early enough to refuse
 * before any request. TOKPERF_E_EXISTS: an explicit directory into which a run is writing; without
 * --overwrite also one that holds a result or a file of a name that the run writes; and one where
 * that file is an input of the run. */
tokperf_status tkp_rundir_check(const struct tkp_plan *plan,
                                struct tokperf_error *error) TOKPERF_MUST_USE;
/* Writes config.yaml and run.json {pid, start, ...} and opens logs/tokperf.log for the log. */
tokperf_status tkp_rundir_begin(const struct tkp_rundir *dir, const struct tkp_plan *plan,
                                const char *benchmark_id, uint64_t start_realtime_ns,
                                struct tokperf_error *error) TOKPERF_MUST_USE;
/* Takes away what a run has written that did not begin its load, and the directory if the run made
 * it and nothing else is in it. Accepts a zeroed one. */
void tkp_rundir_discard(const struct tkp_rundir *dir);
/* Whether a run writes a file of this name into its directory. */
bool tkp_rundir_is_own_name(const struct tkp_plan *plan, const char *name);
/* Whether a path is that of a file that the run reads: its configuration or its dataset. */
bool tkp_rundir_is_input(const struct tkp_plan *plan, const char *path);
/* path/records.tkr */
bool tkp_rundir_log_path(const struct tkp_rundir *dir, char *out, size_t capacity);

#endif

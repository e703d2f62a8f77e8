/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics of every phase of a plan, of those that count together, and the verdict on them. Part
 * of the summarizer, which guards it where two threads come to it. [main]; rows: [recorder]
 */
#ifndef TKP_REPORT_PHASE_SET_H
#define TKP_REPORT_PHASE_SET_H

#include <metrics/phase_metrics.h>
#include <report/collector_notes.h>
#include <report/facts.h>

struct tkp_phase_set {
    const struct tkp_plan *plan;
    struct tkp_phase_metrics **metrics; /* by phase of the plan; behind them the total of those that
                                           count, where several do */
    uint32_t count;                     /* of metrics */
    const struct tkp_phase_metrics **counted; /* for the total */
    struct tkp_phase_note *notes;             /* by phase of the plan */
    bool *has_note;
};

/* What is known of the run as a whole. */
struct tkp_phase_set_run {
    const struct tkp_run_facts *facts;
    bool so_far;                              /* the first pass still goes on */
    const struct tkp_phase_note *so_far_note; /* instead of that phase's note, or NULL */
    bool torn, damaged, log_lost, interrupted, interrupted_late, ended_early;
    const struct tkp_collector_notes *collectors;
};

/* Finish it in any case. plan and context are borrowed. */
tokperf_status tkp_phase_set_init(struct tkp_phase_set *set, const struct tkp_plan *plan,
                                  const struct tkp_metric_context *context,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_phase_set_finish(struct tkp_phase_set *set); /* accepts a zeroed one */
/* A row, in each reading; one of no phase of the plan is left out. */
void tkp_phase_set_row(struct tkp_phase_set *set, const struct tkp_row *row,
                       const uint64_t *chunk_ns);
void tkp_phase_set_note(struct tkp_phase_set *set, const struct tkp_phase_note *note);
/* Ends a reading of all. Whether any wants its rows once more. */
bool tkp_phase_set_next_pass(struct tkp_phase_set *set) TOKPERF_MUST_USE;
/* See tkp_phase_metrics_uncounted. */
uint64_t tkp_phase_set_uncounted(const struct tkp_phase_set *set);
/* The phases, which of them is the main one, the verdict with its reasons, and the prompts; memory
 * comes from arena. */
tokperf_status tkp_phase_set_make(const struct tkp_phase_set *set,
                                  const struct tkp_phase_set_run *run, struct tkp_arena *arena,
                                  struct tokperf_summary *summary,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

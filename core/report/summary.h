/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The summary of a run, from its rows and notes. A live run adds rows as the recorder sees them;
 * `tokperf report` reads them from the log. Both then select the exact order statistics in
 * further passes over the log. One thread at a time, but for the notes: these may come from
 * another thread than the rows and the looks at them.
 */
#ifndef TKP_REPORT_SUMMARY_H
#define TKP_REPORT_SUMMARY_H

#include <config/plan.h>
#include <record/log.h>
#include <report/facts.h>
#include <tokperf/exporter.h>

struct tkp_summarizer;

struct tkp_summary_inputs { /* borrowed for the summarizer's life */
    const struct tkp_plan *plan;
    const struct tkp_run_facts *facts;
    const char *artifact_dir;
};

tokperf_status tkp_summarizer_create(const struct tkp_summary_inputs *inputs,
                                     struct tkp_summarizer **summarizer,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_summarizer_destroy(struct tkp_summarizer *summarizer);

/* First pass: every row of the run in the order of the log, and the notes. */
void tkp_summarizer_row(struct tkp_summarizer *summarizer, const struct tkp_row *row,
                        const uint64_t *chunk_ns);
void tkp_summarizer_phase_note(struct tkp_summarizer *summarizer,
                               const struct tkp_phase_note *note);
/* Copies its texts; what does not fit memory is left out. */
void tkp_summarizer_control_note(struct tkp_summarizer *summarizer,
                                 const struct tkp_control_note *note);
/* Of collectors (report/collector_notes.h), likewise. */
void tkp_summarizer_gate_note(struct tkp_summarizer *summarizer, const struct tkp_gate_note *note);
void tkp_summarizer_collector_note(struct tkp_summarizer *summarizer,
                                   const struct tkp_collector_note *note);
void tkp_summarizer_stop_note(struct tkp_summarizer *summarizer, const struct tkp_stop_note *note);
/* The same from a log that was rewound. */
tokperf_status tkp_summarizer_read(struct tkp_summarizer *summarizer, struct tkp_log_reader *reader,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
/* The passes that the exact statistics need beyond the first; rewinds the log for each. */
tokperf_status tkp_summarizer_select(struct tkp_summarizer *summarizer,
                                     struct tkp_log_reader *reader,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;
/* Instead of the second pass when the log could not be written: percentiles then come from
 * histograms and say so, and the verdict is invalid. */
void tkp_summarizer_without_log(struct tkp_summarizer *summarizer);

/* *summary belongs to the summarizer. */
tokperf_status tkp_summarizer_result(struct tkp_summarizer *summarizer,
                                     const struct tokperf_summary **summary,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;
/* What is known so far, during the first pass, with metrics as tkp_phase_metrics_peek() has them;
 * nothing changes. so_far: what workers counted until now of the phase that it names, or NULL: its
 * note, if it was given. Memory comes from arena and from the summarizer. */
tokperf_status tkp_summarizer_peek(struct tkp_summarizer *summarizer,
                                   const struct tkp_phase_note *so_far, struct tkp_arena *arena,
                                   struct tokperf_summary *summary,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
/* Answers of the rows so far whose text is kept for the tokenizer. */
uint64_t tkp_summarizer_texts(const struct tkp_summarizer *summarizer);
/* Answers of the log's rows that the tokenizer has not come to. */
uint64_t tkp_summarizer_uncounted(const struct tkp_summarizer *summarizer);
/* The members of a summary that say which run it is and how it was set up. */
void tkp_summary_identify(struct tokperf_summary *summary, const struct tkp_plan *plan,
                          const struct tkp_run_facts *facts, const char *artifact_dir);
/* What the formulas need; final after the first pass. */
const struct tkp_metric_context *tkp_summarizer_context(const struct tkp_summarizer *summarizer);
/* Of the phases that count. */
void tkp_summarizer_counts(const struct tkp_summarizer *summarizer, uint64_t *ok, uint64_t *errors);

#endif

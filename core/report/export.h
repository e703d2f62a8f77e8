/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exporters of a run: created before the load, so that a broken one is refused early, run at
 * the end on the summary and a cursor over the log. [main]
 */
#ifndef TKP_REPORT_EXPORT_H
#define TKP_REPORT_EXPORT_H

#include <plugin/loader.h>
#include <report/cursor.h>

enum { TKP_EXPORT_MAX = 32 };

struct tkp_exports {
    struct tkp_instance *instances[TKP_EXPORT_MAX];
    uint32_t count;
};

/* Creates the plan's exporters in their order, leaving out those that write requests when the plan
 * wants the summary only. skip_unknown: one that is not there is a warning. Finish in any case. */
tokperf_status tkp_exports_create(const struct tkp_plan *plan, const struct tkp_registry *registry,
                                  const struct tokperf_host *host, bool skip_unknown,
                                  struct tkp_exports *exports,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_exports_finish(struct tkp_exports *exports);
/* Leaves out those that write requests, with a warning: the record log cannot be read. */
void tkp_exports_drop_records(struct tkp_exports *exports);
/* Runs all of them; one that fails is logged and the others still run. Returns the first failure.
 * Those that write to the terminal come last, so that they can say where the files are. */
tokperf_status tkp_exports_run(const struct tkp_exports *exports,
                               const struct tokperf_summary *summary, struct tkp_cursor *cursor,
                               struct tokperf_error *error) TOKPERF_MUST_USE;

/* Whether any of them asks for phases. */
bool tkp_exports_want_phases(const struct tkp_exports *exports);
/* Runs those that do, on a summary that has one phase alone; failures as above. */
tokperf_status tkp_exports_run_phase(const struct tkp_exports *exports,
                                     const struct tokperf_summary *summary,
                                     struct tkp_cursor *cursor,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the record log says of collectors and baseline gates, gathered for the summary. Memory is
 * arenas'; what does not fit is left out. One thread at a time.
 */
#ifndef TKP_REPORT_COLLECTOR_NOTES_H
#define TKP_REPORT_COLLECTOR_NOTES_H

#include <config/plan.h>
#include <report/facts.h>
#include <tokperf/exporter.h>

enum { TKP_COLLECTOR_NOTES_MAX = 8192 }; /* two gates of 64 phases, 32 collectors at each */

struct tkp_kept_gate;
struct tkp_kept_collector;
struct tkp_collector_notes { /* zeroed: none */
    struct tkp_kept_gate *gates, **gates_end;
    struct tkp_kept_collector *collectors, **collectors_end;
    uint32_t count;
};

/* Copies the note. A later one of the same collector, or of the same result, replaces it. */
void tkp_collector_notes_add_gate(struct tkp_collector_notes *notes, struct tkp_arena *arena,
                                  const struct tkp_gate_note *note);
void tkp_collector_notes_add(struct tkp_collector_notes *notes, struct tkp_arena *arena,
                             const struct tkp_collector_note *note);

/* Gives the phase its gates; none without collectors. Where a phase that has begun had no gate the
 * plan says why; of one that has not, only a gate that it was given is known. */
void tkp_collector_notes_fill_phase(const struct tkp_collector_notes *notes,
                                    const struct tkp_plan *plan, uint32_t index, bool has_begun,
                                    struct tkp_arena *arena, struct tokperf_phase *phase);
void tkp_collector_notes_fill(const struct tkp_collector_notes *notes, struct tkp_arena *arena,
                              struct tokperf_summary *summary);
/* "telemetry of nvml (dead), ...": results that did not come; NULL: none are missing. *count: how
 * many. */
const char *tkp_collector_notes_missing(const struct tkp_collector_notes *notes,
                                        struct tkp_arena *arena, uint64_t *count);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What exporters ask about the phases of a run. */
#ifndef EXPORTER_PHASE_KIND_H
#define EXPORTER_PHASE_KIND_H

#include <string.h>
#include <tokperf/exporter.h>

/* "warmup" or "profiling", as AIPerf calls them. */
static inline const char *phase_kind(const struct tokperf_phase *phase)
{
    return phase->is_warmup ? "warmup" : "profiling";
}

/* Whether it is the sum of those that count, and no phase of the plan. */
static inline int phase_is_total(const struct tokperf_phase *phase)
{
    return TOKPERF_HAS(phase, is_total) && phase->is_total;
}

static inline int phase_is_excluded(const struct tokperf_phase *phase)
{
    return TOKPERF_HAS(phase, is_excluded) && phase->is_excluded;
}

/* Whether the phases have names of their own, which say more than their kinds. */
static inline int phases_are_named(const struct tokperf_summary *run)
{
    for (uint32_t i = 0; i < run->phase_count; i++) {
        const struct tokperf_phase *phase = run->phases[i];
        const char *kind = phase_kind(phase);
        if (phase->name.len != strlen(kind) || memcmp(phase->name.data, kind, phase->name.len) != 0)
            return 1;
    }
    return 0;
}

#endif

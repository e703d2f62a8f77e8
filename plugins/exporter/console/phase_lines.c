/* SPDX-License-Identifier: Apache-2.0 */
/* See phase_lines.h. Names that do not fit are cut; every line fits 100 columns. */
#include "phase_lines.h"

#include "../phase_kind.h"
#include "../statistic.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAME_COLUMNS = 24, CELL_BYTES = 32 };

static const struct tokperf_metric *find(const struct tokperf_phase *phase, const char *tag)
{
    for (uint32_t i = 0; i < phase->metric_count; i++)
        if (strcmp(phase->metrics[i]->tag, tag) == 0)
            return phase->metrics[i];
    return NULL;
}

/* A statistic with so many decimals, or a dash. */
static void put(char cell[CELL_BYTES], const struct tokperf_phase *phase, const char *tag,
                uint32_t stat, int decimals)
{
    const struct tokperf_metric *metric = find(phase, tag);
    if (metric && has_statistic(metric, stat))
        snprintf(cell, CELL_BYTES, "%.*f", decimals, metric->value[stat]);
    else
        snprintf(cell, CELL_BYTES, "-");
}

static const char *kind_of(const struct tokperf_phase *phase)
{
    if (phase_is_total(phase))
        return "";
    return phase_is_excluded(phase) ? "excluded" : phase_kind(phase);
}

static void print_line(const struct table_output *out, const struct tokperf_summary *run,
                       const struct tokperf_phase *phase)
{
    char requests[CELL_BYTES], errors[CELL_BYTES], rate[CELL_BYTES], p50[CELL_BYTES],
        p99[CELL_BYTES];
    int name = (int)(phase->name.len < NAME_COLUMNS ? phase->name.len : NAME_COLUMNS);
    put(requests, phase, "request_count", TOKPERF_STAT_AVG, 0);
    put(errors, phase, "error_request_count", TOKPERF_STAT_AVG, 0);
    put(rate, phase, "request_throughput", TOKPERF_STAT_AVG, 2);
    put(p50, phase, "request_latency", TOKPERF_STAT_P50, 2);
    put(p99, phase, "request_latency", TOKPERF_STAT_P99, 2);
    struct tokperf_span verdict = {"", 0};
    if (phase_is_total(phase))
        verdict = run->verdict;
    if (TOKPERF_HAS(phase, verdict) && phase->verdict.len)
        verdict = phase->verdict;
    table_printf(out, " %-*.*s %-9s %9s %7s %10s %10s %10s %.*s\n", NAME_COLUMNS, name,
                 phase->name.data, kind_of(phase), requests, errors, rate, p50, p99,
                 (int)verdict.len, verdict.data);
}

static int has_several(const struct tokperf_summary *run)
{
    uint32_t warmups = 0, others = 0;
    for (uint32_t i = 0; i < run->phase_count; i++)
        if (run->phases[i]->is_warmup)
            warmups++;
        else
            others++;
    return warmups > 1 || others > 1;
}

void phase_lines_print(const struct table_output *out, const struct tokperf_summary *run)
{
    if (!has_several(run))
        return;
    table_printf(out, "\n %-*s %-9s %9s %7s %10s %10s %10s %s\n", NAME_COLUMNS, "Phase", "Kind",
                 "Requests", "Errors", "Req/s", "p50 (ms)", "p99 (ms)", "Verdict");
    for (uint32_t i = 0; i < run->phase_count; i++)
        print_line(out, run, run->phases[i]);
}

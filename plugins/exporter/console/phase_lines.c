/* SPDX-License-Identifier: Apache-2.0 */
/* See phase_lines.h. Names that do not fit are cut, and a narrow terminal gets fewer columns. */
#include "phase_lines.h"

#include "../phase_kind.h"
#include "../statistic.h"

#include <stdio.h>
#include <string.h>

enum { MOST_NAME_COLUMNS = 24, LEAST_NAME_COLUMNS = 8, CELL_BYTES = 32 };

/* What stands behind the name; the second kind of column gives way first. */
struct column {
    const char *title, *tag; /* NULL: not a metric */
    uint32_t stat;
    int decimals, width, gives_way;
};
static const struct column columns[] = {
    {"Requests", "request_count", TOKPERF_STAT_AVG, 0, 9, 0},
    {"Errors", "error_request_count", TOKPERF_STAT_AVG, 0, 7, 0},
    {"Req/s", "request_throughput", TOKPERF_STAT_AVG, 2, 10, 1},
    {"p50 (ms)", "request_latency", TOKPERF_STAT_P50, 2, 10, 1},
    {"p99 (ms)", "request_latency", TOKPERF_STAT_P99, 2, 10, 0},
};
enum { COLUMNS = sizeof columns / sizeof columns[0], KIND_COLUMNS = 9, VERDICT_COLUMNS = 7 };

struct lines {
    const struct table_output *out;
    int name_columns, is_narrow;
};

static const struct tokperf_metric *find(const struct tokperf_phase *phase, const char *tag)
{
    for (uint32_t i = 0; i < phase->metric_count; i++)
        if (strcmp(phase->metrics[i]->tag, tag) == 0)
            return phase->metrics[i];
    return NULL;
}

static void make_cell(char cell[CELL_BYTES], const struct column *column,
                      const struct tokperf_phase *phase)
{
    const struct tokperf_metric *metric = find(phase, column->tag);
    if (metric && has_statistic(metric, column->stat))
        snprintf(cell, CELL_BYTES, "%.*f", column->decimals, metric->value[column->stat]);
    else
        snprintf(cell, CELL_BYTES, "-");
}

static const char *kind_of(const struct tokperf_phase *phase)
{
    if (phase_is_total(phase))
        return "";
    return phase_is_excluded(phase) ? "excluded" : phase_kind(phase);
}

/* A line; without a phase the one of the titles. */
static void print_line(const struct lines *lines, const struct tokperf_phase *phase,
                       struct tokperf_span verdict)
{
    struct tokperf_span name = phase ? phase->name : TOKPERF_SPAN("Phase");
    int len = name.len < (uint64_t)lines->name_columns ? (int)name.len : lines->name_columns;
    table_printf(lines->out, " %-*.*s", lines->name_columns, len, name.data);
    if (!lines->is_narrow)
        table_printf(lines->out, " %-*s", KIND_COLUMNS, phase ? kind_of(phase) : "Kind");
    for (size_t i = 0; i < COLUMNS; i++) {
        char cell[CELL_BYTES];
        if (lines->is_narrow && columns[i].gives_way)
            continue;
        if (phase)
            make_cell(cell, &columns[i], phase);
        table_printf(lines->out, " %*s", columns[i].width, phase ? cell : columns[i].title);
    }
    table_printf(lines->out, " %.*s\n", (int)verdict.len, verdict.data);
}

/* How many columns there are behind the name. */
static int taken(int is_narrow)
{
    int sum = 1 + (is_narrow ? 0 : 1 + KIND_COLUMNS) + 1 + VERDICT_COLUMNS;
    for (size_t i = 0; i < COLUMNS; i++)
        if (!is_narrow || !columns[i].gives_way)
            sum += 1 + columns[i].width;
    return sum;
}

static struct lines lay_out(const struct table_output *out)
{
    struct lines lines = {.out = out};
    lines.is_narrow = (int)out->columns < taken(0) + LEAST_NAME_COLUMNS;
    int room = (int)out->columns - taken(lines.is_narrow);
    lines.name_columns = room < LEAST_NAME_COLUMNS ? LEAST_NAME_COLUMNS : room;
    if (lines.name_columns > MOST_NAME_COLUMNS)
        lines.name_columns = MOST_NAME_COLUMNS;
    return lines;
}

static struct tokperf_span verdict_of(const struct tokperf_summary *run,
                                      const struct tokperf_phase *phase)
{
    static const struct tokperf_span none = {"-", 1};
    if (phase_is_total(phase))
        return run->verdict;
    return TOKPERF_HAS(phase, verdict) && phase->verdict.len ? phase->verdict : none;
}

static int has_several(const struct tokperf_summary *run)
{
    uint32_t warmups = 0;
    for (uint32_t i = 0; i < run->phase_count; i++)
        warmups += run->phases[i]->is_warmup != 0;
    return warmups > 1 || run->phase_count - warmups > 1;
}

void phase_lines_print(const struct table_output *out, const struct tokperf_summary *run)
{
    const struct lines lines = lay_out(out);
    if (!has_several(run))
        return;
    table_printf(out, "\n Phases, with p50 and p99 of their Request Latency\n");
    print_line(&lines, NULL, TOKPERF_SPAN("Verdict"));
    for (uint32_t i = 0; i < run->phase_count; i++)
        print_line(&lines, run->phases[i], verdict_of(run, run->phases[i]));
}

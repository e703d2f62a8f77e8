/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exporter "csv": <prefix>.csv in AIPerf's shape: metrics with percentiles, a blank row, metrics
 * with one value. UTF-8, CRLF, two decimals, rows sorted by tag. Columns that tokperf adds (p99.9,
 * count) come last.
 */
#include "../file_exporter.h"
#include "../statistic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    uint32_t stat;
    const char *name;
} columns[] = {
    {TOKPERF_STAT_AVG, "avg"},     {TOKPERF_STAT_MIN, "min"}, {TOKPERF_STAT_MAX, "max"},
    {TOKPERF_STAT_SUM, "sum"},     {TOKPERF_STAT_P1, "p1"},   {TOKPERF_STAT_P5, "p5"},
    {TOKPERF_STAT_P10, "p10"},     {TOKPERF_STAT_P25, "p25"}, {TOKPERF_STAT_P50, "p50"},
    {TOKPERF_STAT_P75, "p75"},     {TOKPERF_STAT_P90, "p90"}, {TOKPERF_STAT_P95, "p95"},
    {TOKPERF_STAT_P99, "p99"},     {TOKPERF_STAT_STD, "std"}, {TOKPERF_STAT_P999, "p99.9"},
    {TOKPERF_STAT_COUNT, "count"},
};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0], CELL_BYTES = 512 };

static void put(struct result_file *out, const char *text)
{
    result_file_write(out, text, strlen(text));
}

/* A cell with quotes only where RFC 4180 wants them. */
static void put_cell(struct result_file *out, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        put(out, text);
        return;
    }
    put(out, "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '"')
            put(out, "\"");
        result_file_write(out, c, 1);
    }
    put(out, "\"");
}

static void put_name(struct result_file *out, const struct tokperf_metric *metric)
{
    char name[CELL_BYTES];
    int bare = !metric->unit[0] || strcmp(metric->unit, "count") == 0 ||
               strcmp(metric->unit, "requests") == 0;
    snprintf(name, sizeof name, bare ? "%s" : "%s (%s)", metric->header, metric->unit);
    put_cell(out, name);
}

static void put_value(struct result_file *out, const struct tokperf_metric *metric, uint32_t stat)
{
    char value[CELL_BYTES];
    snprintf(value, sizeof value, stat == TOKPERF_STAT_COUNT ? ",%.0f" : ",%.2f",
             metric->value[stat]);
    put(out, has_statistic(metric, stat) ? value : ",");
}

static int has_percentiles(const struct tokperf_metric *metric)
{
    return has_statistic(metric, TOKPERF_STAT_P50);
}

static int by_tag(const void *a, const void *b)
{
    const struct tokperf_metric *const *left = a, *const *right = b;
    return strcmp((*left)->tag, (*right)->tag);
}

/* The shown metrics sorted by tag; NULL without memory. */
static const struct tokperf_metric **sorted(const struct tokperf_phase *phase, uint32_t *count)
{
    const struct tokperf_metric **list = calloc(phase->metric_count + 1, sizeof *list);
    *count = 0;
    for (uint32_t i = 0; list && i < phase->metric_count; i++)
        if (!(phase->metrics[i]->flags & TOKPERF_METRIC_INTERNAL))
            list[(*count)++] = phase->metrics[i];
    if (list)
        qsort(list, *count, sizeof *list, by_tag);
    return list;
}

static void write_tables(struct result_file *out, const struct tokperf_metric **list,
                         uint32_t count)
{
    put(out, "Metric");
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        put(out, ",");
        put(out, columns[c].name);
    }
    put(out, "\r\n");
    for (uint32_t i = 0; i < count; i++) {
        if (!has_percentiles(list[i]))
            continue;
        put_name(out, list[i]);
        for (size_t c = 0; c < COLUMN_COUNT; c++)
            put_value(out, list[i], columns[c].stat);
        put(out, "\r\n");
    }
    put(out, "\r\nMetric,Value\r\n");
    for (uint32_t i = 0; i < count; i++) {
        if (has_percentiles(list[i]) || !has_statistic(list[i], TOKPERF_STAT_AVG))
            continue;
        put_name(out, list[i]);
        put_value(out, list[i], TOKPERF_STAT_AVG);
        put(out, "\r\n");
    }
}

static tokperf_status export_run(void *self, const struct tokperf_summary *summary,
                                 const struct tokperf_cursor *cursor, struct tokperf_error *error)
{
    (void)cursor;
    struct result_file out;
    uint32_t count;
    const struct tokperf_metric **list = sorted(summary->phases[summary->main_phase], &count);
    if (!list) {
        snprintf(error->message, sizeof error->message, "no memory to sort the metrics");
        return error->status = TOKPERF_E_NO_MEMORY;
    }
    tokperf_status status = result_file_open(&out, self, summary, "csv", error);
    if (status == TOKPERF_OK) {
        write_tables(&out, list, count);
        status = result_file_close(&out, TOKPERF_OK, error);
    }
    free(list);
    return status;
}

static const struct tokperf_exporter_vtable vtable = {
    .struct_size = sizeof vtable,
    .create = file_exporter_create,
    .destroy = free,
    .flags = TOKPERF_EXPORT_PHASES,
    .export_run = export_run,
};
static const struct tokperf_component component = {
    .struct_size = sizeof component,
    .kind = TOKPERF_KIND_EXPORTER,
    .name = "csv",
    .summary = "Run summary as CSV, AIPerf's shape",
    .vtable = &vtable,
};
static const struct tokperf_component *const components[] = {&component, NULL};
static const char *const services[] = {TOKPERF_SERVICE_OUTPUT_FILE, NULL};
static const struct tokperf_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TOKPERF_ABI_MINOR,
    .id = "org.tokperf.export.csv",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "CSV summary of a run",
    .components = components,
    .requires_services = services,
};
TOKPERF_PLUGIN(plugin)

/* SPDX-License-Identifier: Apache-2.0 */
/* See table.h. */
#include "table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CELL_BYTES = 48, NAME_BYTES = 128, MIN_NAME_COLUMNS = 24 };

static const struct {
    uint32_t stat;
    const char *name;
} shown[] = {
    {TOKPERF_STAT_AVG, "avg"}, {TOKPERF_STAT_MIN, "min"}, {TOKPERF_STAT_MAX, "max"},
    {TOKPERF_STAT_P99, "p99"}, {TOKPERF_STAT_P90, "p90"}, {TOKPERF_STAT_P50, "p50"},
    {TOKPERF_STAT_STD, "std"},
};
enum { SHOWN = sizeof shown / sizeof shown[0] };

void table_printf(const struct table_output *out, const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (n > 0)
        out->write(out->context, line, (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

/* "1,234.56"; values of a million and more without decimals. */
static void format_value(char cell[CELL_BYTES], double value)
{
    char plain[CELL_BYTES];
    snprintf(plain, sizeof plain, fabs(value) < 1e6 ? "%.2f" : "%.0f", value);
    size_t sign = plain[0] == '-';
    size_t whole = strcspn(plain + sign, ".");
    size_t used = 0;
    for (size_t i = 0; plain[i] && used + 2 < CELL_BYTES; i++) {
        if (i > sign && i < sign + whole && (sign + whole - i) % 3 == 0)
            cell[used++] = ',';
        cell[used++] = plain[i];
    }
    cell[used] = '\0';
}

static void make_cell(char cell[CELL_BYTES], const struct tokperf_metric *metric, size_t column)
{
    if (metric->stats & (1u << shown[column].stat))
        format_value(cell, metric->value[shown[column].stat]);
    else
        snprintf(cell, CELL_BYTES, "-");
}

static uint32_t widest(const struct tokperf_metric *const *metrics, uint32_t count, size_t column)
{
    size_t width = strlen(shown[column].name);
    for (uint32_t i = 0; i < count; i++) {
        char cell[CELL_BYTES];
        make_cell(cell, metrics[i], column);
        if (strlen(cell) > width)
            width = strlen(cell);
    }
    return (uint32_t)width;
}

/* How much of the name fits into width, cut at the last space where there is one. */
static size_t fitting(const char *name, size_t width)
{
    size_t len = strlen(name);
    if (len <= width)
        return len;
    for (size_t i = width; i > 0; i--)
        if (name[i] == ' ')
            return i;
    return width;
}

static void print_row(const struct table_output *out, const struct tokperf_metric *metric,
                      size_t name_width, const uint32_t widths[SHOWN])
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, metric->unit[0] ? "%s (%s)" : "%s", metric->header, metric->unit);
    size_t part = fitting(name, name_width);
    table_printf(out, " %-*.*s", (int)name_width, (int)part, name);
    for (size_t c = 0; c < SHOWN; c++) {
        char cell[CELL_BYTES];
        make_cell(cell, metric, c);
        table_printf(out, "  %*s", (int)widths[c], cell);
    }
    table_printf(out, "\n");
    const char *rest = name + part;
    while (*rest) {
        rest += *rest == ' ';
        part = fitting(rest, name_width - 2);
        table_printf(out, "   %.*s\n", (int)part, rest);
        rest += part;
    }
}

static void print_rule(const struct table_output *out, size_t width)
{
    for (size_t i = 0; i < width; i++)
        out->write(out->context, "-", 1);
    out->write(out->context, "\n", 1);
}

void table_print(const struct table_output *out, const char *title,
                 const struct tokperf_metric *const *metrics, uint32_t count)
{
    uint32_t widths[SHOWN];
    size_t numbers = 0, longest = 0;
    if (!count)
        return;
    for (size_t c = 0; c < SHOWN; c++) {
        widths[c] = widest(metrics, count, c);
        numbers += widths[c] + 2;
    }
    for (uint32_t i = 0; i < count; i++) {
        size_t len = strlen(metrics[i]->header);
        len += metrics[i]->unit[0] ? strlen(metrics[i]->unit) + 3 : 0;
        longest = len > longest ? len : longest;
    }
    size_t room =
        out->columns > numbers + MIN_NAME_COLUMNS ? out->columns - numbers - 1 : MIN_NAME_COLUMNS;
    size_t name_width = longest < room ? longest : room;
    size_t total = name_width + numbers + 1;
    if (title)
        table_printf(out, "\n %s\n", title);
    print_rule(out, total);
    table_printf(out, " %-*s", (int)name_width, "Metric");
    for (size_t c = 0; c < SHOWN; c++)
        table_printf(out, "  %*s", (int)widths[c], shown[c].name);
    table_printf(out, "\n");
    print_rule(out, total);
    for (uint32_t i = 0; i < count; i++)
        print_row(out, metrics[i], name_width, widths);
    print_rule(out, total);
}

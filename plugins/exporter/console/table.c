/* SPDX-License-Identifier: Apache-2.0 */
/* See table.h. */
#include "table.h"

#include "../statistic.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CELL_BYTES = 48, NAME_BYTES = 160, MIN_NAME_COLUMNS = 15, COMFORTABLE_NAME_COLUMNS = 24 };

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

/* The numbers of a table: the first `shown_count` statistics, each column as wide as its widest. */
struct layout {
    int compact;
    size_t shown_count, numbers; /* columns of the line that the numbers take */
    uint32_t widths[SHOWN];
};

/* "1,234.56"; values of a million and more without decimals, those too long for a column as
 * 1.235e+15. Compact cells have at most 9 characters and a sign. */
static void format_value(char cell[CELL_BYTES], double value, int compact)
{
    double size = fabs(value);
    char plain[CELL_BYTES];
    if (size >= (compact ? 9999999.5 : 1e15)) {
        snprintf(cell, CELL_BYTES, "%.3e", value);
        return;
    }
    snprintf(plain, sizeof plain, size < (compact ? 99999.995 : 1e6) ? "%.2f" : "%.0f", value);
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

static void make_cell(char cell[CELL_BYTES], const struct tokperf_metric *metric, size_t column,
                      int compact)
{
    if (has_statistic(metric, shown[column].stat))
        format_value(cell, metric->value[shown[column].stat], compact);
    else
        snprintf(cell, CELL_BYTES, "-");
}

static uint32_t widest(const struct tokperf_metric *const *metrics, uint32_t count, size_t column,
                       int compact)
{
    size_t width = strlen(shown[column].name);
    for (uint32_t i = 0; i < count; i++) {
        char cell[CELL_BYTES];
        make_cell(cell, metrics[i], column, compact);
        if (strlen(cell) > width)
            width = strlen(cell);
    }
    return (uint32_t)width;
}

static void measure(struct layout *layout, const struct tokperf_metric *const *metrics,
                    uint32_t count)
{
    layout->numbers = 0;
    for (size_t c = 0; c < layout->shown_count; c++) {
        layout->widths[c] = widest(metrics, count, c, layout->compact);
        layout->numbers += layout->widths[c] + 2;
    }
}

/* Full numbers where the names keep a comfortable width, else compact ones, else fewer columns. */
static struct layout lay_out(const struct table_output *out,
                             const struct tokperf_metric *const *metrics, uint32_t count)
{
    struct layout layout = {.shown_count = SHOWN};
    measure(&layout, metrics, count);
    if (layout.numbers + COMFORTABLE_NAME_COLUMNS + 1 > out->columns) {
        layout.compact = 1;
        measure(&layout, metrics, count);
    }
    while (layout.numbers + MIN_NAME_COLUMNS + 1 > out->columns && layout.shown_count > 1) {
        layout.shown_count--;
        layout.numbers -= layout.widths[layout.shown_count] + 2;
    }
    return layout;
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
                      size_t name_width, const struct layout *layout)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, metric->unit[0] ? "%s (%s)" : "%s", metric->header, metric->unit);
    size_t part = fitting(name, name_width);
    table_printf(out, " %-*.*s", (int)name_width, (int)part, name);
    for (size_t c = 0; c < layout->shown_count; c++) {
        char cell[CELL_BYTES];
        make_cell(cell, metric, c, layout->compact);
        table_printf(out, "  %*s", (int)layout->widths[c], cell);
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

/* The longest name of the metrics, as long as it may be. */
static size_t name_columns(const struct table_output *out, const struct layout *layout,
                           const struct tokperf_metric *const *metrics, uint32_t count)
{
    size_t longest = strlen("Metric");
    size_t taken = layout->numbers + 1;
    size_t room = out->columns > taken + MIN_NAME_COLUMNS ? out->columns - taken : MIN_NAME_COLUMNS;
    for (uint32_t i = 0; i < count; i++) {
        size_t len = strlen(metrics[i]->header);
        len += metrics[i]->unit[0] ? strlen(metrics[i]->unit) + 3 : 0;
        longest = len > longest ? len : longest;
    }
    return longest < room ? longest : room;
}

void table_print(const struct table_output *out, const char *title,
                 const struct tokperf_metric *const *metrics, uint32_t count)
{
    if (!count)
        return;
    struct layout layout = lay_out(out, metrics, count);
    size_t name_width = name_columns(out, &layout, metrics, count);
    size_t total = name_width + layout.numbers + 1;
    table_printf(out, "\n %.*s\n", (int)out->columns - 1, title);
    print_rule(out, total);
    table_printf(out, " %-*s", (int)name_width, "Metric");
    for (size_t c = 0; c < layout.shown_count; c++)
        table_printf(out, "  %*s", (int)layout.widths[c], shown[c].name);
    table_printf(out, "\n");
    print_rule(out, total);
    for (uint32_t i = 0; i < count; i++)
        print_row(out, metrics[i], name_width, &layout);
    print_rule(out, total);
}

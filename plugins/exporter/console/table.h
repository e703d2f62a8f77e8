/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of metrics as text of at most `columns` characters a line: a name column that wraps, and
 * one right-aligned column per statistic. Values with thousands separators and two decimals; a
 * dash where there is none.
 */
#ifndef CONSOLE_TABLE_H
#define CONSOLE_TABLE_H

#include <tokperf/exporter.h>

struct table_output {
    void *context;
    void (*write)(void *context, const char *data, uint64_t len);
    uint32_t columns;
};

/* Prints the metrics in their order; nothing when there are none. Where the numbers take too much
 * room they become shorter, and then fewer. */
void table_print(const struct table_output *out, const char *title,
                 const struct tokperf_metric *const *metrics, uint32_t count);
/* printf onto the output; longer than 1 KiB is cut. */
void table_printf(const struct table_output *out, const char *format, ...) TOKPERF_PRINTF(2, 3);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One sentence about the collectors of a run and its baseline gates, when something went wrong or
 * was left out. */
#ifndef CONSOLE_COLLECTOR_LINE_H
#define CONSOLE_COLLECTOR_LINE_H

#include <tokperf/exporter.h>

/* "nvml is dead (signal 9); 2 of 8 reference samples are missing"; "": nothing to say. What does
 * not fit is cut. No control characters. Missing results are a note of the verdict. */
void collector_line(const struct tokperf_summary *run, char *out, size_t capacity);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The phases of a run, a line each: for a run that has more than one of a kind. */
#ifndef CONSOLE_PHASE_LINES_H
#define CONSOLE_PHASE_LINES_H

#include "table.h"

/* Nothing when the plan has but one warm-up and one profiling phase. */
void phase_lines_print(const struct table_output *out, const struct tokperf_summary *run);

#endif

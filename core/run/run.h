/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run, from a plan to results. run.c is the story, stage by stage. [main]
 */
#ifndef TKP_RUN_RUN_H
#define TKP_RUN_RUN_H

#include <config/plan.h>

/* Does everything and says what went wrong on stderr. Returns the exit code (exit_code.h). */
int tkp_run(const struct tkp_plan *plan);

/* Loads what the run of a plan needs, plugins and dataset, and makes nothing: logs what is wrong
 * and returns the exit code that the run would have. */
int tkp_run_check(const struct tkp_plan *plan);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about a plan's list of phases. Pure. [any] */
#ifndef TKP_CONFIG_PHASE_LIST_H
#define TKP_CONFIG_PHASE_LIST_H

#include <config/plan.h>

enum { TKP_PHASE_NAME_MAX = 64 };

/* What the sum of several phases is called; no phase can have that name. */
#define TKP_PHASE_TOTAL "total"

/* [A-Za-z_][A-Za-z0-9_-]*, at most TKP_PHASE_NAME_MAX characters, not TKP_PHASE_TOTAL: it names a
 * folder too. */
bool tkp_phase_name_is_valid(const char *name);
/* Whether the run's results and verdict contain it: profiling, and not excluded. */
bool tkp_phase_is_counted(const struct tkp_phase_plan *phase);
/* How many are; a plan that was resolved has at least one. */
uint32_t tkp_phases_counted(const struct tkp_plan *plan);
/* The last one of them: the one that stands for the run where there is one alone. */
const struct tkp_phase_plan *tkp_phases_last_counted(const struct tkp_plan *plan);
/* Whether the plan has several phases, with names that the file gives them: then every phase has
 * files of its own. The warm-up and the profiling phase that flags make are known by their kind. */
bool tkp_phases_have_files(const struct tkp_plan *plan);

#endif

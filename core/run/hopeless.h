/* SPDX-License-Identifier: Apache-2.0 */
/* When a run is not worth going on with. [main] */
#ifndef TKP_RUN_HOPELESS_H
#define TKP_RUN_HOPELESS_H

#include <run/parts.h>

/* Whether nobody is there to connect to, or too many requests of the phase fail; says why in the
 * log. */
bool tkp_run_is_hopeless(const struct tkp_run *run, const struct tkp_phase_plan *phase,
                         const struct tkp_live_figures *figures);

#endif

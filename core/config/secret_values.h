/* SPDX-License-Identifier: Apache-2.0 */
/* Which values of a plan no artifact may hold. [main] */
#ifndef TKP_CONFIG_SECRET_VALUES_H
#define TKP_CONFIG_SECRET_VALUES_H

#include <config/plan.h>

/* Of headers, user-info, queries of paths, --extra-inputs and --set with secret names; of "Bearer
 * X" it is X. The list is in the arena, its texts are the plan's. */
tokperf_status tkp_secret_values(const struct tkp_plan *plan, struct tkp_arena *arena,
                                 const struct tokperf_span **list, uint32_t *count,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

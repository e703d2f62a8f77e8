/* SPDX-License-Identifier: Apache-2.0 */
/* The names of outcomes. */
#include <record/row.h>

const char *tkp_outcome_name(enum tkp_outcome outcome)
{
    static const char *const names[] = {"none",
#define OUTCOME_NAME(id, name) [TKP_OUTCOME_##id] = name,
                                        TKP_OUTCOMES(OUTCOME_NAME)
#undef OUTCOME_NAME
    };
    return (unsigned)outcome < TKP_OUTCOME_COUNT ? names[outcome] : "none";
}

bool tkp_outcome_is_error(enum tkp_outcome outcome)
{
    return outcome != TKP_OUTCOME_NONE && outcome != TKP_OUTCOME_OK &&
           outcome != TKP_OUTCOME_CANCELLED;
}

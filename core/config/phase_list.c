/* SPDX-License-Identifier: Apache-2.0 */
/* See phase_list.h. */
#include <config/phase_list.h>

#include <string.h>

bool tkp_phase_name_is_valid(const char *name)
{
    static const char first[] = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char other[] = "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    size_t len = strlen(name);
    return len && len <= TKP_PHASE_NAME_MAX && strchr(first, name[0]) &&
           strspn(name, other) == len && strcmp(name, TKP_PHASE_TOTAL) != 0;
}

bool tkp_phase_is_counted(const struct tkp_phase_plan *phase)
{
    return !phase->is_warmup && !phase->exclude_from_results;
}

uint32_t tkp_phases_counted(const struct tkp_plan *plan)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->phase_count; i++)
        count += tkp_phase_is_counted(&plan->phases[i]);
    return count;
}

const struct tkp_phase_plan *tkp_phases_last_counted(const struct tkp_plan *plan)
{
    uint32_t at = plan->phase_count - 1;
    for (uint32_t i = 0; i < plan->phase_count; i++)
        if (tkp_phase_is_counted(&plan->phases[i]))
            at = i;
    return &plan->phases[at];
}

bool tkp_phases_have_files(const struct tkp_plan *plan)
{
    bool any = false;
    for (uint32_t i = 0; i < plan->phase_count; i++)
        any |= plan->phases[i].is_named;
    return any && plan->phase_count > 1;
}

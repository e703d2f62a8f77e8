/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots under the cap. A worker that finds none raises its waiting flag and looks again; a worker
 * that releases one looks for a raised flag afterwards. All four steps are sequentially consistent,
 * so that not both can miss each other.
 */
#include <load/phase.h>

#include <string.h>

void tkp_phase_init(struct tkp_phase *phase, const struct tkp_schedule *schedule, uint32_t workers)
{
    memset(phase, 0, sizeof *phase);
    phase->schedule = *schedule;
    phase->workers = workers;
}

bool tkp_phase_is_sent(const struct tkp_phase *phase)
{
    for (uint32_t i = 0; i < phase->workers; i++)
        if (!tkp_flag_is_raised(&phase->parts[i].sent))
            return false;
    return true;
}

bool tkp_phase_is_done(const struct tkp_phase *phase)
{
    for (uint32_t i = 0; i < phase->workers; i++)
        if (!tkp_flag_is_raised(&phase->parts[i].done))
            return false;
    return true;
}

bool tkp_phase_take_slot(struct tkp_phase *phase, uint32_t worker, uint64_t cap)
{
    uint64_t bound = cap ? cap : UINT64_MAX;
    if (tkp_slots_try_take(&phase->in_flight, bound))
        return true;
    tkp_flag_raise(&phase->waiting[worker]);
    if (!tkp_slots_try_take(&phase->in_flight, bound))
        return false;
    tkp_flag_lower(&phase->waiting[worker]);
    return true;
}

int32_t tkp_phase_release_slot(struct tkp_phase *phase, uint32_t worker)
{
    tkp_slots_release(&phase->in_flight);
    for (uint32_t step = 1; step < phase->workers; step++) {
        uint32_t other = (worker + step) % phase->workers; /* the next one first: all get a turn */
        /* Taken, so that two releases at a time wake two workers; read first, as most are down. */
        if (tkp_flag_is_raised(&phase->waiting[other]) && tkp_flag_take(&phase->waiting[other]))
            return (int32_t)other;
    }
    return -1;
}

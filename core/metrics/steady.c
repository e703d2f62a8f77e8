/* SPDX-License-Identifier: Apache-2.0 */
/* The steady window. One thread. */
#include <metrics/steady.h>

#include <base/clock.h>

static uint64_t greater(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void tkp_steady_init(struct tkp_steady *steady, const struct tkp_phase_plan *phase)
{
    *steady = (struct tkp_steady){
        .ramp_ns = greater(phase->concurrency_ramp_ns, phase->rate_ramp_ns),
        .open_loop = phase->arrival != TKP_ARRIVAL_CLOSED,
        .first_intended_ns = TKP_NEVER_NS,
        .first_start_ns = TKP_NEVER_NS,
    };
}

void tkp_steady_row(struct tkp_steady *steady, const struct tkp_row *row)
{
    if (!row->start_ns)
        return;
    uint64_t intended_ns = row->intended_ns ? row->intended_ns : row->start_ns;
    if (intended_ns < steady->first_intended_ns)
        steady->first_intended_ns = intended_ns;
    if (row->start_ns > steady->last_start_ns)
        steady->last_start_ns = row->start_ns;
    bool is_first = row->start_ns < steady->first_start_ns;
    if (is_first)
        steady->first_start_ns = row->start_ns;
    if (steady->open_loop && is_first)
        steady->filled_ns = row->end_ns;
    if (!steady->open_loop && (row->flags & TKP_ROW_FIRST_OF_SLOT))
        steady->filled_ns = greater(steady->filled_ns, row->end_ns);
}

void tkp_steady_decide(struct tkp_steady *steady, uint64_t wall_ns)
{
    if (!steady->filled_ns)
        return;
    uint64_t ramped_ns = tkp_clock_after_ns(steady->first_intended_ns, steady->ramp_ns);
    uint64_t begin_ns = greater(ramped_ns, steady->filled_ns);
    if (begin_ns >= steady->last_start_ns || steady->last_start_ns - begin_ns < wall_ns / 2)
        return;
    steady->begin_ns = begin_ns;
    steady->end_ns = steady->last_start_ns;
}

bool tkp_steady_has(const struct tkp_steady *steady, const struct tkp_row *row)
{
    return row->start_ns >= steady->begin_ns && row->start_ns < steady->end_ns;
}

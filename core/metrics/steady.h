/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steady window of a phase: from the end of the ramp, or the last first completion of a slot if
 * that is later, to the last start. Open loop has no slots to fill: there the end of the request
 * that started first stands for the first completions. One thread.
 */
#ifndef TKP_METRICS_STEADY_H
#define TKP_METRICS_STEADY_H

#include <config/plan.h>
#include <record/row.h>

struct tkp_steady {
    uint64_t ramp_ns; /* of the plan */
    bool open_loop;
    uint64_t first_intended_ns, first_start_ns, last_start_ns;
    uint64_t filled_ns;        /* every slot has completed a request */
    uint64_t begin_ns, end_ns; /* decided: begin <= start < end; both 0 when there is none */
};

void tkp_steady_init(struct tkp_steady *steady, const struct tkp_phase_plan *phase);
void tkp_steady_row(struct tkp_steady *steady, const struct tkp_row *row); /* first reading */
/* After it. No window when it would be under half of the phase's wall duration. */
void tkp_steady_decide(struct tkp_steady *steady, uint64_t wall_ns);
bool tkp_steady_has(const struct tkp_steady *steady, const struct tkp_row *row);

#endif

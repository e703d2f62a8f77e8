/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of a run (report/snapshot.h): while it goes, for who listens on the bus; the last one
 * on the bus and in the run's directory. One mutex orders them, so that state and sequence go
 * forward whichever thread makes the next one.
 */
#ifndef TKP_RUN_SNAPSHOTS_H
#define TKP_RUN_SNAPSHOTS_H

#include <metrics/session_state.h>
#include <report/facts.h>
#include <tokperf/exporter.h>

struct tkp_run;
struct tkp_snapshots;
struct tkp_counter_progress;

/* When results are open: state initialize. NULL without memory, and then all below do nothing. */
struct tkp_snapshots *tkp_snapshots_create(struct tkp_run *run);
void tkp_snapshots_destroy(struct tkp_snapshots *snapshots); /* accepts NULL */

/* The bus is open, and the recorder has not started: publishes the first one. [main] */
void tkp_snapshots_begin(struct tkp_snapshots *snapshots);
/* [recorder] When one is due and somebody listens, publishes what the numbers are so far. */
void tkp_snapshots_tick(struct tkp_snapshots *snapshots, uint64_t now_ns);
/* How often tick() should be called for the plan's rate; 0: never. */
uint64_t tkp_snapshots_tick_ns(const struct tkp_snapshots *snapshots);

/* A phase begins, the first or a later one: state live. [main] */
void tkp_snapshots_live(struct tkp_snapshots *snapshots, uint32_t phase);
/* What workers counted of the phase that runs, and how many requests are in flight. [main] */
void tkp_snapshots_note(struct tkp_snapshots *snapshots, const struct tkp_phase_note *so_far,
                        uint64_t in_flight);
/* All answers are in and the recorder has stopped: state draining. [main] */
void tkp_snapshots_drain(struct tkp_snapshots *snapshots);
/* While answers are counted and the report is made; as tick(). progress: NULL once the numbers are
 * held. [main] */
void tkp_snapshots_look(struct tkp_snapshots *snapshots,
                        const struct tkp_counter_progress *progress);
/* Counting is over: what the summarizer says now is what look() publishes from here on, while it
 * reads the log for the exact numbers. progress NULL: it knows itself how many answers are not
 * counted. Again, when another summarizer has taken its place and before it is destroyed. [main] */
void tkp_snapshots_hold(struct tkp_snapshots *snapshots,
                        const struct tkp_counter_progress *progress);
/* The last one, once: on the bus and in metrics/final_snapshot.json, each whether or not the other
 * succeeds. Call when the recorder has stopped. state: complete or interrupted. summary NULL: it
 * could not be made; what is known is told all the same. failure: why there is no report or not all
 * of it, or NULL. The first failure of its own is logged and returned. [main] */
tokperf_status tkp_snapshots_finish(struct tkp_snapshots *snapshots, enum tkp_session_state state,
                                    const struct tokperf_summary *summary, const char *failure,
                                    struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --events-log: a thread of the run that listens on the bus as any other program may, and writes
 * each event as a line of JSON. It holds nobody up: what comes faster than it writes waits in its
 * socket up to a bound, and what is over that is missed, counted and said at the end. [main]
 */
#ifndef TKP_RUN_EVENTS_LOG_H
#define TKP_RUN_EVENTS_LOG_H

#include <bus/event_line.h>
#include <bus/publisher.h>
#include <config/plan.h>

/* Refuses a file that cannot be made, before anything is sent. Makes nothing. */
tokperf_status tkp_events_log_check(const struct tkp_plan *plan,
                                    struct tokperf_error *error) TOKPERF_MUST_USE;

struct tkp_events_log;
/* Makes the file. run_dir: it may lie there, but not under the name of a file of the run's own. */
tokperf_status tkp_events_log_open(const struct tkp_plan *plan, const char *run_dir,
                                   struct tkp_events_log **log,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
/* Starts listening to the publisher at address, and returns when it does. The context's texts must
 * outlive the log. */
tokperf_status tkp_events_log_start(struct tkp_events_log *log, struct tkp_bus *bus,
                                    const char *address, const struct tkp_publisher *publisher,
                                    const struct tkp_event_context *context,
                                    struct tokperf_error *error) TOKPERF_MUST_USE;
/* Waits, bounded, for what was published before SESSION_ENDED to be written, and says what is
 * missing. discard: removes the file, as the run did not begin. Accepts NULL. false: its thread
 * hangs, and still has what it has not taken from the publisher. */
bool tkp_events_log_close(struct tkp_events_log *log, bool discard);

#endif

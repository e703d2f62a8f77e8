/* SPDX-License-Identifier: Apache-2.0 */
/* Following a live run on its bus until its session ends. [main] */
#ifndef TKP_CLI_EVENTS_FOLLOW_H
#define TKP_CLI_EVENTS_FOLLOW_H

#include <bus/event_line.h>
#include <report/run_file.h>

/* The run in a directory, if it can be followed. Otherwise a sentence says why not. */
tokperf_status tkp_events_open_run(const char *dir, struct tkp_arena *arena,
                                   struct tkp_run_file *file,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
/* The newest live run below the folder where runs lie that were given no other. NULL: none. */
const char *tkp_events_newest_run(struct tkp_arena *arena);
/* Prints the events of the topics (bit 1 << enum tkp_topic) until the session ends, the run's
 * process does, a signal comes or nobody reads stdout any more. Returns the exit code. */
int tkp_events_follow(const char *dir, const struct tkp_run_file *file, uint32_t topics,
                      enum tkp_event_format format);

#endif

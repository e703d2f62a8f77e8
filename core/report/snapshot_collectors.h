/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collectors of a run and the gates of its phases in a snapshot, written and read back. Private
 * to snapshot_*.c.
 */
#ifndef TKP_REPORT_SNAPSHOT_COLLECTORS_H
#define TKP_REPORT_SNAPSHOT_COLLECTORS_H

#include <report/snapshot_members.h>
#include <tokperf/exporter.h>

/* The pairs "gates" and "collectors"; without collectors there are none. */
void tkp_snapshot_put_gates(struct tokperf_json_writer *writer, const struct tokperf_phase *phase);
void tkp_snapshot_put_collectors(struct tokperf_json_writer *writer,
                                 const struct tokperf_summary *summary);
/* Their values. */
bool tkp_snapshot_read_gates(struct tkp_reading *reading, struct tokperf_phase *phase);
bool tkp_snapshot_read_collectors(struct tkp_reading *reading, struct tokperf_summary *summary);

#endif

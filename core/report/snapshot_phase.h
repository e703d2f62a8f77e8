/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a phase of a snapshot: what put_phase() of snapshot_write.c wrote. Private to snapshot_*.c.
 */
#ifndef TKP_REPORT_SNAPSHOT_PHASE_H
#define TKP_REPORT_SNAPSHOT_PHASE_H

#include <report/snapshot_members.h>
#include <tokperf/exporter.h>

/* After the object's begin. Its times stay those of the wall clock. */
bool tkp_snapshot_read_phase(struct tkp_reading *reading, struct tokperf_phase *phase);

#endif

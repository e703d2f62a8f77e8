/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a verdict of a snapshot, the run's or a phase's. Private to snapshot_*.c. */
#ifndef TKP_REPORT_SNAPSHOT_VERDICT_H
#define TKP_REPORT_SNAPSHOT_VERDICT_H

#include <report/snapshot_members.h>
#include <tokperf/exporter.h>

struct tkp_snapshot_verdict {
    struct tokperf_span status;
    uint32_t reason_count;
    const struct tokperf_reason **reasons; /* and notes, as the document has them */
};
/* The object that stands next. */
bool tkp_snapshot_read_verdict(struct tkp_reading *reading, struct tkp_snapshot_verdict *verdict);

#endif

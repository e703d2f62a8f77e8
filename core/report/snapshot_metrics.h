/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics of a phase of a snapshot read back. What a metric is, its unit and how it is shown,
 * is this program's table's; a tag that it does not know is skipped. Private to snapshot_*.c.
 */
#ifndef TKP_REPORT_SNAPSHOT_METRICS_H
#define TKP_REPORT_SNAPSHOT_METRICS_H

#include <metrics/percentile.h>
#include <metrics/table.h>
#include <report/snapshot_members.h>

/* Each reads the value that stands next into by_id, an array of TKP_METRIC_ALL_COUNT. */
bool tkp_snapshot_read_counters(struct tkp_reading *reading, const struct tokperf_metric **by_id);
bool tkp_snapshot_read_values(struct tkp_reading *reading, const struct tokperf_metric **by_id);
bool tkp_snapshot_read_series(struct tkp_reading *reading, const struct tokperf_metric **by_id);
/* The percentile of a name; TKP_PERCENTILE_COUNT: none. */
uint32_t tkp_snapshot_find_percentile(struct tokperf_span name);

#endif

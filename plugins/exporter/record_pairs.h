/* SPDX-License-Identifier: Apache-2.0 */
/* The members that every line about a request has, in AIPerf's shape. Compiled into the exporters
 * that write such lines. */
#ifndef EXPORTER_RECORD_PAIRS_H
#define EXPORTER_RECORD_PAIRS_H

#include "json_pairs.h"

#include <tokperf/exporter.h>

/* A monotonic time as epoch ns; left out when it did not happen. */
void record_time(struct json_out *out, const struct tokperf_summary *run, const char *name,
                 uint64_t monotonic_ns);
/* "metadata". */
void record_metadata(struct json_out *out, const struct tokperf_summary *run,
                     const struct tokperf_record *record);
/* "phase", its name, where the names say more than AIPerf's benchmark_phase, which is the kind. */
void record_phase_name(struct json_out *out, const struct tokperf_summary *run,
                       const struct tokperf_record *record);
/* "error", for a request that has one. */
void record_error(struct json_out *out, const struct tokperf_record *record);

#endif

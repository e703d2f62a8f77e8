/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot of a run as a JSON document (docs/bus.md, "Snapshots"): what goes over the bus while
 * the run lives, and what lies in metrics/final_snapshot.json once it has ended. There is one
 * writer for all of them. The reader takes a document that may come from anywhere.
 */
#ifndef TKP_REPORT_SNAPSHOT_H
#define TKP_REPORT_SNAPSHOT_H

#include <metrics/session_state.h>
#include <report/facts.h>
#include <tokperf/exporter.h>

#define TKP_SNAPSHOT_SCHEMA_VERSION "1.0"
#define TKP_SNAPSHOT_FOLDER         "metrics"
#define TKP_SNAPSHOT_FILE           "final_snapshot.json"
#define TKP_SNAPSHOT_PATH           "metrics/final_snapshot.json" /* both, in a run directory */
/* Of a document; below what a batch of the bus carries. */
enum { TKP_SNAPSHOT_MAX_BYTES = 15 * 1024 * 1024 };

struct tkp_snapshot_header {
    uint64_t sequence; /* of the session's snapshots, from 0 */
    uint64_t time_ns;  /* since the epoch */
    enum tkp_session_state state;
    uint64_t pending_tokenizations; /* answers that wait for the tokenizer */
    uint64_t in_flight;
    uint32_t phases_begun; /* of the plan: while it is live the last of them is the running one */
};

/* Appends the document, without a line end. facts: of a final snapshot, from which a report can be
 * made; NULL: of a live one. failure: why the summary is not all that it should be, or NULL; the
 * run's secrets are taken out of it. A document that does not fit out's bound leaves out->failed.
 * [any] */
void tkp_snapshot_write(const struct tkp_snapshot_header *header,
                        const struct tokperf_summary *summary, const struct tkp_run_facts *facts,
                        const char *failure, struct tkp_buffer *out);

/* What a final snapshot says. Of the summary those members that tkp_summary_identify() gives are
 * left empty, but for the times and the id. */
struct tkp_snapshot {
    struct tkp_snapshot_header header;
    struct tokperf_summary summary;
    struct tkp_run_facts facts;
};
/* TOKPERF_E_PARSE: not a final snapshot; the error says where and why. Memory comes from arena,
 * which should have a bound. */
tokperf_status tkp_snapshot_parse(struct tokperf_span json, struct tkp_arena *arena,
                                  struct tkp_snapshot *snapshot,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
/* From a run's directory; TOKPERF_E_NOT_FOUND when it has none. Errors name the file. [main] */
tokperf_status tkp_snapshot_read(const char *run_dir, struct tkp_arena *arena,
                                 struct tkp_snapshot *snapshot,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

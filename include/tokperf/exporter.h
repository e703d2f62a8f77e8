/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tokperf SDK, kind "exporter": runs at the end, on the summary of the run and a cursor over its
 * requests, and writes files of the run directory (service "output_file/1") or the terminal
 * (service "terminal/1").
 */
#ifndef TOKPERF_EXPORTER_H
#define TOKPERF_EXPORTER_H

#include <tokperf/host.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TOKPERF_METRIC_RECORD = 1, /* a distribution over requests: all statistics */
    TOKPERF_METRIC_RUN = 2,    /* one value per phase: avg alone */
    TOKPERF_METRIC_SWEEP = 3   /* weighted by time: avg min max p50 p90 p95 p99 std */
};
enum {
    TOKPERF_METRIC_LARGER_IS_BETTER = 1u << 0,
    TOKPERF_METRIC_NO_CONSOLE = 1u << 1,     /* not a row of the main table */
    TOKPERF_METRIC_INTEGER = 1u << 2,        /* values are whole numbers */
    TOKPERF_METRIC_FROM_HISTOGRAM = 1u << 3, /* percentiles are the live histogram's (<= 0.1 %) */
    TOKPERF_METRIC_OURS = 1u << 4,           /* not an AIPerf metric */
    TOKPERF_METRIC_INTERNAL = 1u << 5,       /* left out of CSV and console */
    TOKPERF_METRIC_LIST = 1u << 6            /* a request has a list of values */
};
enum {
    TOKPERF_GROUP_DEFAULT = 1,
    TOKPERF_GROUP_USAGE = 2,
    TOKPERF_GROUP_CACHE = 3,
    TOKPERF_GROUP_REASONING = 4,
    TOKPERF_GROUP_EFFECTIVE = 5,
    TOKPERF_GROUP_CLIENT = 6, /* what the client itself added: lag, cap wait */
    TOKPERF_GROUP_STEADY = 7,
    TOKPERF_GROUP_ADJUSTED = 8,
    TOKPERF_GROUP_HTTP = 9
};
enum {
    TOKPERF_STAT_AVG = 0,
    TOKPERF_STAT_P1,
    TOKPERF_STAT_P5,
    TOKPERF_STAT_P10,
    TOKPERF_STAT_P25,
    TOKPERF_STAT_P50,
    TOKPERF_STAT_P75,
    TOKPERF_STAT_P90,
    TOKPERF_STAT_P95,
    TOKPERF_STAT_P99,
    TOKPERF_STAT_P999,
    TOKPERF_STAT_MIN,
    TOKPERF_STAT_MAX,
    TOKPERF_STAT_STD,
    TOKPERF_STAT_COUNT,
    TOKPERF_STAT_SUM,
    TOKPERF_STAT_SLOTS = 24
};

/* How the values of a metric are spread, for display: bucket i counts those from bounds[i] up to,
 * but not including, bounds[i + 1]. */
struct tokperf_buckets {
    uint32_t struct_size;
    uint32_t count;
    const double *bounds;   /* count + 1 of them, ascending, in the display unit */
    const uint64_t *counts; /* their sum is the metric's count */
};

/* A metric of one phase, in its display unit. Absent statistics have no bit and must not be shown
 * as zero. */
struct tokperf_metric {
    uint32_t struct_size;
    uint32_t kind;  /* TOKPERF_METRIC_RECORD ... */
    uint32_t flags; /* TOKPERF_METRIC_LARGER_IS_BETTER ... */
    uint32_t group; /* TOKPERF_GROUP_* */
    int32_t order;  /* rows of a table go by it */
    uint32_t stats; /* bit i: value[i] is there */
    const char *tag, *header, *unit;
    double value[TOKPERF_STAT_SLOTS];
    /* adj_* only: the first percentile that is unbounded ("p90"), or NULL. */
    const char *unbounded_from;
    const struct tokperf_buckets *buckets; /* of a distribution over requests; or NULL */
};

struct tokperf_count {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t count;
    struct tokperf_span name;
};

/* One group of failed requests. */
struct tokperf_error_count {
    uint32_t struct_size;
    int32_t code; /* HTTP status, 499 for cancelled, or 0 */
    uint64_t count;
    struct tokperf_span type;    /* an outcome of metrics.md: "http_error" ... */
    struct tokperf_span message; /* at most 256 bytes of it */
};

/* One reason or note of the verdict. */
struct tokperf_reason {
    uint32_t struct_size;
    uint32_t severity; /* 0 note, 1 suspect, 2 invalid */
    struct tokperf_span code, message;
    uint32_t has_value, has_limit;
    double value, limit;
    struct tokperf_span phase; /* which it is about, where several are judged; empty: the run */
};

/* Support of one percentile by the number of samples (metrics.md, Statistics). */
struct tokperf_support {
    uint32_t struct_size;
    uint32_t stat; /* TOKPERF_STAT_P50 ... */
    const char *tag;
    uint64_t samples_needed, samples;
    uint32_t has_upper_bound;
    uint32_t reserved;
    double upper_bound_99; /* display unit */
};

/* A collector that had no reference sample at a gate. */
struct tokperf_gate_failure {
    uint32_t struct_size;
    uint32_t reserved;
    struct tokperf_span service, error;
};

/* The baseline gate before a phase's first request, or after its last response. */
struct tokperf_gate {
    uint32_t struct_size;
    uint32_t is_end;
    uint32_t asked, acknowledged;            /* collectors */
    uint64_t start_realtime_ns, duration_ns; /* how long the phase waited for it */
    struct tokperf_span off;                 /* why there was none: "seamless",
                                                "baseline_timeout"; or empty */
    uint32_t failure_count;
    uint32_t reserved;
    const struct tokperf_gate_failure *const *failures;
};

/* A result that a collector owes. */
struct tokperf_collector_result {
    uint32_t struct_size;
    uint32_t reserved;
    struct tokperf_span domain; /* "profile", "telemetry", "server_metrics" */
    struct tokperf_span state;  /* "reported", "failed", "missed", "dead"; "pending": not yet */
    struct tokperf_span error;
};

/* A program that was started beside the run (--collector). */
struct tokperf_collector {
    uint32_t struct_size;
    uint32_t is_baseline; /* it takes reference samples at gates */
    struct tokperf_span service, command;
    struct tokperf_span state; /* "ready", "failed", "disabled", "stopped", "dead"; "starting" */
    struct tokperf_span error; /* why it is not ready any more */
    uint32_t result_count;
    uint32_t reserved;
    const struct tokperf_collector_result *const *results;
};

struct tokperf_phase {
    uint32_t struct_size;
    uint32_t is_warmup;
    struct tokperf_span name;
    uint64_t start_ns, end_ns; /* monotonic: first start, last end */
    uint32_t metric_count, error_count, finish_reason_count, support_count;
    const struct tokperf_metric *const *metrics;
    const struct tokperf_error_count *const *errors;
    const struct tokperf_count *const *finish_reasons;
    const struct tokperf_support *const *support;
    uint32_t is_excluded; /* of profiling kind, but no part of the run's results */
    uint32_t is_seamless; /* began when the phase before had sent everything */
    uint32_t is_total;    /* no phase of the plan: the sum of those that count */
    uint32_t reason_count;
    struct tokperf_span verdict; /* by its own facts; empty: it did not begin, or is the total */
    const struct tokperf_reason *const *reasons;
    uint64_t prompts_distinct, prompts_sent;
    uint32_t gate_count;
    uint32_t reserved2;
    const struct tokperf_gate *const *gates; /* in the order of time; none without collectors */
};

/* A request that steered a server, outside of the load (--reset-kv-cache, --server-profiler). */
struct tokperf_control {
    uint32_t struct_size;
    uint32_t ok;         /* it answered with 2xx */
    int32_t status_code; /* of its last answer; 0: none */
    uint32_t attempts;
    uint64_t start_realtime_ns, duration_ns;
    struct tokperf_span action; /* "reset_kv_cache", "start_profile", "stop_profile" */
    struct tokperf_span url, message;
};

/* The whole run. phases[main_phase] is what is reported at the top level: the one phase that
 * counts, or, where several do, their total, which then stands behind all phases of the plan. */
struct tokperf_summary {
    uint32_t struct_size;
    uint32_t was_cancelled;
    struct tokperf_span benchmark_id, tokperf_version, title, model, endpoint_type;
    struct tokperf_span artifact_dir, file_prefix; /* prefix: "profile_export" */
    struct tokperf_span cli_command;               /* redacted */
    struct tokperf_span input_config;              /* JSON object, redacted */
    struct tokperf_span receive_clock;             /* "process" or "kernel" */
    struct tokperf_span isl_source, osl_source;    /* "server", "chunks", ..., or empty */
    struct tokperf_span verdict;                   /* "valid", "suspect", "invalid" */
    uint64_t random_seed;
    uint64_t start_realtime_ns, end_realtime_ns;
    int64_t monotonic_to_realtime_ns; /* add to a monotonic time to get epoch ns */
    uint32_t phase_count, main_phase, reason_count, export_records;
    const struct tokperf_phase *const *phases;
    const struct tokperf_reason *const *reasons;
    uint64_t prompts_distinct, prompts_sent; /* of the main phase */
    uint32_t streaming;
    uint32_t control_count;
    const struct tokperf_control *const *controls; /* in the order of their starts */
    struct tokperf_span transport; /* that carried the requests: "native", "curl"; or empty */
    /* What the numbers come from: "record_log"; "final_snapshot": the log is not there, and neither
     * are the requests; "histograms": of a run whose log could not be written. */
    struct tokperf_span report_source;
    uint32_t collector_count;
    uint32_t reserved3;
    const struct tokperf_collector *const *collectors; /* in the order of their options */
};

/* A value of one request; lists (inter_chunk_latency) have count > 1 or a list flag. */
struct tokperf_record_metric {
    uint32_t flags; /* TOKPERF_METRIC_INTEGER, _LIST */
    uint32_t reserved;
    const char *tag, *unit;
    uint64_t count;
    const double *values;
};

/* Bytes of an answer that were read together, at monotonic time_ns. */
struct tokperf_piece {
    uint64_t time_ns;
    uint64_t end_bytes; /* of the answer, where they end */
};

enum {
    TOKPERF_RAW_REQUEST_CUT = 1u << 0, /* what is kept of the request is not all of it */
    TOKPERF_RAW_ANSWER_CUT = 1u << 1,
    TOKPERF_RAW_LOST = 1u << 2 /* memory ran out: parts may be missing */
};

/* What was sent and what came, as --export-level raw keeps it: bytes as they were, which need not
 * be UTF-8, with each of the run's credentials replaced by <redacted>. */
struct tokperf_raw {
    uint32_t struct_size;
    uint32_t flags;   /* TOKPERF_RAW_* */
    uint32_t framing; /* TOKPERF_FRAMING_* by which a 2xx answer was read */
    uint32_t reserved;
    struct tokperf_span request_head; /* request line and header lines, each with its CR LF */
    struct tokperf_span request_body;
    struct tokperf_span answer_body;  /* without the framing of HTTP */
    struct tokperf_span content_type; /* "application/json", ...; empty: none or another */
    uint64_t piece_count;
    const struct tokperf_piece *pieces; /* none where no time of the answer is known */
};

/* One request that ended. Times are monotonic ns, 0 when it did not get there. */
struct tokperf_record {
    uint32_t struct_size;
    uint32_t worker, phase, url_index, turn_index, retries;
    uint32_t was_cancelled, connection_reused, is_error, metric_count;
    int32_t status_code;
    uint32_t has_error; /* error_* are set: errors and cancelled ones */
    int32_t error_code; /* HTTP status of an http_error, 499 when cancelled, else 0 */
    uint32_t reserved;
    uint64_t session_num, dataset_row, prompt_hash;
    uint64_t intended_ns, ready_ns, start_ns, send_end_ns, first_byte_ns, end_ns;
    struct tokperf_span request_id, correlation_id, conversation_id;
    struct tokperf_span outcome, finish_reason, error_type, error_message;
    const struct tokperf_record_metric *metrics;
    uint32_t has_trace; /* an HTTP trace was asked for: per-request output shows its stamps */
    uint32_t reserved2;
    uint64_t connect_start_ns, connect_end_ns, send_start_ns; /* connect: 0 when reused */
    const struct tokperf_raw *raw; /* with --export-level raw; else NULL */
    uint64_t last_byte_ns;         /* with an HTTP trace: arrival of the answer's last bytes */
};

struct tokperf_cursor {
    uint32_t struct_size;
    uint32_t reserved;
    void *context;
    /* Gives the next request in order of its end; *record stays valid until the next call.
     * TOKPERF_E_NOT_FOUND behind the last one. */
    tokperf_status (*next)(void *context, const struct tokperf_record **record,
                           struct tokperf_error *error);
    void (*rewind)(void *context);
};

enum {
    TOKPERF_EXPORT_TERMINAL = 1u << 0, /* writes to the terminal */
    TOKPERF_EXPORT_RECORDS = 1u << 1,  /* per-request output: skipped by --export-level summary */
    TOKPERF_EXPORT_PHASES = 1u << 2    /* wants to be called for each phase too, see export_run */
};

struct tokperf_exporter_vtable {
    TOKPERF_VTABLE_HEAD
    uint32_t flags; /* TOKPERF_EXPORT_* */
    uint32_t reserved2;
    /* [main] May block and allocate. Called once per run. With TOKPERF_EXPORT_PHASES, in a run that
     * has more than one phase of a kind, before that also once for each phase that began: the
     * summary then has this phase alone, with its own verdict and times, and output files go to the
     * phase's folder. The cursor gives the requests of the whole run. */
    tokperf_status (*export_run)(void *self, const struct tokperf_summary *summary,
                                 const struct tokperf_cursor *cursor, struct tokperf_error *error);
};

#ifdef __cplusplus
}
#endif
#endif

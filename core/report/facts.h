/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the record log says about a run beside its requests: the run header, the notes at phase
 * begins and ends, the stop note. JSON in the log, structs here. With them `tokperf report DIR`
 * computes everything again. [main]
 */
#ifndef TKP_REPORT_FACTS_H
#define TKP_REPORT_FACTS_H

#include <base/arena.h>
#include <base/buffer.h>
#include <stdbool.h>

/* The run header. Texts live in the arena given to parse, or belong to who filled them. */
struct tkp_run_facts {
    const char *benchmark_id; /* UUID */
    const char *version;      /* of the tokperf that ran */
    const char *model;        /* as sent */
    const char *endpoint_type;
    const char *title;         /* headline of the table */
    const char *cli_command;   /* redacted */
    const char *config_yaml;   /* the resolved plan, redacted */
    const char *receive_clock; /* "kernel" or "process" */
    const char *transport;     /* "native" or "curl"; "": the log is older than this member */
    const char *tokenizer;     /* identity (count/identity.h), or "": none */
    uint64_t endpoint_flags;   /* TOKPERF_ENDPOINT_* */
    uint64_t seed;
    uint64_t id_seed; /* new for each run: of the ids and salts of its requests */
    uint64_t start_realtime_ns;
    int64_t monotonic_to_realtime_ns;
    uint64_t dataset_size; /* conversations */
    const char *governors; /* frequency governors of the CPUs allowed; "": none known */
    /* what `tokperf calibrate` found for this machine and these workers; 0: not known */
    uint64_t calibrated_requests_per_s, calibrated_streams, calibrated_events_per_s;
};

/* The note at the end of a phase; what workers and recorder counted in it. */
struct tkp_phase_note {
    uint64_t phase;
    uint64_t unsent_turns;
    uint64_t record_waits, record_wait_ns;
    uint64_t loop_lag_p99_ns, plugin_call_max_ns;
    uint64_t read_delay_p99_ns, unstamped_reads, clock_steps; /* kernel clock only */
    uint64_t cpu_ticks, steal_ticks;   /* of the machine in the phase; 0: not known */
    uint64_t cpus, load_milli;         /* of the machine; the greater load of begin and end */
    uint64_t worker_cpu_ns, length_ns; /* CPU time of the busiest worker, and the phase's time */
    uint64_t not_sent;                 /* conversations that were due and never sent */
};

/* A request that steered a server (target/server_control.h). */
struct tkp_control_note {
    const char *action, *url, *message;
    uint64_t ok, http_status, attempts, start_realtime_ns, duration_ns;
};

/* A baseline gate (telemetry/gate.h); with a service: its failure at that gate. */
struct tkp_gate_note {
    const char *service, *error; /* "": the gate as a whole */
    uint64_t phase, is_end, asked, acknowledged, start_realtime_ns, duration_ns;
};

/* What became of a collector; with a domain: of a result that it owes. The last note of each
 * counts. */
struct tkp_collector_note {
    const char *service, *command;
    const char *state; /* of the service ("ready" ...), or of the result ("reported" ...) */
    const char *error, *domain;
    uint64_t is_baseline; /* it takes reference samples */
};

/* The note at the end of the run. */
struct tkp_stop_note {
    uint64_t end_realtime_ns;
    uint64_t interrupted;      /* 1: by a signal */
    uint64_t ended_early;      /* 1: hopeless, as --failed-request-threshold has it */
    uint64_t interrupted_late; /* 1: by one that came behind the last answer */
};

void tkp_run_facts_write(const struct tkp_run_facts *facts, struct tkp_buffer *out);
tokperf_status tkp_run_facts_parse(struct tokperf_span json, struct tkp_arena *arena,
                                   struct tkp_run_facts *facts,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_phase_note_write(const struct tkp_phase_note *note, struct tkp_buffer *out);
tokperf_status tkp_phase_note_parse(struct tokperf_span json, struct tkp_phase_note *note,
                                    struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_control_note_write(const struct tkp_control_note *note, struct tkp_buffer *out);
tokperf_status tkp_control_note_parse(struct tokperf_span json, struct tkp_arena *arena,
                                      struct tkp_control_note *note,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_gate_note_write(const struct tkp_gate_note *note, struct tkp_buffer *out);
tokperf_status tkp_gate_note_parse(struct tokperf_span json, struct tkp_arena *arena,
                                   struct tkp_gate_note *note,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_collector_note_write(const struct tkp_collector_note *note, struct tkp_buffer *out);
tokperf_status tkp_collector_note_parse(struct tokperf_span json, struct tkp_arena *arena,
                                        struct tkp_collector_note *note,
                                        struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_stop_note_write(const struct tkp_stop_note *note, struct tkp_buffer *out);
tokperf_status tkp_stop_note_parse(struct tokperf_span json, struct tkp_stop_note *note,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run's own honesty: from facts and limits to valid, suspect or invalid with reasons and notes.
 * metrics.md, "The run's own honesty". Pure. [any]
 */
#ifndef TKP_METRICS_VERDICT_H
#define TKP_METRICS_VERDICT_H

#include <base/arena.h>
#include <config/plan.h>
#include <tokperf/exporter.h>

/* Facts of one phase. Those marked (run) come from the run itself, through the PHASE end
 * note of the record log; the others from the rows. Missing numbers are NaN. */
struct tkp_phase_facts {
    uint64_t ok, errors, cancelled, client_errors, retries;
    uint64_t not_streamed; /* asked to stream, answered whole */
    uint64_t osl_checked, osl_mismatched;
    uint64_t no_token_count; /* ok requests that lack the token source */
    uint64_t tokens_pending; /* of them, those that a tokenizer has not come to yet */
    uint64_t server_completion, counted_completion; /* tokens, of requests that have both */
    uint64_t coalesced_chunks, chunks;
    uint64_t prompts_distinct, prompts_sent;
    bool prompts_distinct_is_floor;        /* there were more, counting them stopped */
    uint64_t cached_tokens, prompt_tokens; /* server's, summed */
    uint64_t arrivals, not_sent;           /* open loop: conversations sent; due and never sent */
    double median_ttft_ns, median_latency_ns;
    double client_lag_p99_ns, cap_wait_max_ns;
    double offered_rate_per_s, achieved_rate_per_s;
    double benchmark_duration_s, wall_duration_s;
    bool streaming, open_loop;
    uint64_t unsent_turns;           /* (run) */
    uint64_t record_waits;           /* (run) requests that waited for a block */
    double record_wait_s;            /* (run) */
    double read_delay_p99_ns;        /* (run) 0 with the process clock */
    uint64_t unstamped_reads;        /* (run) in a run by the kernel's clock */
    uint64_t clock_steps;            /* (run) of the wall clock */
    double loop_lag_p99_ns;          /* (run) */
    double plugin_call_max_ns;       /* (run) */
    uint64_t cpu_ticks, steal_ticks; /* (run) of the machine in the phase; 0: not known */
    uint64_t cpus, load_milli;       /* (run) of the machine; load average in thousandths */
    double worker_cpu_share;         /* (run) CPU time of the busiest worker / length of phase */
    double planned_rate_per_s, planned_streams; /* (run) open loop; streamed; 0: it is not */
    double calibrated_requests_per_s;           /* (run) of this machine; 0: not known */
    double calibrated_streams, calibrated_events_per_s; /* (run) likewise */
    const char *governors;             /* (run) of the CPUs allowed, "a, b"; "" or NULL: unknown */
    uint64_t results_missing;          /* (run) of collectors */
    const char *results_missing_names; /* (run) "telemetry of nvml (dead)" */
    bool tls_not_verified;             /* (run) --insecure */
    bool log_not_written;              /* (run) */
    bool interrupted;                  /* (run) before everything was sent and counted */
    bool interrupted_late;             /* (run) then */
    bool is_so_far;   /* (run) the phases go on: that nothing was completed says nothing yet */
    bool ended_early; /* (run) hopeless: too many requests failed */
    bool log_damaged; /* a block of the record log does not hold what was written */
    bool log_torn;    /* the record log has no proper end */
};

struct tkp_verdict {
    const char *status;                          /* "valid", "suspect", "invalid" */
    uint32_t reason_count;                       /* reasons and notes (severity 0) */
    const struct tokperf_reason *const *reasons; /* invalid ones first, then suspect, then notes */
};

struct tkp_judged_phase {
    struct tkp_phase_facts facts;
    const char *name; /* reasons refer to it; "": no other phase counts in the run */
};

/* Each phase by its own facts; the status is the worst one's. What is about the run alone (the log,
 * an interruption, the governor, TLS) is taken from the first and said once. */
tokperf_status tkp_verdict_judge_phases(const struct tkp_judged_phase *phases, uint32_t count,
                                        const struct tkp_limits *limits, struct tkp_arena *arena,
                                        struct tkp_verdict *verdict,
                                        struct tokperf_error *error) TOKPERF_MUST_USE;
/* The same of one phase. */
tokperf_status tkp_verdict_judge(const struct tkp_phase_facts *facts,
                                 const struct tkp_limits *limits, struct tkp_arena *arena,
                                 struct tkp_verdict *verdict,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

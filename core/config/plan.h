/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan: what a run will do, fully resolved from defaults, file, environment and flags, checked
 * and immutable. Everything points into `arena`. Made on the main thread; any thread reads it.
 */
#ifndef TKP_CONFIG_PLAN_H
#define TKP_CONFIG_PLAN_H

#include <base/arena.h>
#include <base/log.h>
#include <config/proxy.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <tokperf/conversation.h>

enum tkp_arrival {
    TKP_ARRIVAL_CLOSED = 1, /* closed loop: a new conversation when a slot is free */
    TKP_ARRIVAL_CONSTANT,
    TKP_ARRIVAL_POISSON
};
enum tkp_sampling { TKP_SAMPLING_SEQUENTIAL = 1, TKP_SAMPLING_SHUFFLE, TKP_SAMPLING_RANDOM };
enum tkp_reuse {
    TKP_REUSE_POOLED = 1,
    TKP_REUSE_NEVER, /* a connection for each request */
    TKP_REUSE_STICKY /* one for each conversation */
};
enum tkp_ip_version { TKP_IP_VERSION_AUTO = 1, TKP_IP_VERSION_4, TKP_IP_VERSION_6 };
enum tkp_transport { TKP_TRANSPORT_AUTO = 1, TKP_TRANSPORT_NATIVE, TKP_TRANSPORT_CURL };
enum tkp_http_version {
    TKP_HTTP_VERSION_1_1 = 1,
    TKP_HTTP_VERSION_2,      /* over TLS, by ALPN */
    TKP_HTTP_VERSION_2_PRIOR /* without TLS, by prior knowledge */
};
enum tkp_tls_version { TKP_TLS_VERSION_1_2 = 1, TKP_TLS_VERSION_1_3 };
enum tkp_export_level { TKP_EXPORT_SUMMARY = 1, TKP_EXPORT_RECORDS, TKP_EXPORT_RAW };
enum tkp_ui { TKP_UI_NONE = 1, TKP_UI_SIMPLE };
enum tkp_spin { TKP_SPIN_AUTO = 1, TKP_SPIN_ON, TKP_SPIN_OFF };
enum tkp_receive_clock {
    TKP_RECEIVE_CLOCK_AUTO = 1, /* kernel where it gives stamps */
    TKP_RECEIVE_CLOCK_KERNEL,
    TKP_RECEIVE_CLOCK_PROCESS
};
enum tkp_cache_bust { /* where a marker of the run and conversation goes */
                      TKP_CACHE_BUST_NONE = 1,
                      TKP_CACHE_BUST_SYSTEM_PREFIX,
                      TKP_CACHE_BUST_SYSTEM_SUFFIX,
                      TKP_CACHE_BUST_FIRST_TURN_PREFIX,
                      TKP_CACHE_BUST_FIRST_TURN_SUFFIX
};
enum tkp_wait_mode { TKP_WAIT_MODELS = 1, TKP_WAIT_INFERENCE, TKP_WAIT_BOTH };

enum { TKP_PLAN_MAX_PHASES = 64 };

struct tkp_phase_plan {
    const char *name; /* unique within the plan: "warmup", "profiling" or the file's own */
    bool is_named;    /* the file names it: its name is more than that of its kind */
    bool is_warmup;
    bool exclude_from_results; /* profiling kind, but no part of the run's total */
    bool is_seamless;       /* begins once the phase before it has sent everything; not the first */
    uint64_t request_count; /* turns to send; 0: no such rule */
    uint64_t session_count; /* conversations; 0: no such rule */
    uint64_t duration_ns;   /* issue for that long; 0: no such rule */
    uint64_t grace_ns;      /* wait for answers after duration; TKP_NEVER_NS: without limit */
    enum tkp_arrival arrival;
    uint64_t concurrency; /* conversations in flight; 0: no cap (open loop only) */
    double rate_per_s;    /* open loop: conversations started per second */
    uint64_t concurrency_ramp_ns, rate_ramp_ns; /* 0: none; linear */
};

enum tkp_header_source { TKP_HEADER_GIVEN = 0, TKP_HEADER_API_KEY, TKP_HEADER_USER_INFO };

struct tkp_header {
    const char *name, *value;
    bool secret;
    enum tkp_header_source source; /* which option it came from, for documents */
};

/* A request that steers the server, outside of the load. */
struct tkp_server_control {
    bool enabled;
    const char *path;      /* from the server's root */
    const char *stop_path; /* of what is started and stopped; else NULL */
    uint64_t timeout_ns;
};

/* One `--source-address`, with port 0. */
struct tkp_source_address {
    const char *text;
    struct sockaddr_storage address;
    socklen_t length;
};

/* One `--resolve HOST:PORT:ADDRESS[,ADDRESS]`; the addresses have the port. */
enum { TKP_RESOLVE_MAX_ADDRESSES = 4 };
struct tkp_resolve_rule {
    const char *text;
    const char *host; /* as in tkp_url: in small letters, without brackets */
    uint16_t port;
    struct sockaddr_storage addresses[TKP_RESOLVE_MAX_ADDRESSES];
    socklen_t lengths[TKP_RESOLVE_MAX_ADDRESSES];
    uint32_t count;
};

/* How https servers are met. */
struct tkp_tls_plan {
    const char *ca_file;              /* NULL: the system's authorities */
    const char *cert_file, *key_file; /* of the client; both or none, may be the same */
    bool insecure;                    /* certificates are not verified */
    enum tkp_tls_version min_version;
};

/* One `--goodput tag:value` in display units. */
struct tkp_slo {
    const char *tag;
    double threshold;
};

/* `--set NAME.key=value` or `plugins: {NAME: {key: value}}`, untyped until the component is known.
 */
struct tkp_plugin_setting {
    const char *component, *key, *value;
    const char *origin; /* "--set" or "file.yaml:12:5", for messages */
};

struct tkp_limits { /* verdict limits; see metrics.md, "The run's own honesty" */
    double client_lag_suspect_ms, client_lag_suspect_pct;
    double client_lag_invalid_ms, client_lag_invalid_pct;
    double rate_suspect_pct, rate_invalid_pct;
    double error_suspect_pct, error_invalid_pct;
    double duration_gap_pct;
    double retry_pct;
    double osl_mismatch_pct;
    double steal_suspect_pct, steal_invalid_pct;
};

struct tkp_plan {
    struct tkp_arena arena;

    /* endpoint */
    const char *model; /* NULL: ask the server */
    const struct tkp_url *urls;
    uint32_t url_count;
    const char *endpoint_type; /* component name: "chat" */
    const char *endpoint_type_origin;
    const char *endpoint_path; /* --endpoint, or NULL: the component's */
    bool streaming, legacy_max_tokens, per_chunk_usage, use_server_token_count;
    const struct tkp_header *headers; /* user's, api-key's and user-info's, in order */
    uint32_t header_count;
    const struct tokperf_member *extra; /* --extra-inputs, no key twice */
    uint32_t extra_count;
    uint64_t request_timeout_ns, connect_timeout_ns, first_byte_timeout_ns, idle_timeout_ns;
    enum tkp_reuse reuse;
    uint64_t wait_timeout_ns, wait_interval_ns; /* --wait-for-model-*; timeout 0: do not wait */
    enum tkp_wait_mode wait_mode;
    const struct tkp_source_address
        *sources; /* connections take turns; none: the kernel's choice */
    uint32_t source_count;
    enum tkp_ip_version ip_version;
    const struct tkp_resolve_rule *resolve_rules;
    uint32_t resolve_rule_count;
    uint64_t tcp_keepalive_ns, tcp_user_timeout_ns; /* 0: off; the system's */
    struct tkp_tls_plan tls;
    enum tkp_transport transport; /* as asked for */
    bool uses_curl;               /* libcurl carries the requests, not the native transport */
    const char *transport_reason; /* why, for people: "--proxy needs it" */
    enum tkp_http_version http_version;
    const struct tkp_proxy *proxy; /* NULL: none */
    const char *session_header;    /* the name of X-Correlation-ID */
    struct tkp_server_control reset_kv_cache, server_profiler;

    /* dataset */
    enum tkp_cache_bust cache_bust;
    const char *dataset_origin;
    const char *dataset;           /* component name: "synthetic" or "file" */
    const char *input_file;        /* or NULL */
    const char *input_file_origin; /* "--input-file" or "file.yaml:4:3", for messages */
    const char *input_format;      /* single_turn multi_turn raw_payload inputs_json, or NULL */
    enum tkp_sampling sampling;
    uint64_t dataset_entries;
    double isl_mean, isl_stddev;
    uint64_t prefix_pool, prefix_tokens, system_tokens, context_tokens; /* 0: none */
    double osl_mean, osl_stddev;                                        /* osl_mean < 0: unset */
    double turns_mean, turns_stddev, turn_delay_mean_ms, turn_delay_stddev_ms;

    /* tokens */
    const char *tokenizer;     /* --tokenizer: a path or "builtin", or NULL */
    int32_t tokenizer_threads; /* that count during the load; -1: as the CPU plan has it */
    uint64_t drain_timeout_ns; /* 0: none */

    /* load */
    const struct tkp_phase_plan *phases; /* in order; at least one counts */
    uint32_t phase_count;
    uint64_t seed;
    bool seed_was_drawn;
    double failed_request_threshold; /* 0..1; > 1: off */
    uint32_t workers;                /* threads */
    enum tkp_receive_clock receive_clock;
    enum tkp_spin spin;
    bool cpu_affinity; /* false: --no-cpu-affinity */

    /* results */
    const struct tkp_slo *slos;
    uint32_t slo_count;
    const char *artifact_dir; /* explicit, or NULL: make a name below "artifacts" */
    const char *export_prefix;
    enum tkp_export_level export_level;
    const char *const *exporters;        /* component names */
    const char *const *exporter_origins; /* one each, or NULL when none was given */
    uint32_t exporter_count;
    const char *const *collectors; /* commands */
    uint32_t collector_count;
    uint64_t baseline_timeout_ns; /* 0: no gates */
    enum tkp_ui ui;
    bool strict, overwrite, no_gpu_telemetry, no_server_metrics;
    struct tkp_limits limits;
    const char *host_root;  /* where proc and sys are: "/" */
    bool http_trace;        /* --export-http-trace */
    const char *events_log; /* --events-log, or NULL */
    const char *events_log_origin;
    uint32_t events_batch; /* events that go to listeners together */
    enum tkp_log_level log_level;
    double snapshot_rate_per_s; /* 0: only the final one */

    /* plugins */
    const char *const *plugin_files;   /* --plugin */
    const char *const *registry_files; /* --registry */
    uint32_t plugin_file_count, registry_file_count;
    const struct tkp_plugin_setting *settings;
    uint32_t setting_count;

    /* how it came to be */
    const char *config_file;       /* -f, or NULL */
    const char *cli_command;       /* redacted */
    const char *config_yaml;       /* resolved, redacted: what config.yaml of the run holds */
    const char *input_config_json; /* the same as a JSON object, for profile_export.json */
};

void tkp_plan_finish(struct tkp_plan *plan); /* accepts a zeroed one */

#endif

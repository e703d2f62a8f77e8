/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of options of a run. Parser, YAML, environment, help, docs/cli.md and JSON Schema
 * come from it. Constant data; a group of rows is in options_<group>.c. [any]
 */
#ifndef TKP_CONFIG_OPTIONS_H
#define TKP_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tkp_option_id {
    /* endpoint */
    TKP_OPT_MODEL,
    TKP_OPT_URL,
    TKP_OPT_ENDPOINT_TYPE,
    TKP_OPT_ENDPOINT_PATH,
    TKP_OPT_STREAMING,
    TKP_OPT_HEADERS,
    TKP_OPT_API_KEY,
    TKP_OPT_API_KEY_FILE,
    TKP_OPT_SESSION_HEADER,
    TKP_OPT_EXTRA,
    TKP_OPT_TEMPLATE_BODY,
    TKP_OPT_RESPONSE_FIELD,
    TKP_OPT_USE_SERVER_TOKEN_COUNT,
    TKP_OPT_PER_CHUNK_USAGE,
    TKP_OPT_USE_LEGACY_MAX_TOKENS,
    /* connections */
    TKP_OPT_REQUEST_TIMEOUT,
    TKP_OPT_CONNECT_TIMEOUT,
    TKP_OPT_FIRST_BYTE_TIMEOUT,
    TKP_OPT_IDLE_TIMEOUT,
    TKP_OPT_REUSE,
    TKP_OPT_WAIT_TIMEOUT,
    TKP_OPT_WAIT_MODE,
    TKP_OPT_WAIT_INTERVAL,
    TKP_OPT_SOURCE_ADDRESSES,
    TKP_OPT_IP_VERSION,
    TKP_OPT_RESOLVE,
    TKP_OPT_TCP_KEEPALIVE,
    TKP_OPT_TCP_USER_TIMEOUT,
    TKP_OPT_CA_FILE,
    TKP_OPT_INSECURE,
    TKP_OPT_CERT_FILE,
    TKP_OPT_KEY_FILE,
    TKP_OPT_TLS_MIN_VERSION,
    TKP_OPT_TRANSPORT,
    TKP_OPT_HTTP_VERSION,
    TKP_OPT_PROXY,
    /* server control */
    TKP_OPT_CACHE_BUST,
    TKP_OPT_RESET_KV_CACHE,
    TKP_OPT_RESET_KV_CACHE_TIMEOUT,
    TKP_OPT_RESET_KV_CACHE_PATH,
    TKP_OPT_SERVER_PROFILER,
    TKP_OPT_SERVER_PROFILER_TIMEOUT,
    TKP_OPT_SERVER_PROFILER_START_PATH,
    TKP_OPT_SERVER_PROFILER_STOP_PATH,
    /* tokens */
    TKP_OPT_TOKENIZER,
    TKP_OPT_TOKENIZER_THREADS,
    TKP_OPT_DRAIN_TIMEOUT,
    /* load: the same eleven for both kinds of phases, in the same order */
    TKP_OPT_ARRIVAL,
    TKP_OPT_CONCURRENCY,
    TKP_OPT_RATE,
    TKP_OPT_REQUESTS,
    TKP_OPT_SESSIONS,
    TKP_OPT_DURATION,
    TKP_OPT_GRACE,
    TKP_OPT_CONCURRENCY_RAMP,
    TKP_OPT_RATE_RAMP,
    TKP_OPT_SEAMLESS,
    TKP_OPT_EXCLUDE_FROM_RESULTS,
    TKP_OPT_WARMUP_ARRIVAL,
    TKP_OPT_WARMUP_CONCURRENCY,
    TKP_OPT_WARMUP_RATE,
    TKP_OPT_WARMUP_REQUESTS,
    TKP_OPT_WARMUP_SESSIONS,
    TKP_OPT_WARMUP_DURATION,
    TKP_OPT_WARMUP_GRACE,
    TKP_OPT_WARMUP_CONCURRENCY_RAMP,
    TKP_OPT_WARMUP_RATE_RAMP,
    TKP_OPT_WARMUP_SEAMLESS,
    TKP_OPT_WARMUP_EXCLUDE_FROM_RESULTS,
    TKP_OPT_FAILED_REQUEST_THRESHOLD,
    TKP_OPT_WORKERS,
    TKP_OPT_SPIN,
    TKP_OPT_RECEIVE_CLOCK,
    TKP_OPT_CPU_AFFINITY,
    /* dataset */
    TKP_OPT_DATASET,
    TKP_OPT_INPUT_FILE,
    TKP_OPT_INPUT_FORMAT,
    TKP_OPT_SAMPLING,
    TKP_OPT_ENTRIES,
    TKP_OPT_ISL_MEAN,
    TKP_OPT_ISL_STDDEV,
    TKP_OPT_PREFIX_POOL,
    TKP_OPT_PREFIX_LENGTH,
    TKP_OPT_SYSTEM_LENGTH,
    TKP_OPT_CONTEXT_LENGTH,
    TKP_OPT_OSL_MEAN,
    TKP_OPT_OSL_STDDEV,
    TKP_OPT_TURNS_MEAN,
    TKP_OPT_TURNS_STDDEV,
    TKP_OPT_TURN_DELAY_MEAN,
    TKP_OPT_TURN_DELAY_STDDEV,
    TKP_OPT_SEED,
    /* output */
    TKP_OPT_ARTIFACT_DIR,
    TKP_OPT_OVERWRITE,
    TKP_OPT_EXPORT_PREFIX,
    TKP_OPT_EXPORT_LEVEL,
    TKP_OPT_EXPORTERS,
    TKP_OPT_HTTP_TRACE,
    TKP_OPT_EVENTS_LOG,
    TKP_OPT_EVENTS_BATCH,
    TKP_OPT_COLLECTORS,
    TKP_OPT_BASELINE_TIMEOUT,
    TKP_OPT_SLOS,
    TKP_OPT_UI,
    TKP_OPT_LOG_LEVEL,
    TKP_OPT_VERBOSE,
    TKP_OPT_SNAPSHOT_RATE,
    TKP_OPT_GPU_TELEMETRY,
    TKP_OPT_SERVER_METRICS,
    /* verdict */
    TKP_OPT_STRICT,
    TKP_OPT_CLIENT_LAG_SUSPECT_MS,
    TKP_OPT_CLIENT_LAG_SUSPECT_PCT,
    TKP_OPT_CLIENT_LAG_INVALID_MS,
    TKP_OPT_CLIENT_LAG_INVALID_PCT,
    TKP_OPT_RATE_SUSPECT_PCT,
    TKP_OPT_RATE_INVALID_PCT,
    TKP_OPT_ERROR_SUSPECT_PCT,
    TKP_OPT_ERROR_INVALID_PCT,
    TKP_OPT_DURATION_GAP_PCT,
    TKP_OPT_RETRY_PCT,
    TKP_OPT_OSL_MISMATCH_PCT,
    TKP_OPT_STEAL_SUSPECT_PCT,
    TKP_OPT_STEAL_INVALID_PCT,
    TKP_OPT_HOST_ROOT,
    /* configuration and plugins */
    TKP_OPT_CONFIG,
    TKP_OPT_SET,
    TKP_OPT_PLUGIN_FILES,
    TKP_OPT_REGISTRY_FILES,
    TKP_OPT_COUNT
};

enum tkp_option_group {
    TKP_GROUP_ENDPOINT,
    TKP_GROUP_CONNECTION,
    TKP_GROUP_SERVER,
    TKP_GROUP_LOAD,
    TKP_GROUP_WARMUP,
    TKP_GROUP_DATASET,
    TKP_GROUP_TOKENS,
    TKP_GROUP_OUTPUT,
    TKP_GROUP_VERDICT,
    TKP_GROUP_PLUGINS,
    TKP_GROUP_COUNT
};

enum tkp_option_type {
    TKP_TYPE_TEXT = 1,
    TKP_TYPE_INTEGER,
    TKP_TYPE_NUMBER,
    TKP_TYPE_BOOLEAN,  /* a flag without value; --flag=false takes it back */
    TKP_TYPE_CHOICE,   /* one of choices, in any case of letters */
    TKP_TYPE_DURATION, /* seconds, or a number with ns us ms s m h */
    TKP_TYPE_JSON      /* a JSON value, kept as text */
};

enum tkp_option_flags {
    TKP_OPTION_LIST = 1,      /* several values: repeated, or with commas; a YAML list */
    TKP_OPTION_MAP = 2,       /* several named values; a YAML mapping */
    TKP_OPTION_SECRET = 4,    /* never shown; in maps a member's name decides */
    TKP_OPTION_OFF = 8,       /* boolean whose flag (--no-...) means false */
    TKP_OPTION_INFINITE = 16, /* duration that may be "inf" */
    TKP_OPTION_ENVELOPE = 32  /* YAML: beside `benchmark`, not below it */
};

enum { TKP_OPTION_MAX_ALIASES = 3 };

struct tkp_option {
    enum tkp_option_id id;
    enum tkp_option_group group;
    enum tkp_option_type type;
    unsigned flags;         /* TKP_OPTION_LIST ... */
    const char *path;       /* below `benchmark`: "endpoint.url"; NULL: command line only */
    const char *path_alias; /* another path for the same, or NULL */
    const char *flag;       /* "--url"; NULL: YAML and environment only */
    const char *aliases[TKP_OPTION_MAX_ALIASES + 1]; /* NULL-ended */
    char short_flag;                                 /* 'u', or 0 */
    const char *value;          /* what help calls the value: "URL"; NULL: derived from the type */
    const char *unit;           /* "ms", "tokens", ... or NULL */
    const char *fallback;       /* the default as one would write it; NULL: unset */
    const char *fallback_note;  /* how an unset one is decided, in words, or NULL */
    double minimum, maximum;    /* both inclusive, in the unit (durations: s); equal: none */
    const char *const *choices; /* NULL-ended; order of the plan's enum, synonyms behind */
    const char *help;           /* one sentence */
};

/* Rows one after another, in the order of help; NULL behind the last. */
const struct tkp_option *tkp_options_at(size_t index);
/* Row of an id; never NULL. */
const struct tkp_option *tkp_options_row(enum tkp_option_id id);
/* By "--name", "-x" or "-vv"; NULL: no such flag. */
const struct tkp_option *tkp_options_by_flag(const char *flag);
/* By path or path alias; NULL: no such path. */
const struct tkp_option *tkp_options_by_path(const char *path);
/* Every long flag and alias, NULL-ended: for the closest name and completion. */
enum { TKP_OPTION_MAX_FLAGS = 160 };
struct tkp_option_flags_list {
    const char *names[TKP_OPTION_MAX_FLAGS + 1];
};
void tkp_options_flags(struct tkp_option_flags_list *list);
/* Whether any path begins with prefix and a dot. */
bool tkp_options_is_section(const char *prefix);
/* The YAML keys directly below a path ("" is `benchmark` itself). */
enum { TKP_OPTION_MAX_KEYS = 64, TKP_OPTION_KEY_BYTES = 48 };
struct tkp_option_keys {
    const char *names[TKP_OPTION_MAX_KEYS + 1]; /* NULL-ended, point into text */
    char text[TKP_OPTION_MAX_KEYS][TKP_OPTION_KEY_BYTES];
    size_t count;
};
void tkp_options_keys(const char *prefix, struct tkp_option_keys *keys);
/* "Endpoint", "Load", ... */
const char *tkp_options_group_title(enum tkp_option_group group);
/* What help calls the value: "URL", "N", "a|b|c"; "" for a flag without value. */
void tkp_options_value_name(const struct tkp_option *option, char *out, size_t capacity);
/* TOKPERF_<PATH> of a path, with its dots as two underscores. */
void tkp_options_variable(const char *path, char *out, size_t capacity);

/* The groups' rows, for options.c. */
struct tkp_option_rows {
    const struct tkp_option *rows;
    size_t count;
};
extern const struct tkp_option_rows tkp_options_server, tkp_options_endpoint,
    tkp_options_connection, tkp_options_transport, tkp_options_token, tkp_options_load,
    tkp_options_dataset, tkp_options_output, tkp_options_verdict;

#endif

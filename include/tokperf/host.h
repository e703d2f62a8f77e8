/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tokperf SDK: host services other than JSON (json.h). Fetch a table once, in create:
 *
 *     const struct tokperf_json_v1 *json = host->service(host, TOKPERF_SERVICE_JSON);
 *
 * An absent service is NULL; a plugin that cannot do without one names it in requires_services, and
 * its absence is then a load error. Tables live as long as the process.
 */
#ifndef TOKPERF_HOST_H
#define TOKPERF_HOST_H

#include <tokperf/base.h>
#include <tokperf/json.h>
#include <tokperf/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOKPERF_SERVICE_LOG         "log/1"
#define TOKPERF_SERVICE_CLOCK       "clock/1"
#define TOKPERF_SERVICE_CANCELLED   "cancelled/1"
#define TOKPERF_SERVICE_RNG         "rng/1"
#define TOKPERF_SERVICE_JSON        "json/1"
#define TOKPERF_SERVICE_JSON_WRITER "json_writer/1"
#define TOKPERF_SERVICE_OUTPUT_FILE "output_file/1"
#define TOKPERF_SERVICE_FILE        "file/1"
#define TOKPERF_SERVICE_TERMINAL    "terminal/1"
#define TOKPERF_SERVICE_TOKENIZER   "tokenizer/1"

enum {
    TOKPERF_LOG_ERROR = 1,
    TOKPERF_LOG_WARNING = 2,
    TOKPERF_LOG_INFO = 3,
    TOKPERF_LOG_DEBUG = 4
};
/* [main] [exporter] [collector]; on a worker only at DEBUG. One line a call, without newline. */
struct tokperf_log_v1 {
    uint32_t struct_size;
    uint32_t reserved;
    void (*write)(const struct tokperf_host *host, uint32_t level, const char *bytes, uint64_t len);
};

/* [any], does not block. */
struct tokperf_clock_v1 {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t (*monotonic_ns)(void);
    uint64_t (*realtime_ns)(void); /* for time stamps in files only, never for a difference */
};

/* [any] 1 once the run is being ended: return soon. */
struct tokperf_cancelled_v1 {
    uint32_t struct_size;
    uint32_t reserved;
    uint32_t (*cancelled)(const struct tokperf_host *host);
};

/* Counter-based random numbers: each value is a pure function of (seed, stream, index), so that the
 * result does not depend on who draws first. [any] */
struct tokperf_rng_v1 {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t (*bits)(uint64_t seed, uint64_t stream, uint64_t index);
    double (*uniform)(uint64_t seed, uint64_t stream, uint64_t index); /* [0, 1) */
    double (*normal)(uint64_t seed, uint64_t stream, uint64_t index);  /* mean 0, std 1 */
};

/* [main] [exporter] A file of the run directory: written beside its final name, put there by
 * commit(); without commit, close() leaves nothing. `name` is relative, without "..". Writes are
 * buffered; the first failure is kept and returned by commit(). */
struct tokperf_output_file;
struct tokperf_output_file_v1 {
    uint32_t struct_size;
    uint32_t reserved;
    tokperf_status (*open)(const struct tokperf_host *host, const char *name,
                           struct tokperf_output_file **file, struct tokperf_error *error);
    void (*write)(struct tokperf_output_file *file, const char *data, uint64_t len);
    tokperf_status (*commit)(struct tokperf_output_file *file, struct tokperf_error *error);
    void (*close)(struct tokperf_output_file *file); /* always call it, after commit too */
};

/* [main] Reads a whole regular file of at most max_bytes. The file itself is no symbolic link and
 * no device; its folders may be links. The content is followed by a NUL. */
struct tokperf_file_v1 {
    uint32_t struct_size;
    uint32_t reserved;
    tokperf_status (*read)(const struct tokperf_host *host, const char *path, uint64_t max_bytes,
                           struct tokperf_span *content, struct tokperf_error *error);
    void (*release)(const struct tokperf_host *host, struct tokperf_span content);
};

/* [main] [exporter] The user's terminal (stdout), for exporters that print. write passes UTF-8
 * text, line ends and tabs; other control characters and broken UTF-8 are shown as \xNN. */
struct tokperf_terminal_v1 {
    uint32_t struct_size;
    uint32_t reserved;
    void (*write)(const struct tokperf_host *host, const char *data, uint64_t len);
    uint32_t (*is_terminal)(const struct tokperf_host *host); /* 0: plain text only */
    uint32_t (*columns)(const struct tokperf_host *host);     /* 100 when unknown */
};

/* [main] The run's tokenizer (--tokenizer): NULL, in create() too, when the run has none. */
struct tokperf_tokenizer_v1 {
    uint32_t struct_size;
    uint32_t reserved;
    /* Tokens of a UTF-8 text on its own, without special tokens around it. May block. */
    tokperf_status (*count)(const struct tokperf_host *host, struct tokperf_span text,
                            uint64_t *tokens, struct tokperf_error *error);
};

#ifdef __cplusplus
}
#endif
#endif

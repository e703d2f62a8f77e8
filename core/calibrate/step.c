/* SPDX-License-Identifier: Apache-2.0 */
/* See step.h. */
#include <calibrate/step.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/files.h>
#include <base/rng.h>
#include <base/text.h>
#include <calibrate/child.h>
#include <inttypes.h>
#include <record/log.h>
#include <report/facts.h>
#include <stdio.h>
#include <string.h>

enum {
    GRACE_S = 2,        /* for answers after the last send */
    CHILD_SPARE_S = 20, /* beyond what the step itself takes: start, drain, report */
    PROFILING = 1,      /* phase 0 is the warm-up */
    RUN_FAILED = 1,     /* profile's exit code when no request succeeded, or none was sent */
    MESSAGE_MAX_BYTES = 64 * 1024
};
/* Below this share of the rate asked for, the level was not reached. metrics.md calls 1 % suspect.
 */
#define REACHED_RATE 0.99
/* Answers of the mock that take this much longer than planned: it does not keep up, or jitter is
 * strong. */
#define SLOW_SERVICE 1.1
#define FAILED_SHARE 0.01

struct arguments {
    char url[256], level[32], cap[32], duration[32], warmup[32], ramp[32], grace[32];
    char seed[32], workers[16];
    const char *list[48];
};

static void put_url(const struct tkp_stepper *stepper, const struct tkp_step_shape *shape,
                    struct arguments *a)
{
    if (shape->streams)
        (void)snprintf(a->url, sizeof a->url,
                       "mock:?threads=%" PRIu32 "&ttft=%g&ttft-jitter=0.5&itl=%g&itl-jitter=0.3"
                       "&osl=%" PRIu32 "&stamp-log=stamps",
                       stepper->mock_threads, shape->gap_ms, shape->gap_ms, shape->chunks);
    else
        (void)snprintf(a->url, sizeof a->url,
                       "mock:?threads=%" PRIu32 "&fast&osl=%" PRIu32 "&stamp-log=stamps",
                       stepper->mock_threads, shape->chunks);
}

/* A ramp spreads the first requests of the streams, so that they do not all begin at once. */
static void make_arguments(const struct tkp_stepper *stepper, const struct tkp_step_shape *shape,
                           double level, uint64_t seed, struct arguments *a)
{
    put_url(stepper, shape, a);
    (void)snprintf(a->level, sizeof a->level, "%.0f", level);
    (void)snprintf(a->cap, sizeof a->cap, "%" PRIu32, stepper->cap);
    (void)snprintf(a->duration, sizeof a->duration, "%" PRIu64 "ms", shape->duration_ms);
    (void)snprintf(a->warmup, sizeof a->warmup, "%" PRIu64 "ms", shape->warmup_ms);
    (void)snprintf(a->ramp, sizeof a->ramp, "%" PRIu64 "ms",
                   (uint64_t)(shape->gap_ms * shape->chunks));
    (void)snprintf(a->grace, sizeof a->grace, "%d", GRACE_S);
    (void)snprintf(a->seed, sizeof a->seed, "%" PRIu64, seed);
    (void)snprintf(a->workers, sizeof a->workers, "%" PRIu32, stepper->workers);
    const char *const fixed[] = {"--url",       a->url,
                                 "--model",     "calibration",
                                 "--streaming", "--isl",
                                 "16",          "--num-dataset-entries",
                                 "16",          "--random-seed",
                                 a->seed,       "--workers-max",
                                 a->workers,    "--ui-type",
                                 "none",        "--log-level",
                                 "error",       "--export-level",
                                 "summary",     "--exporter",
                                 "json",        "--output-artifact-dir",
                                 "run",         "--benchmark-duration",
                                 a->duration,   "--warmup-duration",
                                 a->warmup,     "--benchmark-grace-period",
                                 a->grace,      "--warmup-grace-period",
                                 a->grace};
    const char *const open[] = {"--request-rate", a->level, "--concurrency", a->cap, NULL};
    const char *const closed[] = {"--concurrency", a->level, "--concurrency-ramp-duration", a->ramp,
                                  NULL};
    memcpy(a->list, fixed, sizeof fixed);
    memcpy(a->list + sizeof fixed / sizeof *fixed, shape->streams ? closed : open, sizeof open);
}

/* The last line that a step wrote on stderr, without its "tokperf: ". */
static tokperf_status say_why(const char *directory, int code, struct tokperf_error *error)
{
    char path[PATH_MAX];
    struct tkp_buffer text;
    tkp_buffer_init(&text, MESSAGE_MAX_BYTES);
    const char *line = "";
    if (tkp_files_join(path, sizeof path, directory, "messages") &&
        tkp_files_read(path, MESSAGE_MAX_BYTES, 0, &text, NULL) == TOKPERF_OK && text.len) {
        text.data[text.len - 1] = '\0';
        const char *last = strrchr(text.data, '\n');
        line = last ? last + 1 : text.data;
    }
    if (strncmp(line, "tokperf: ", strlen("tokperf: ")) == 0)
        line += strlen("tokperf: ");
    tokperf_status status = tkp_fail(
        error, code == RUN_FAILED ? TOKPERF_E_TIMEOUT : TOKPERF_E_UNSUPPORTED,
        "a step of the calibration failed (exit %d): %s", code, *line ? line : "it said nothing");
    tkp_buffer_finish(&text);
    return status;
}

static void read_clock(const char *log_path, struct tkp_step_result *result)
{
    struct tkp_log_reader *reader = NULL;
    struct tkp_log_entry entry;
    struct tkp_run_facts facts;
    struct tkp_arena arena;
    const char *clock = "process";
    tkp_arena_init(&arena, 0);
    if (tkp_log_open(log_path, &reader, NULL) == TOKPERF_OK &&
        tkp_log_next(reader, &entry, NULL) == TOKPERF_OK && entry.kind == TKP_LOG_RUN &&
        tkp_run_facts_parse(entry.payload, &arena, &facts, NULL) == TOKPERF_OK)
        clock = facts.receive_clock;
    tkp_text_copy(result->receive_clock, sizeof result->receive_clock, tkp_span(clock));
    tkp_log_reader_close(reader);
    tkp_arena_finish(&arena);
}

static double seconds(uint64_t from_ns, uint64_t to_ns)
{
    return (double)(to_ns - from_ns) / (double)TKP_NS_PER_S;
}

/* Whether the load itself came about; fills achieved. */
static bool reached(const struct tkp_step_shape *shape, double level, const struct tkp_pairing *p,
                    double *achieved)
{
    uint64_t rows = p->requests + p->failed + p->unstamped;
    *achieved = 0;
    if (!p->requests || rows < 2 || (double)p->failed > FAILED_SHARE * (double)rows)
        return false;
    if (shape->streams) {
        double planned_ns = shape->gap_ms * shape->chunks * (double)TKP_NS_PER_MS;
        *achieved = level * (double)p->chunks / p->latency_sum_ns * (double)TKP_NS_PER_S;
        return p->service_sum_ns <= SLOW_SERVICE * planned_ns * (double)p->requests;
    }
    double offered = (double)(rows - 1) / seconds(p->first_intended_ns, p->last_intended_ns);
    *achieved = (double)(rows - 1) / seconds(p->first_start_ns, p->last_start_ns);
    return *achieved >= REACHED_RATE * offered;
}

void tkp_step_judge(const struct tkp_step_shape *shape, double level, double bound_ms,
                    struct tkp_pairing *p, struct tkp_step_result *result)
{
    const double bound_us = bound_ms * 1000;
    bool is_reached = reached(shape, level, p, &result->achieved);
    result->ttft = tkp_error_figures(&p->ttft, &p->ttft);
    result->stamp = tkp_error_figures(&p->stamp, &p->stamp_one);
    result->itl = tkp_error_figures(&p->gap, &p->gap_one);
    if (result->ttft.p99_us > bound_us || result->stamp.p99_us > bound_us ||
        result->itl.p99_us > bound_us)
        result->outcome = TKP_STEP_ERROR;
    else
        result->outcome = is_reached ? TKP_STEP_HELD : TKP_STEP_SLOW;
}

static tokperf_status measure(const struct tkp_stepper *stepper, const struct tkp_step_shape *shape,
                              double level, struct tkp_step_result *result,
                              struct tokperf_error *error)
{
    char log_path[PATH_MAX], stamps_path[PATH_MAX];
    struct tkp_pairing pairing = {.requests = 0};
    if (!tkp_files_join(log_path, sizeof log_path, stepper->scratch->path, "run/records.tkr") ||
        !tkp_files_join(stamps_path, sizeof stamps_path, stepper->scratch->path, "stamps"))
        return tkp_fail(error, TOKPERF_E_LIMIT, "the path in TMPDIR is too long");
    tokperf_status status = tkp_pairing_read(log_path, stamps_path, PROFILING, &pairing, error);
    if (status == TOKPERF_OK) {
        read_clock(log_path, result);
        tkp_step_judge(shape, level, stepper->bound_ms, &pairing, result);
    }
    tkp_pairing_finish(&pairing);
    /* what a step left is neither the user's to correct nor a reason to give up all of it */
    bool is_spoilt = status == TOKPERF_E_PARSE || status == TOKPERF_E_NOT_FOUND;
    return is_spoilt ? TOKPERF_E_UNSUPPORTED : status;
}

tokperf_status tkp_step_run(const struct tkp_stepper *stepper, const struct tkp_step_shape *shape,
                            double level, struct tkp_step_result *result,
                            struct tokperf_error *error)
{
    struct arguments arguments = {.list = {NULL}};
    uint64_t seed = tkp_rng_fresh_seed() >> 11; /* 53 bits, as the option's range */
    int code = -1;
    *result = (struct tkp_step_result){.outcome = TKP_STEP_SLOW};
    make_arguments(stepper, shape, level, seed, &arguments);
    struct tkp_child_inputs inputs = {
        .arguments = arguments.list,
        .environment = stepper->environment,
        .directory = stepper->scratch->path,
        .timeout_ns =
            CHILD_SPARE_S * TKP_NS_PER_S + (shape->warmup_ms + shape->duration_ms) * TKP_NS_PER_MS,
        .cancel = stepper->cancel,
    };
    tokperf_status status = tkp_child_run(&inputs, &code, error);
    if (status == TOKPERF_OK)
        status = code == 0 ? measure(stepper, shape, level, result, error)
                           : say_why(stepper->scratch->path, code, error);
    tkp_scratch_empty(stepper->scratch);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* See sample_run.h. */
#include "sample_run.h"

#include <math.h>
#include <string.h>

#define BIT(stat) (1u << TOKPERF_STAT_##stat)

enum { ALL = (1u << (TOKPERF_STAT_SUM + 1)) - 1 };

static const uint64_t start_ns = 1000000000, ms = 1000000;

/* 10, 20, 30, 40: percentiles by linear interpolation between order statistics. */
static const double ten_to_forty[TOKPERF_STAT_SLOTS] = {
    [TOKPERF_STAT_AVG] = 25,     [TOKPERF_STAT_P1] = 10.3,
    [TOKPERF_STAT_P5] = 11.5,    [TOKPERF_STAT_P10] = 13,
    [TOKPERF_STAT_P25] = 17.5,   [TOKPERF_STAT_P50] = 25,
    [TOKPERF_STAT_P75] = 32.5,   [TOKPERF_STAT_P90] = 37,
    [TOKPERF_STAT_P95] = 38.5,   [TOKPERF_STAT_P99] = 39.7,
    [TOKPERF_STAT_P999] = 39.97, [TOKPERF_STAT_MIN] = 10,
    [TOKPERF_STAT_MAX] = 40,     [TOKPERF_STAT_STD] = 11.180339887498949, /* square root of 125 */
    [TOKPERF_STAT_COUNT] = 4,    [TOKPERF_STAT_SUM] = 100,
};

static struct tokperf_span span(const char *text)
{
    return (struct tokperf_span){text, strlen(text)};
}

struct tokperf_metric *sample_run_add(struct sample_run *run, const char *tag, const char *header,
                                      const char *unit, uint32_t stats, double value)
{
    uint32_t i = run->profiling.metric_count++;
    struct tokperf_metric *metric = &run->metrics[i];
    *metric = (struct tokperf_metric){.struct_size = sizeof *metric,
                                      .kind = TOKPERF_METRIC_RECORD,
                                      .group = TOKPERF_GROUP_DEFAULT,
                                      .order = (int32_t)i,
                                      .stats = stats,
                                      .tag = tag,
                                      .header = header,
                                      .unit = unit};
    for (uint32_t stat = 0; stat < TOKPERF_STAT_SLOTS; stat++)
        metric->value[stat] = value;
    run->metric_list[i] = metric;
    return metric;
}

static void add_metrics(struct sample_run *run)
{
    struct tokperf_metric *metric;
    metric = sample_run_add(run, "time_to_first_token", "Time to First Token", "ms", ALL, 0);
    memcpy(metric->value, ten_to_forty, sizeof metric->value);
    metric = sample_run_add(run, "inter_chunk_latency", "Inter Chunk Latency", "ms",
                            BIT(AVG) | BIT(P50) | BIT(COUNT), 2.5);
    metric->flags = TOKPERF_METRIC_FROM_HISTOGRAM;
    metric->value[TOKPERF_STAT_COUNT] = 12;
    metric = sample_run_add(run, "adj_request_latency", "Adjusted Request Latency", "ms",
                            BIT(P50) | BIT(COUNT), 55.25);
    metric->unbounded_from = "p90";
    metric->flags = TOKPERF_METRIC_NO_CONSOLE;
    metric->value[TOKPERF_STAT_COUNT] = 6;
    sample_run_add(run, "quoted", "A \"quoted\", long header", "", BIT(AVG), 1234567.891);
    sample_run_add(run, "request_count", "Request Count", "requests", BIT(AVG), 4);
    metric = sample_run_add(run, "internal_thing", "Internal", "ns", BIT(AVG), 7);
    metric->flags = TOKPERF_METRIC_INTERNAL;
    /* what no file may show */
    metric = sample_run_add(run, "partly", "Partly Finite", "ms",
                            BIT(AVG) | BIT(MIN) | BIT(MAX) | BIT(COUNT), (double)NAN);
    metric->value[TOKPERF_STAT_MIN] = 1.5;
    metric->value[TOKPERF_STAT_MAX] = (double)INFINITY;
    sample_run_add(run, "nothing", "Nothing Finite", "ms", ALL, (double)-INFINITY);
    sample_run_add(run, "no_stats", "No Statistics", "ms", 0, 3);
    metric = sample_run_add(run, "benchmark_duration", "Benchmark Duration", "sec", BIT(AVG), 1.5);
    metric->flags = TOKPERF_METRIC_NO_CONSOLE;
    metric = sample_run_add(run, "client_lag", "Client Lag", "ms", ALL, 0);
    memcpy(metric->value, ten_to_forty, sizeof metric->value);
    metric->group = TOKPERF_GROUP_CLIENT;
}

static void add_phases(struct sample_run *run)
{
    static const struct tokperf_error_count errors[] = {
        {sizeof errors[0], 500, 2, {"http_error", 10}, {"The \"engine\"\nfailed", 19}},
        {sizeof errors[0], 0, 1, {"connect_error", 13}, {"refused", 7}},
    };
    static const struct tokperf_error_count *const error_list[] = {&errors[0], &errors[1]};
    static const struct tokperf_count reasons[] = {{sizeof reasons[0], 0, 3, {"stop", 4}},
                                                   {sizeof reasons[0], 0, 1, {"length", 6}}};
    static const struct tokperf_count *const reason_list[] = {&reasons[0], &reasons[1]};
    static const struct tokperf_support support[] = {
        {sizeof support[0], TOKPERF_STAT_P50, "time_to_first_token", 11, 4, 0, 0, 0},
        {sizeof support[0], TOKPERF_STAT_P99, "time_to_first_token", 662, 700, 1, 0, 39.9},
        {sizeof support[0], TOKPERF_STAT_P50, "client_lag", 11, 12, 1, 0, (double)NAN},
    };
    static const struct tokperf_support *const support_list[] = {&support[0], &support[1],
                                                                 &support[2]};
    run->warmup = (struct tokperf_phase){.struct_size = sizeof run->warmup,
                                         .is_warmup = 1,
                                         .name = span("warmup"),
                                         .metric_count = 1,
                                         .metrics = run->metric_list};
    run->profiling.struct_size = sizeof run->profiling;
    run->profiling.name = span("profiling");
    run->profiling.metrics = run->metric_list;
    run->profiling.errors = error_list;
    run->profiling.error_count = 2;
    run->profiling.finish_reasons = reason_list;
    run->profiling.finish_reason_count = 2;
    run->profiling.support = support_list;
    run->profiling.support_count = 3;
    run->phases[0] = &run->warmup;
    run->phases[1] = &run->profiling;
}

static void add_verdict(struct sample_run *run)
{
    run->reasons[0] = (struct tokperf_reason){
        .struct_size = sizeof run->reasons[0],
        .severity = 2,
        .code = span("errors"),
        .message = span("43 % of the requests failed, which is more than the limit of 10 %; what "
                        "the others show is not what a user of this server would see."),
        .has_value = 1,
        .has_limit = 1,
        .value = 42.857142857142854,
        .limit = 10};
    run->reasons[1] = (struct tokperf_reason){.struct_size = sizeof run->reasons[1],
                                              .severity = 1,
                                              .code = span("interrupted"),
                                              .message = span("The run was interrupted.")};
    run->reasons[2] = (struct tokperf_reason){.struct_size = sizeof run->reasons[2],
                                              .code = span("prompt_reuse"),
                                              .message = span("2 of 7 prompts were distinct."),
                                              .has_value = 1,
                                              .value = (double)NAN};
    for (int i = 0; i < 3; i++)
        run->reason_list[i] = &run->reasons[i];
}

static void add_summary(struct sample_run *run)
{
    run->summary = (struct tokperf_summary){
        .struct_size = sizeof run->summary,
        .was_cancelled = 1,
        .benchmark_id = span("b54b6a8e-0f7c-4f4b-8a51-3d6b1d2a9c11"),
        .tokperf_version = span("0.1.0"),
        .title = span("LLM Metrics"),
        .model = span("m"),
        .endpoint_type = span("chat"),
        .artifact_dir = span("artifacts/m-chat-concurrency2"),
        .file_prefix = span("profile_export"),
        .cli_command = span("tokperf profile --model m"),
        .input_config = span("{\"benchmark\":{\"model\":\"m\"}}"),
        .receive_clock = span("process"),
        .isl_source = span("server"),
        .osl_source = span("chunks"),
        .verdict = span("invalid"),
        .random_seed = 42,
        .start_realtime_ns = 1790000000123456789,
        .end_realtime_ns = 1790000002000000000,
        .monotonic_to_realtime_ns = 1789999999000000000,
        .phase_count = 2,
        .main_phase = 1,
        .reason_count = 3,
        .export_records = 1,
        .phases = run->phases,
        .reasons = run->reason_list,
        .prompts_distinct = 2,
        .prompts_sent = 7,
        .streaming = 1,
        .transport = span("native"),
        .report_source = span("final_snapshot"),
    };
}

static void add_records(struct sample_run *run)
{
    static const double latency = 60.125, osl = 4, gaps[] = {20, (double)NAN, 20.5};
    static const double bad = (double)NAN;
    static const struct tokperf_record_metric metrics[] = {
        {0, 0, "request_latency", "ms", 1, &latency},
        {TOKPERF_METRIC_INTEGER, 0, "output_sequence_length", "tokens", 1, &osl},
        {TOKPERF_METRIC_LIST, 0, "inter_chunk_latency", "ms", 3, gaps},
        {TOKPERF_METRIC_INTEGER, 0, "not_finite", "ms", 1, &bad},
        {0, 0, "no_unit", "", 1, &osl},
    };
    struct tokperf_record ok = {.struct_size = sizeof ok,
                                .worker = 1,
                                .phase = 1,
                                .turn_index = 2,
                                .retries = 1,
                                .connection_reused = 1,
                                .metric_count = 5,
                                .status_code = 200,
                                .session_num = 7,
                                .dataset_row = 3,
                                .prompt_hash = 0xabc,
                                .intended_ns = start_ns,
                                .ready_ns = start_ns + ms,
                                .start_ns = start_ns + 2 * ms,
                                .first_byte_ns = start_ns + 3 * ms,
                                .end_ns = start_ns + 63 * ms,
                                .request_id = span("request-1"),
                                .correlation_id = span("session-1"),
                                .conversation_id = span("s \"1\""),
                                .outcome = span("ok"),
                                .finish_reason = span("stop"),
                                .metrics = metrics};
    run->records[0] = ok;
    run->records[1] = ok;
    run->records[1].metric_count = 0;
    run->records[1].has_error = run->records[1].is_error = 1;
    run->records[1].error_code = 500;
    run->records[1].outcome = run->records[1].error_type = span("http_error");
    run->records[1].error_message = span("The \"engine\"\nfailed");
    run->records[1].finish_reason = span("");
    run->records[2] = run->records[1];
    run->records[2].first_byte_ns = 0;
    run->records[2].is_error = 0;
    run->records[2].was_cancelled = 1;
    run->records[2].error_code = 499;
    run->records[2].outcome = run->records[2].error_type = span("cancelled");
    run->records[2].error_message = span("");
    run->records[3] = ok;
    run->records[3].phase = 0;
}

static tokperf_status next_record(void *context, const struct tokperf_record **record,
                                  struct tokperf_error *error)
{
    struct sample_run *run = context;
    if (run->next == run->fail_at) {
        memcpy(error->message, "the log cannot be read", sizeof "the log cannot be read");
        return error->status = TOKPERF_E_IO;
    }
    if (run->next == SAMPLE_RECORDS)
        return TOKPERF_E_NOT_FOUND;
    *record = &run->records[run->next++];
    return TOKPERF_OK;
}

static void rewind_records(void *context)
{
    struct sample_run *run = context;
    run->next = 0;
}

void sample_run_init(struct sample_run *run)
{
    *run = (struct sample_run){.fail_at = UINT32_MAX};
    add_metrics(run);
    add_phases(run);
    add_verdict(run);
    add_summary(run);
    add_records(run);
    run->cursor = (struct tokperf_cursor){.struct_size = sizeof run->cursor,
                                          .context = run,
                                          .next = next_record,
                                          .rewind = rewind_records};
}

void sample_run_name_phases(struct sample_run *run)
{
    static const char *const names[] = {"high", "probe", "total"};
    run->profiling.name = span("low");
    run->profiling.verdict = span("valid");
    for (int i = 0; i < 3; i++) {
        run->more[i] = run->profiling;
        run->more[i].name = span(names[i]);
        run->phases[2 + i] = &run->more[i];
    }
    run->more[0].is_seamless = 1;
    run->more[0].start_ns = start_ns;
    run->more[1].is_excluded = 1;
    run->more[2].is_total = 1;
    run->more[2].verdict = span("");
    run->reasons[1].phase = span("high");
    run->summary.phase_count = 5;
    run->summary.main_phase = 4;
}

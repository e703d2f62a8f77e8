/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolved plan as a JSON object of the configuration file's shape. Only what the file reader
 * accepts for this plan is written, so that reading it back gives the same plan. [main]
 */
#include <config/document.h>

#include <base/json_write.h>
#include <base/text.h>
#include <config/document_put.h>
#include <config/phase_list.h>
#include <config/redact.h>
#include <config/settings.h>
#include <string.h>

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

static void put_distribution(struct tokperf_json_writer *w, const char *key, double mean,
                             double stddev)
{
    tkp_document_put_object(w, key);
    tkp_document_put_number(w, "mean", mean);
    tkp_document_put_number(w, "stddev", stddev);
    json->object_end(w);
}

static void put_dataset(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    bool is_made_up = !plan->input_file;
    tkp_document_put_object(w, "dataset");
    tkp_json_write_pair(w, "type", plan->dataset);
    tkp_json_write_pair(w, "path", plan->input_file);
    tkp_json_write_pair(w, "format", plan->input_format);
    tkp_document_put_choice(w, "sampling", TKP_OPT_SAMPLING, plan->sampling);
    if (is_made_up)
        tkp_document_put_count(w, "entries", plan->dataset_entries);
    bool is_busting = plan->cache_bust != TKP_CACHE_BUST_NONE;
    if (is_made_up || plan->osl_mean >= 0 || is_busting) {
        tkp_document_put_object(w, "prompts");
        if (is_busting) {
            tkp_document_put_object(w, "cache_bust");
            tkp_document_put_choice(w, "target", TKP_OPT_CACHE_BUST, plan->cache_bust);
            json->object_end(w);
        }
        if (is_made_up)
            put_distribution(w, "isl", plan->isl_mean, plan->isl_stddev);
        if (plan->prefix_pool) {
            tkp_document_put_object(w, "prefix");
            tkp_document_put_count(w, "pool_size", plan->prefix_pool);
            tkp_document_put_count(w, "length", plan->prefix_tokens);
            json->object_end(w);
        }
        tkp_document_put_count(w, "shared_system_length", plan->system_tokens);
        tkp_document_put_count(w, "user_context_length", plan->context_tokens);
        if (plan->osl_mean >= 0)
            put_distribution(w, "osl", plan->osl_mean, plan->osl_stddev);
        json->object_end(w);
    }
    if (is_made_up) {
        put_distribution(w, "turns", plan->turns_mean, plan->turns_stddev);
        put_distribution(w, "turn_delay", plan->turn_delay_mean_ms, plan->turn_delay_stddev_ms);
    }
    json->object_end(w);
}

static void put_phase(struct tokperf_json_writer *w, const struct tkp_plan *plan,
                      const struct tkp_phase_plan *phase)
{
    static const char *const types[] = {"concurrency", "constant", "poisson"};
    const char *kind = phase->is_warmup ? "warmup" : "profiling";
    json->object_begin(w);
    if (phase->is_named)
        tkp_json_write_pair(w, "name", phase->name);
    if (phase->is_named ? strcmp(phase->name, kind) != 0 : phase->is_warmup)
        tkp_json_write_pair(w, "kind", kind);
    if (phase->is_seamless)
        tkp_document_put_bool(w, "seamless", true);
    if (phase->exclude_from_results)
        tkp_document_put_bool(w, "exclude_from_results", true);
    tkp_json_write_pair(w, "type", types[phase->arrival - TKP_ARRIVAL_CLOSED]);
    tkp_document_put_count(w, "concurrency", phase->concurrency);
    if (phase->concurrency)
        tkp_document_put_seconds(w, "concurrency_ramp", phase->concurrency_ramp_ns);
    if (phase->arrival != TKP_ARRIVAL_CLOSED) {
        tkp_document_put_number(w, "rate", phase->rate_per_s);
        tkp_document_put_seconds(w, "rate_ramp", phase->rate_ramp_ns);
    }
    tkp_document_put_count(w, "requests", phase->request_count);
    tkp_document_put_count(w, "sessions", phase->session_count);
    if (phase->duration_ns) {
        tkp_document_put_seconds(w, "duration", phase->duration_ns);
        tkp_document_put_seconds(w, "grace_period", phase->grace_ns);
    }
    if (phase == tkp_phases_last_counted(plan) && plan->failed_request_threshold <= 1)
        tkp_document_put_number(w, "failed_request_threshold", plan->failed_request_threshold);
    json->object_end(w);
}

static void put_tokenizer(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    if (!plan->tokenizer)
        return;
    tkp_document_put_object(w, "tokenizer");
    tkp_json_write_pair(w, "name", plan->tokenizer);
    if (plan->tokenizer_threads >= 0)
        tkp_document_put_number(w, "threads", plan->tokenizer_threads);
    tkp_document_put_seconds(w, "drain_timeout", plan->drain_timeout_ns);
    json->object_end(w);
}

static void put_artifacts(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    tkp_document_put_object(w, "artifacts");
    tkp_json_write_pair(w, "dir", plan->artifact_dir);
    tkp_document_put_bool(w, "overwrite", plan->overwrite);
    tkp_json_write_pair(w, "prefix", plan->export_prefix);
    tkp_document_put_choice(w, "level", TKP_OPT_EXPORT_LEVEL, plan->export_level);
    tkp_document_put_list(w, "exporters", plan->exporters, plan->exporter_count);
    tkp_document_put_bool(w, "trace", plan->http_trace);
    tkp_json_write_pair(w, "events_log", plan->events_log);
    json->object_end(w);
    if (!plan->slo_count)
        return;
    tkp_document_put_object(w, "slos");
    for (uint32_t i = 0; i < plan->slo_count; i++)
        tkp_document_put_number(w, plan->slos[i].tag, plan->slos[i].threshold);
    json->object_end(w);
}

static void put_verdict(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    const struct tkp_limits *limits = &plan->limits;
    tkp_document_put_object(w, "verdict");
    tkp_document_put_number(w, "client_lag_suspect_ms", limits->client_lag_suspect_ms);
    tkp_document_put_number(w, "client_lag_suspect_pct", limits->client_lag_suspect_pct);
    tkp_document_put_number(w, "client_lag_invalid_ms", limits->client_lag_invalid_ms);
    tkp_document_put_number(w, "client_lag_invalid_pct", limits->client_lag_invalid_pct);
    tkp_document_put_number(w, "rate_suspect_pct", limits->rate_suspect_pct);
    tkp_document_put_number(w, "rate_invalid_pct", limits->rate_invalid_pct);
    tkp_document_put_number(w, "error_suspect_pct", limits->error_suspect_pct);
    tkp_document_put_number(w, "error_invalid_pct", limits->error_invalid_pct);
    tkp_document_put_number(w, "duration_gap_pct", limits->duration_gap_pct);
    tkp_document_put_number(w, "retry_pct", limits->retry_pct);
    tkp_document_put_number(w, "osl_mismatch_pct", limits->osl_mismatch_pct);
    tkp_document_put_number(w, "steal_suspect_pct", limits->steal_suspect_pct);
    tkp_document_put_number(w, "steal_invalid_pct", limits->steal_invalid_pct);
    tkp_json_write_pair(w, "host_root", plan->host_root);
    json->object_end(w);
}

static void put_switched_off(struct tokperf_json_writer *w, const char *key, bool is_off)
{
    if (!is_off)
        return;
    tkp_document_put_object(w, key);
    tkp_document_put_bool(w, "enabled", false);
    json->object_end(w);
}

static void put_collectors(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    if (!plan->collector_count)
        return;
    tkp_document_put_key(w, "collectors");
    json->array_begin(w);
    for (uint32_t i = 0; i < plan->collector_count; i++)
        tkp_redact_command_json(plan->collectors[i], w);
    json->array_end(w);
}

static void put_runtime(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    tkp_document_put_object(w, "runtime");
    tkp_document_put_count(w, "workers", plan->workers);
    tkp_document_put_choice(w, "spin", TKP_OPT_SPIN, plan->spin);
    tkp_document_put_bool(w, "cpu_affinity", plan->cpu_affinity);
    tkp_document_put_choice(w, "receive_clock", TKP_OPT_RECEIVE_CLOCK, plan->receive_clock);
    tkp_document_put_choice(w, "ui", TKP_OPT_UI, plan->ui);
    tkp_document_put_number(w, "snapshot_rate", plan->snapshot_rate_per_s);
    tkp_document_put_bool(w, "strict", plan->strict);
    tkp_document_put_count(w, "events_batch", plan->events_batch);
    tkp_document_put_seconds(w, "baseline_timeout", plan->baseline_timeout_ns);
    put_collectors(w, plan);
    tkp_document_put_list(w, "plugins", plan->plugin_files, plan->plugin_file_count);
    tkp_document_put_list(w, "registries", plan->registry_files, plan->registry_file_count);
    json->object_end(w);
    tkp_document_put_object(w, "logging");
    tkp_document_put_choice(w, "level", TKP_OPT_LOG_LEVEL, plan->log_level);
    json->object_end(w);
    put_switched_off(w, "gpu_telemetry", plan->no_gpu_telemetry);
    put_switched_off(w, "server_metrics", plan->no_server_metrics);
}

static bool is_first(const struct tkp_plan *plan, uint32_t at, bool with_key)
{
    const struct tkp_plugin_setting *s = &plan->settings[at];
    for (uint32_t i = 0; i < at; i++)
        if (strcmp(plan->settings[i].component, s->component) == 0 &&
            (!with_key || strcmp(plan->settings[i].key, s->key) == 0))
            return false;
    return true;
}

/* One key of a component: its value, or a list of all that were given. */
static void put_setting(struct tokperf_json_writer *w, const struct tkp_plan *plan, uint32_t at)
{
    const struct tkp_plugin_setting *s = &plan->settings[at];
    bool is_secret = tkp_text_is_secret_name(tkp_span(s->key));
    tkp_document_put_key(w, s->key);
    json->array_begin(w);
    for (uint32_t i = at; i < plan->setting_count; i++)
        if (strcmp(plan->settings[i].component, s->component) == 0 &&
            strcmp(plan->settings[i].key, s->key) == 0)
            json->string(w, tkp_span(is_secret ? TKP_REDACTED : plan->settings[i].value));
    json->array_end(w);
}

static void put_plugins(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    if (!plan->setting_count)
        return;
    tkp_document_put_object(w, "plugins");
    for (uint32_t i = 0; i < plan->setting_count; i++) {
        if (!is_first(plan, i, false))
            continue;
        tkp_document_put_object(w, plan->settings[i].component);
        for (uint32_t k = i; k < plan->setting_count; k++)
            if (strcmp(plan->settings[k].component, plan->settings[i].component) == 0 &&
                is_first(plan, k, true))
                put_setting(w, plan, k);
        json->object_end(w);
    }
    json->object_end(w);
}

void tkp_document_plan(const struct tkp_plan *plan, uint32_t flags, struct tkp_buffer *out)
{
    struct tokperf_sink sink = tkp_buffer_sink(out);
    struct tokperf_json_writer writer, *w = &writer;
    json->open(w, &sink, flags);
    json->object_begin(w);
    tkp_json_write_pair(w, "schemaVersion", "2.0");
    tkp_document_put_key(w, "random_seed");
    json->integer(w, (int64_t)plan->seed);
    tkp_document_put_object(w, "benchmark");
    tkp_json_write_pair(w, "model", plan->model);
    tkp_document_put_endpoint(w, plan);
    put_dataset(w, plan);
    tkp_document_put_key(w, "phases");
    json->array_begin(w);
    for (uint32_t i = 0; i < plan->phase_count; i++)
        put_phase(w, plan, &plan->phases[i]);
    json->array_end(w);
    put_tokenizer(w, plan);
    put_artifacts(w, plan);
    put_verdict(w, plan);
    put_runtime(w, plan);
    json->object_end(w);
    put_plugins(w, plan);
    json->object_end(w);
}

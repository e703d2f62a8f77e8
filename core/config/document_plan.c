/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolved plan as a JSON object of the configuration file's shape. Only what the file reader
 * accepts for this plan is written, so that reading it back gives the same plan. [main]
 */
#include <config/document.h>

#include <base/clock.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <config/phase_list.h>
#include <config/redact.h>
#include <config/settings.h>
#include <stdio.h>
#include <string.h>

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

static void put_key(struct tokperf_json_writer *w, const char *key)
{
    json->key(w, tkp_span(key));
}

static void put_object(struct tokperf_json_writer *w, const char *key)
{
    put_key(w, key);
    json->object_begin(w);
}

static void put_number(struct tokperf_json_writer *w, const char *key, double value)
{
    put_key(w, key);
    json->number(w, value);
}

static void put_count(struct tokperf_json_writer *w, const char *key, uint64_t value)
{
    if (!value)
        return;
    put_key(w, key);
    json->integer(w, (int64_t)value);
}

static void put_bool(struct tokperf_json_writer *w, const char *key, bool value)
{
    put_key(w, key);
    json->boolean(w, value);
}

/* Seconds with every digit that the ns have. */
static void put_seconds(struct tokperf_json_writer *w, const char *key, uint64_t ns)
{
    char text[32];
    put_key(w, key);
    if (ns == TKP_NEVER_NS) {
        json->string(w, TOKPERF_SPAN("inf"));
        return;
    }
    int len = snprintf(text, sizeof text, "%llu.%09llu", (unsigned long long)(ns / TKP_NS_PER_S),
                       (unsigned long long)(ns % TKP_NS_PER_S));
    while (len > 0 && text[len - 1] == '0')
        text[--len] = '\0';
    if (len > 0 && text[len - 1] == '.')
        text[--len] = '\0';
    json->raw(w, tkp_span(text));
}

/* The name of a choice: value is a plan enum that counts the row's choices from 1. */
static void put_choice(struct tokperf_json_writer *w, const char *key, enum tkp_option_id id,
                       unsigned value)
{
    tkp_json_write_pair(w, key, tkp_options_row(id)->choices[value - 1]);
}

static void put_list(struct tokperf_json_writer *w, const char *key, const char *const *list,
                     uint32_t count)
{
    if (!count)
        return;
    put_key(w, key);
    json->array_begin(w);
    for (uint32_t i = 0; i < count; i++)
        json->string(w, tkp_span(list[i]));
    json->array_end(w);
}

static void put_urls(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    put_key(w, "urls");
    json->array_begin(w);
    for (uint32_t i = 0; i < plan->url_count; i++) {
        const struct tkp_url *url = &plan->urls[i];
        char shown[4200]; /* the longest URL and the mark */
        const char *rest = strstr(url->text, "://");
        if (url->user_info && rest)
            snprintf(shown, sizeof shown, "%.*s://" TKP_REDACTED "@%s", (int)(rest - url->text),
                     url->text, rest + 3);
        else
            tkp_text_redact_url(shown, sizeof shown, url->text);
        json->string(w, tkp_span(shown));
    }
    json->array_end(w);
}

static void put_headers(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    uint32_t given = 0;
    for (uint32_t i = 0; i < plan->header_count; i++) {
        given += plan->headers[i].source == TKP_HEADER_GIVEN;
        if (plan->headers[i].source == TKP_HEADER_API_KEY)
            tkp_json_write_pair(w, "api_key", TKP_REDACTED);
    }
    if (!given)
        return;
    put_object(w, "headers");
    for (uint32_t i = 0; i < plan->header_count; i++)
        if (plan->headers[i].source == TKP_HEADER_GIVEN)
            tkp_json_write_pair(w, plan->headers[i].name,
                                plan->headers[i].secret ? TKP_REDACTED : plan->headers[i].value);
    json->object_end(w);
}

static void put_extra(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    if (!plan->extra_count)
        return;
    put_object(w, "extra");
    for (uint32_t i = 0; i < plan->extra_count; i++) {
        json->key(w, plan->extra[i].key);
        if (tkp_text_is_secret_name(plan->extra[i].key))
            json->string(w, tkp_span(TKP_REDACTED));
        else
            tkp_redact_json(plan->extra[i].json, w);
    }
    json->object_end(w);
}

/* Some services take their key in the query. */
static void put_path(struct tokperf_json_writer *w, const char *key, const char *path)
{
    char shown[4200];
    bool fits = tkp_text_redact_url(shown, sizeof shown, path) < sizeof shown;
    tkp_json_write_pair(w, key, fits ? shown : TKP_REDACTED);
}

static void put_sources(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    if (!plan->source_count)
        return;
    put_key(w, "source_addresses");
    json->array_begin(w);
    for (uint32_t i = 0; i < plan->source_count; i++)
        json->string(w, tkp_span(plan->sources[i].text));
    json->array_end(w);
}

static void put_tls(struct tokperf_json_writer *w, const struct tkp_tls_plan *tls)
{
    put_object(w, "tls");
    tkp_json_write_pair(w, "ca_file", tls->ca_file);
    put_bool(w, "insecure", tls->insecure);
    tkp_json_write_pair(w, "cert_file", tls->cert_file);
    tkp_json_write_pair(w, "key_file", tls->key_file);
    put_choice(w, "min_version", TKP_OPT_TLS_MIN_VERSION, tls->min_version);
    json->object_end(w);
}

/* What the URLs have a use for. */
static void put_connection(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    bool has_tcp = false, has_tls = false;
    for (uint32_t i = 0; i < plan->url_count; i++) {
        has_tcp |= plan->urls[i].scheme != TKP_URL_UNIX;
        has_tls |= plan->urls[i].scheme == TKP_URL_HTTPS;
    }
    if (has_tcp) {
        put_choice(w, "ip_version", TKP_OPT_IP_VERSION, plan->ip_version);
        put_seconds(w, "tcp_keepalive", plan->tcp_keepalive_ns);
        put_seconds(w, "tcp_user_timeout", plan->tcp_user_timeout_ns);
    }
    if (plan->resolve_rule_count) {
        put_key(w, "resolve");
        json->array_begin(w);
        for (uint32_t i = 0; i < plan->resolve_rule_count; i++)
            json->string(w, tkp_span(plan->resolve_rules[i].text));
        json->array_end(w);
    }
    if (has_tls)
        put_tls(w, &plan->tls);
}

static void put_transport(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    const struct tkp_proxy *proxy = plan->proxy;
    put_choice(w, "transport", TKP_OPT_TRANSPORT, plan->transport);
    put_choice(w, "http_version", TKP_OPT_HTTP_VERSION, plan->http_version);
    if (!proxy)
        return;
    char shown[4200]; /* the longest URL and the mark */
    snprintf(shown, sizeof shown, "%s://%s%s", proxy->scheme,
             proxy->url.user_info ? TKP_REDACTED "@" : "", strstr(proxy->text, "://") + 3);
    tkp_json_write_pair(w, "proxy", shown);
}

/* Nothing is said of what is off. */
static void put_control(struct tokperf_json_writer *w, const char *key,
                        const struct tkp_server_control *control)
{
    if (!control->enabled)
        return;
    put_object(w, key);
    put_bool(w, "enabled", true);
    put_path(w, control->stop_path ? "start_path" : "path", control->path);
    if (control->stop_path)
        put_path(w, "stop_path", control->stop_path);
    put_seconds(w, "timeout_seconds", control->timeout_ns);
    json->object_end(w);
}

static void put_endpoint(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    put_object(w, "endpoint");
    put_urls(w, plan);
    tkp_json_write_pair(w, "type", plan->endpoint_type);
    if (plan->endpoint_path)
        put_path(w, "path", plan->endpoint_path);
    put_bool(w, "streaming", plan->streaming);
    put_headers(w, plan);
    put_extra(w, plan);
    put_bool(w, "use_server_token_count", plan->use_server_token_count);
    put_bool(w, "per_chunk_usage", plan->per_chunk_usage);
    put_bool(w, "use_legacy_max_tokens", plan->legacy_max_tokens);
    put_seconds(w, "timeout", plan->request_timeout_ns);
    put_seconds(w, "connect_timeout", plan->connect_timeout_ns);
    put_seconds(w, "first_byte_timeout", plan->first_byte_timeout_ns);
    put_seconds(w, "idle_timeout", plan->idle_timeout_ns);
    put_choice(w, "connection_reuse", TKP_OPT_REUSE, plan->reuse);
    put_seconds(w, "wait_for_model_timeout", plan->wait_timeout_ns);
    if (plan->wait_timeout_ns) {
        put_choice(w, "wait_for_model_mode", TKP_OPT_WAIT_MODE, plan->wait_mode);
        put_seconds(w, "wait_for_model_interval", plan->wait_interval_ns);
    }
    put_sources(w, plan);
    tkp_json_write_pair(w, "session_header", plan->session_header);
    put_control(w, "reset_kv_cache", &plan->reset_kv_cache);
    put_control(w, "server_profiler", &plan->server_profiler);
    put_connection(w, plan);
    put_transport(w, plan);
    json->object_end(w);
}

static void put_distribution(struct tokperf_json_writer *w, const char *key, double mean,
                             double stddev)
{
    put_object(w, key);
    put_number(w, "mean", mean);
    put_number(w, "stddev", stddev);
    json->object_end(w);
}

static void put_dataset(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    bool is_made_up = !plan->input_file;
    put_object(w, "dataset");
    tkp_json_write_pair(w, "type", plan->dataset);
    tkp_json_write_pair(w, "path", plan->input_file);
    tkp_json_write_pair(w, "format", plan->input_format);
    put_choice(w, "sampling", TKP_OPT_SAMPLING, plan->sampling);
    if (is_made_up)
        put_count(w, "entries", plan->dataset_entries);
    bool is_busting = plan->cache_bust != TKP_CACHE_BUST_NONE;
    if (is_made_up || plan->osl_mean >= 0 || is_busting) {
        put_object(w, "prompts");
        if (is_busting) {
            put_object(w, "cache_bust");
            put_choice(w, "target", TKP_OPT_CACHE_BUST, plan->cache_bust);
            json->object_end(w);
        }
        if (is_made_up)
            put_distribution(w, "isl", plan->isl_mean, plan->isl_stddev);
        if (plan->prefix_pool) {
            put_object(w, "prefix");
            put_count(w, "pool_size", plan->prefix_pool);
            put_count(w, "length", plan->prefix_tokens);
            json->object_end(w);
        }
        put_count(w, "shared_system_length", plan->system_tokens);
        put_count(w, "user_context_length", plan->context_tokens);
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
    tkp_json_write_pair(w, "name", phase->name);
    if (strcmp(phase->name, kind) != 0)
        tkp_json_write_pair(w, "kind", kind);
    if (phase->is_seamless)
        put_bool(w, "seamless", true);
    if (phase->exclude_from_results)
        put_bool(w, "exclude_from_results", true);
    tkp_json_write_pair(w, "type", types[phase->arrival - TKP_ARRIVAL_CLOSED]);
    put_count(w, "concurrency", phase->concurrency);
    if (phase->concurrency)
        put_seconds(w, "concurrency_ramp", phase->concurrency_ramp_ns);
    if (phase->arrival != TKP_ARRIVAL_CLOSED) {
        put_number(w, "rate", phase->rate_per_s);
        put_seconds(w, "rate_ramp", phase->rate_ramp_ns);
    }
    put_count(w, "requests", phase->request_count);
    put_count(w, "sessions", phase->session_count);
    if (phase->duration_ns) {
        put_seconds(w, "duration", phase->duration_ns);
        put_seconds(w, "grace_period", phase->grace_ns);
    }
    if (phase == tkp_phases_last_counted(plan) && plan->failed_request_threshold <= 1)
        put_number(w, "failed_request_threshold", plan->failed_request_threshold);
    json->object_end(w);
}

static void put_tokenizer(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    if (!plan->tokenizer)
        return;
    put_object(w, "tokenizer");
    tkp_json_write_pair(w, "name", plan->tokenizer);
    if (plan->tokenizer_threads >= 0)
        put_number(w, "threads", plan->tokenizer_threads);
    put_seconds(w, "drain_timeout", plan->drain_timeout_ns);
    json->object_end(w);
}

static void put_artifacts(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    put_object(w, "artifacts");
    tkp_json_write_pair(w, "dir", plan->artifact_dir);
    put_bool(w, "overwrite", plan->overwrite);
    tkp_json_write_pair(w, "prefix", plan->export_prefix);
    put_choice(w, "level", TKP_OPT_EXPORT_LEVEL, plan->export_level);
    put_list(w, "exporters", plan->exporters, plan->exporter_count);
    put_bool(w, "trace", plan->http_trace);
    tkp_json_write_pair(w, "events_log", plan->events_log);
    json->object_end(w);
    if (!plan->slo_count)
        return;
    put_object(w, "slos");
    for (uint32_t i = 0; i < plan->slo_count; i++)
        put_number(w, plan->slos[i].tag, plan->slos[i].threshold);
    json->object_end(w);
}

static void put_verdict(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    const struct tkp_limits *limits = &plan->limits;
    put_object(w, "verdict");
    put_number(w, "client_lag_suspect_ms", limits->client_lag_suspect_ms);
    put_number(w, "client_lag_suspect_pct", limits->client_lag_suspect_pct);
    put_number(w, "client_lag_invalid_ms", limits->client_lag_invalid_ms);
    put_number(w, "client_lag_invalid_pct", limits->client_lag_invalid_pct);
    put_number(w, "rate_suspect_pct", limits->rate_suspect_pct);
    put_number(w, "rate_invalid_pct", limits->rate_invalid_pct);
    put_number(w, "error_suspect_pct", limits->error_suspect_pct);
    put_number(w, "error_invalid_pct", limits->error_invalid_pct);
    put_number(w, "duration_gap_pct", limits->duration_gap_pct);
    put_number(w, "retry_pct", limits->retry_pct);
    put_number(w, "osl_mismatch_pct", limits->osl_mismatch_pct);
    put_number(w, "steal_suspect_pct", limits->steal_suspect_pct);
    put_number(w, "steal_invalid_pct", limits->steal_invalid_pct);
    tkp_json_write_pair(w, "host_root", plan->host_root);
    json->object_end(w);
}

static void put_switched_off(struct tokperf_json_writer *w, const char *key, bool is_off)
{
    if (!is_off)
        return;
    put_object(w, key);
    put_bool(w, "enabled", false);
    json->object_end(w);
}

static void put_collectors(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    if (!plan->collector_count)
        return;
    put_key(w, "collectors");
    json->array_begin(w);
    for (uint32_t i = 0; i < plan->collector_count; i++)
        tkp_redact_command_json(plan->collectors[i], w);
    json->array_end(w);
}

static void put_runtime(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    put_object(w, "runtime");
    put_count(w, "workers", plan->workers);
    put_choice(w, "spin", TKP_OPT_SPIN, plan->spin);
    put_bool(w, "cpu_affinity", plan->cpu_affinity);
    put_choice(w, "receive_clock", TKP_OPT_RECEIVE_CLOCK, plan->receive_clock);
    put_choice(w, "ui", TKP_OPT_UI, plan->ui);
    put_number(w, "snapshot_rate", plan->snapshot_rate_per_s);
    put_bool(w, "strict", plan->strict);
    put_count(w, "events_batch", plan->events_batch);
    put_seconds(w, "baseline_timeout", plan->baseline_timeout_ns);
    put_collectors(w, plan);
    put_list(w, "plugins", plan->plugin_files, plan->plugin_file_count);
    put_list(w, "registries", plan->registry_files, plan->registry_file_count);
    json->object_end(w);
    put_object(w, "logging");
    put_choice(w, "level", TKP_OPT_LOG_LEVEL, plan->log_level);
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
    put_key(w, s->key);
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
    put_object(w, "plugins");
    for (uint32_t i = 0; i < plan->setting_count; i++) {
        if (!is_first(plan, i, false))
            continue;
        put_object(w, plan->settings[i].component);
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
    put_key(w, "random_seed");
    json->integer(w, (int64_t)plan->seed);
    put_object(w, "benchmark");
    tkp_json_write_pair(w, "model", plan->model);
    put_endpoint(w, plan);
    put_dataset(w, plan);
    put_key(w, "phases");
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

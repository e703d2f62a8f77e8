/* SPDX-License-Identifier: Apache-2.0 */
/* The plan's part about results, messages, the verdict and plugins. [main] */
#include <config/resolve_parts.h>

#include <base/error.h>
#include <base/files.h>
#include <string.h>
#include <unistd.h>

static tokperf_status no_memory(struct tokperf_error *error)
{
    return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plan");
}

static tokperf_status resolve_list(const struct tkp_settings *settings, enum tkp_option_id id,
                                   struct tkp_plan *plan, const char *const **list, uint32_t *count,
                                   struct tokperf_error *error)
{
    *count = tkp_settings_count(settings, id);
    const char **texts = tkp_arena_alloc(&plan->arena, *count * sizeof *texts);
    uint32_t n = 0;
    if (!texts)
        return no_memory(error);
    for (const struct tkp_setting *s = tkp_settings_get(settings, id); s; s = s->next) {
        for (uint32_t i = 0; i < n && id != TKP_OPT_COLLECTORS; i++) /* these may be alike */
            if (strcmp(texts[i], s->text) == 0)
                return tkp_fail(error, TOKPERF_E_INVALID, "%s: '%s' is given twice", s->origin,
                                s->text);
        texts[n++] = s->text;
    }
    *list = texts;
    return TOKPERF_OK;
}

static tokperf_status list_origins(const struct tkp_settings *settings, struct tkp_plan *plan,
                                   struct tokperf_error *error)
{
    uint32_t count = tkp_settings_count(settings, TKP_OPT_EXPORTERS);
    const char **origins = tkp_arena_alloc(&plan->arena, count * sizeof *origins);
    if (!origins)
        return no_memory(error);
    plan->exporter_origins = origins;
    for (const struct tkp_setting *s = tkp_settings_get(settings, TKP_OPT_EXPORTERS); s;
         s = s->next)
        *origins++ = s->origin;
    return TOKPERF_OK;
}

static tokperf_status resolve_exporters(const struct tkp_settings *settings, struct tkp_plan *plan,
                                        struct tokperf_error *error)
{
    static const char *const defaults[] = {"console", "json", "csv", "jsonl", "raw"};
    bool is_summary = plan->export_level == TKP_EXPORT_SUMMARY;
    bool is_raw = plan->export_level == TKP_EXPORT_RAW;
    if (!tkp_settings_given(settings, TKP_OPT_EXPORTERS)) {
        plan->exporters = defaults;
        plan->exporter_count = is_summary ? 3 : is_raw ? 5 : 4; /* jsonl is per request */
        return TOKPERF_OK;
    }
    for (const struct tkp_setting *s = tkp_settings_get(settings, TKP_OPT_EXPORTERS); s;
         s = s->next)
        if (is_summary && strcmp(s->text, "jsonl") == 0)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: 'jsonl' writes every request, which --export-level summary leaves "
                            "out",
                            s->origin);
    for (const struct tkp_setting *s = tkp_settings_get(settings, TKP_OPT_EXPORTERS); s;
         s = s->next)
        if (!is_raw && strcmp(s->text, "raw") == 0)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: 'raw' writes what --export-level raw keeps; add it", s->origin);
    tokperf_status status = list_origins(settings, plan, error);
    return status ? status
                  : resolve_list(settings, TKP_OPT_EXPORTERS, plan, &plan->exporters,
                                 &plan->exporter_count, error);
}

/* Exporters write PREFIX.json and the like beside the run's own files. */
static tokperf_status check_prefix(const struct tkp_setting *prefix, struct tokperf_error *error)
{
    static const char *const own[] = {"run", "inputs", "config", "records", NULL};
    if (strchr(prefix->text, '/') || !tkp_files_is_safe_name(prefix->text))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: '%s' is not a plain file name; give directories with "
                        "--output-artifact-dir",
                        prefix->origin, prefix->text);
    for (int i = 0; own[i]; i++)
        if (strcmp(prefix->text, own[i]) == 0)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: '%s' is the name of one of the run's own files; choose another",
                            prefix->origin, prefix->text);
    return TOKPERF_OK;
}

static tokperf_status resolve_artifacts(const struct tkp_settings *settings, struct tkp_plan *plan,
                                        struct tokperf_error *error)
{
    const struct tkp_setting *prefix = tkp_settings_get(settings, TKP_OPT_EXPORT_PREFIX);
    const struct tkp_setting *overwrite = tkp_settings_given(settings, TKP_OPT_OVERWRITE);
    tokperf_status status = check_prefix(prefix, error);
    if (status != TOKPERF_OK)
        return status;
    plan->export_prefix = prefix->text;
    plan->artifact_dir = tkp_settings_text(settings, TKP_OPT_ARTIFACT_DIR);
    plan->overwrite = overwrite && overwrite->boolean;
    if (plan->overwrite && !plan->artifact_dir)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: needs --output-artifact-dir; a directory that tokperf names is always "
                        "new",
                        overwrite->origin);
    plan->export_level = (enum tkp_export_level)(
        tkp_settings_choice(settings, TKP_OPT_EXPORT_LEVEL) + TKP_EXPORT_SUMMARY);
    return resolve_exporters(settings, plan, error);
}

static void resolve_events(const struct tkp_settings *settings, struct tkp_plan *plan)
{
    const struct tkp_setting *log = tkp_settings_given(settings, TKP_OPT_EVENTS_LOG);
    plan->events_batch = (uint32_t)tkp_settings_integer(settings, TKP_OPT_EVENTS_BATCH);
    plan->events_log = log ? log->text : NULL;
    plan->events_log_origin = log ? log->origin : NULL;
}

static tokperf_status resolve_collectors(const struct tkp_settings *settings, struct tkp_plan *plan,
                                         struct tokperf_error *error)
{
    plan->baseline_timeout_ns = tkp_settings_ns(settings, TKP_OPT_BASELINE_TIMEOUT);
    return resolve_list(settings, TKP_OPT_COLLECTORS, plan, &plan->collectors,
                        &plan->collector_count, error);
}

static tokperf_status resolve_slos(const struct tkp_settings *settings, struct tkp_plan *plan,
                                   struct tokperf_error *error)
{
    uint32_t count = tkp_settings_count(settings, TKP_OPT_SLOS);
    struct tkp_slo *slos = tkp_arena_alloc(&plan->arena, count * sizeof *slos);
    if (!slos)
        return no_memory(error);
    for (const struct tkp_setting *s = tkp_settings_get(settings, TKP_OPT_SLOS); s; s = s->next)
        slos[plan->slo_count++] = (struct tkp_slo){s->key, s->number};
    plan->slos = slos;
    return TOKPERF_OK;
}

/* There is nothing yet that could be turned on. */
static tokperf_status resolve_collector(const struct tkp_settings *settings, enum tkp_option_id id,
                                        const char *what, bool *is_off, struct tokperf_error *error)
{
    const struct tkp_setting *s = tkp_settings_given(settings, id);
    *is_off = s && !s->boolean;
    if (s && s->boolean)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: there is no %s collector in this version; leave it out or say false",
                        s->origin, what);
    return TOKPERF_OK;
}

static void resolve_limits(const struct tkp_settings *s, struct tkp_limits *limits)
{
    *limits = (struct tkp_limits){
        .client_lag_suspect_ms = tkp_settings_number(s, TKP_OPT_CLIENT_LAG_SUSPECT_MS),
        .client_lag_suspect_pct = tkp_settings_number(s, TKP_OPT_CLIENT_LAG_SUSPECT_PCT),
        .client_lag_invalid_ms = tkp_settings_number(s, TKP_OPT_CLIENT_LAG_INVALID_MS),
        .client_lag_invalid_pct = tkp_settings_number(s, TKP_OPT_CLIENT_LAG_INVALID_PCT),
        .rate_suspect_pct = tkp_settings_number(s, TKP_OPT_RATE_SUSPECT_PCT),
        .rate_invalid_pct = tkp_settings_number(s, TKP_OPT_RATE_INVALID_PCT),
        .error_suspect_pct = tkp_settings_number(s, TKP_OPT_ERROR_SUSPECT_PCT),
        .error_invalid_pct = tkp_settings_number(s, TKP_OPT_ERROR_INVALID_PCT),
        .duration_gap_pct = tkp_settings_number(s, TKP_OPT_DURATION_GAP_PCT),
        .retry_pct = tkp_settings_number(s, TKP_OPT_RETRY_PCT),
        .osl_mismatch_pct = tkp_settings_number(s, TKP_OPT_OSL_MISMATCH_PCT),
        .steal_suspect_pct = tkp_settings_number(s, TKP_OPT_STEAL_SUSPECT_PCT),
        .steal_invalid_pct = tkp_settings_number(s, TKP_OPT_STEAL_INVALID_PCT),
    };
}

static void resolve_messages(const struct tkp_settings *settings, struct tkp_plan *plan)
{
    const struct tkp_setting *ui = tkp_settings_given(settings, TKP_OPT_UI);
    if (ui)
        plan->ui = (enum tkp_ui)(ui->choice + TKP_UI_NONE);
    else
        plan->ui = isatty(STDERR_FILENO) ? TKP_UI_SIMPLE : TKP_UI_NONE;
    plan->log_level =
        (enum tkp_log_level)(tkp_settings_choice(settings, TKP_OPT_LOG_LEVEL) + TKP_LOG_ERROR);
    plan->strict = tkp_settings_bool(settings, TKP_OPT_STRICT);
    plan->snapshot_rate_per_s = tkp_settings_number(settings, TKP_OPT_SNAPSHOT_RATE);
}

static tokperf_status resolve_plugins(const struct tkp_settings *settings, struct tkp_plan *plan,
                                      struct tokperf_error *error)
{
    tokperf_status status = resolve_list(settings, TKP_OPT_PLUGIN_FILES, plan, &plan->plugin_files,
                                         &plan->plugin_file_count, error);
    if (!status)
        status = resolve_list(settings, TKP_OPT_REGISTRY_FILES, plan, &plan->registry_files,
                              &plan->registry_file_count, error);
    if (status)
        return status;
    uint32_t count = tkp_settings_count(settings, TKP_OPT_SET) +
                     tkp_settings_count(settings, TKP_OPT_EXTRA) +
                     tkp_settings_count(settings, TKP_OPT_TEMPLATE_BODY) +
                     tkp_settings_count(settings, TKP_OPT_RESPONSE_FIELD);
    struct tkp_plugin_setting *list = tkp_arena_alloc(&plan->arena, count * sizeof *list);
    if (!list)
        return no_memory(error);
    status = tkp_resolve_template(settings, plan, list, error); /* --set comes behind and wins */
    if (status)
        return status;
    for (const struct tkp_setting *s = tkp_settings_get(settings, TKP_OPT_SET); s; s = s->next) {
        const char *dot = strrchr(s->key, '.'); /* there is one: tkp_members_check_key */
        const char *component = tkp_arena_copy(&plan->arena, s->key, (size_t)(dot - s->key));
        if (!component)
            return no_memory(error);
        list[plan->setting_count++] =
            (struct tkp_plugin_setting){component, dot + 1, s->text, s->origin};
    }
    plan->settings = list;
    return TOKPERF_OK;
}

tokperf_status tkp_resolve_output(const struct tkp_settings *settings, struct tkp_plan *plan,
                                  struct tokperf_error *error)
{
    resolve_messages(settings, plan);
    resolve_events(settings, plan);
    resolve_limits(settings, &plan->limits);
    plan->host_root = tkp_settings_text(settings, TKP_OPT_HOST_ROOT);
    plan->http_trace = tkp_settings_bool(settings, TKP_OPT_HTTP_TRACE);
    tokperf_status status = resolve_artifacts(settings, plan, error);
    if (!status)
        status = resolve_collectors(settings, plan, error);
    if (!status)
        status = resolve_slos(settings, plan, error);
    if (!status)
        status = resolve_collector(settings, TKP_OPT_GPU_TELEMETRY, "GPU", &plan->no_gpu_telemetry,
                                   error);
    if (!status)
        status = resolve_collector(settings, TKP_OPT_SERVER_METRICS, "server metrics",
                                   &plan->no_server_metrics, error);
    return status ? status : resolve_plugins(settings, plan, error);
}

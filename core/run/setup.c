/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setting a run up: plugins and dataset first, so that what the user gave is refused before the
 * server hears of it; then the bundled mock if it is asked for, addresses, the server's readiness
 * and model, the request bodies. No thread of ours exists yet and nothing is created on disk.
 */
#include <run/parts.h>

#include <base/error.h>
#include <base/secrets.h>
#include <base/text.h>
#include <config/resolve.h>
#include <config/secret_values.h>
#include <inttypes.h>
#include <metrics/slo.h>
#include <run/events_log.h>
#include <run/interrupt.h>
#include <run/machine.h>
#include <stdlib.h>
#include <string.h>
#include <target/readiness.h>
#include <unistd.h>
#include <worker/tls.h>
#include <worker/tls_context.h>

/* The path of the run's requests below a URL. */
static const char *request_path(const struct tkp_run *run)
{
    const struct tokperf_endpoint_info *info = &run->endpoint_info;
    if (run->plan->endpoint_path)
        return run->plan->endpoint_path;
    return run->plan->streaming && info->stream_path[0] ? info->stream_path : info->path;
}

/* A URL that was given with the path of its requests is taken without it. */
static tokperf_status drop_path(struct tkp_run *run, struct tkp_url *url,
                                struct tokperf_error *error)
{
    const struct tokperf_endpoint_info *info = &run->endpoint_info;
    const char *given = run->plan->endpoint_path;
    bool good = given ? tkp_url_drop_path(url, given, &run->arena)
                      : tkp_url_drop_path(url, info->path, &run->arena) &&
                            tkp_url_drop_path(url, info->stream_path, &run->arena);
    return good ? TOKPERF_OK : tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the URLs");
}

/* Copies the plan's URLs; one mock server stands in for every mock: URL. */
static tokperf_status resolve_urls(struct tkp_run *run, struct tokperf_error *error)
{
    const struct tkp_plan *plan = run->plan;
    run->urls = tkp_arena_alloc(&run->arena, plan->url_count * sizeof *run->urls);
    if (!run->urls)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the URLs");
    for (uint32_t i = 0; i < plan->url_count; i++) {
        run->urls[i] = plan->urls[i];
        if (plan->urls[i].scheme != TKP_URL_MOCK) {
            tokperf_status status = drop_path(run, &run->urls[i], error);
            if (status != TOKPERF_OK)
                return status;
            continue;
        }
        if (run->mock)
            return tkp_fail(error, TOKPERF_E_INVALID, "%s: 'mock:' can be given once only",
                            plan->urls[i].origin);
        tokperf_status status =
            tkp_mock_child_start(&plan->urls[i], &run->arena, &run->mock, &run->urls[i], error);
        if (status != TOKPERF_OK)
            return status;
        tkp_log(TKP_LOG_INFO, "the mock server listens on %s", run->urls[i].text);
    }
    return TOKPERF_OK;
}

static tokperf_status check_streaming(const struct tkp_run *run, struct tokperf_error *error)
{
    if (!run->plan->streaming || (run->endpoint_info.flags & TOKPERF_ENDPOINT_STREAMS))
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "--streaming: the endpoint type '%s' does not stream; leave it out",
                    run->plan->endpoint_type);
}

static tokperf_status check_cache_bust(const struct tkp_run *run, struct tokperf_error *error)
{
    if (run->plan->cache_bust == TKP_CACHE_BUST_NONE ||
        (run->endpoint_info.flags & TOKPERF_ENDPOINT_CARRIES_SALT))
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "--cache-bust: the endpoint type '%s' cannot put a marker into its requests; "
                    "leave it out",
                    run->plan->endpoint_type);
}

static tokperf_status check_output_length(const struct tkp_run *run, struct tokperf_error *error)
{
    if (run->plan->osl_mean < 0 || (run->endpoint_info.flags & TOKPERF_ENDPOINT_PRODUCES_TOKENS))
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "--osl: the endpoint type '%s' does not produce tokens; leave it out",
                    run->plan->endpoint_type);
}

/* A setting for a component that this run does not use would be ignored: an error instead. */
static tokperf_status check_settings(const struct tkp_plan *plan, struct tokperf_error *error)
{
    const char *used[TKP_EXPORT_MAX + 3] = {plan->endpoint_type, plan->dataset};
    for (uint32_t i = 0; i < plan->exporter_count && i < TKP_EXPORT_MAX; i++)
        used[2 + i] = plan->exporters[i];
    for (uint32_t i = 0; i < plan->setting_count; i++) {
        const struct tkp_plugin_setting *setting = &plan->settings[i];
        bool known = false;
        for (const char *const *name = used; *name && !known; name++)
            known = strcmp(*name, setting->component) == 0;
        if (known)
            continue;
        const char *closest = tkp_text_closest(setting->component, used);
        return tkp_fail(
            error, TOKPERF_E_INVALID,
            "%s: '%s' is no plugin of this run (they are %s, %s and the exporters)%s%s%s",
            setting->origin, setting->component, plan->endpoint_type, plan->dataset,
            closest ? "; did you mean '" : "", closest ? closest : "", closest ? "'?" : "");
    }
    return TOKPERF_OK;
}

/* origin: of the setting that names the component, or NULL. */
static tokperf_status create(struct tkp_run *run, const char *kind, const char *name,
                             const char *origin, struct tkp_instance **instance,
                             struct tokperf_error *error)
{
    const struct tkp_plan *plan = run->plan;
    tokperf_status status =
        tkp_instance_create(run->registry, kind, name, plan->settings, plan->setting_count,
                            &run->host.api, instance, error);
    if (status == TOKPERF_E_NOT_FOUND && origin)
        tkp_error_prefix(error, "%s", origin);
    return status;
}

static tokperf_status open_plugins(struct tkp_run *run, struct tokperf_error *error)
{
    const struct tkp_plan *plan = run->plan;
    struct tkp_registry_options options = {
        .plugin_files = plan->plugin_files,
        .plugin_file_count = plan->plugin_file_count,
        .registry_files = plan->registry_files,
        .registry_file_count = plan->registry_file_count,
        .environment = (const char *const *)environ,
    };
    tkp_host_init(&run->host);
    run->host.cancel = tkp_interrupt_flag();
    run->host.terminal_fd = STDOUT_FILENO;
    run->host.terminal_failed = &run->terminal_failed;
    run->host.tokens = run->tokenizer ? &run->prompt_counter : NULL;
    tkp_crash_handler_install();
    tokperf_status status = tkp_registry_open(&options, &run->registry, error);
    if (status == TOKPERF_OK)
        status = check_settings(plan, error);
    if (status == TOKPERF_OK)
        status = create(run, "endpoint", plan->endpoint_type, plan->endpoint_type_origin,
                        &run->endpoint, error);
    if (status == TOKPERF_OK)
        status = create(run, "dataset", plan->dataset, plan->dataset_origin, &run->source, error);
    if (status == TOKPERF_OK)
        status =
            tkp_exports_create(plan, run->registry, &run->host.api, false, &run->exports, error);
    if (status != TOKPERF_OK)
        return status;
    const struct tokperf_endpoint_vtable *vtable = run->endpoint->vtable;
    tkp_crash_note = run->endpoint->plugin_id;
    status = vtable->describe(run->endpoint->self, &run->endpoint_info, error);
    tkp_crash_note = NULL;
    if (status == TOKPERF_OK)
        status = check_cache_bust(run, error);
    if (status == TOKPERF_OK)
        status = check_streaming(run, error);
    return status == TOKPERF_OK ? check_output_length(run, error) : status;
}

static tokperf_status meet_server(struct tkp_run *run, struct tokperf_error *error)
{
    const struct tkp_plan *plan = run->plan;
    const struct tkp_flag *cancel = tkp_interrupt_flag();
    run->model = plan->model;
    for (uint32_t i = 0; i < plan->url_count; i++) {
        tokperf_status status =
            tkp_readiness_wait(plan, &run->urls[i], run->endpoint, plan->model, cancel, error);
        if (status != TOKPERF_OK)
            return status;
    }
    if (run->model)
        return TOKPERF_OK;
    return tkp_readiness_first_model(plan, &run->urls[0], cancel, &run->arena, &run->model, error);
}

/* Documents of the run, and what is made again from them, name the model that was used. */
static tokperf_status keep_model(struct tkp_run *run, struct tokperf_error *error)
{
    if (run->plan->model)
        return TOKPERF_OK;
    run->resolved = *run->plan;
    run->resolved.model = run->model;
    run->resolved.arena = run->arena; /* for the time of the call: the plan's own is the caller's */
    tokperf_status status = tkp_resolve_documents(&run->resolved, error);
    run->arena = run->resolved.arena;
    run->resolved.arena = (struct tkp_arena){0};
    run->plan = &run->resolved;
    return status;
}

/* Where connections go: to the URL's host, unless the proxy finds out where that is. */
static tokperf_status resolve_target(struct tkp_run *run, const struct tkp_url *url,
                                     const char *path, struct tkp_target *target,
                                     struct tokperf_error *error)
{
    const struct tkp_plan *plan = run->plan;
    bool is_proxy = plan->proxy && url == &plan->proxy->url;
    *target = (struct tkp_target){.url = url, .path = path};
    if (plan->proxy && !is_proxy && tkp_proxy_resolves_names(plan->proxy))
        return TOKPERF_OK;
    tokperf_status status = tkp_target_resolve(url, path, plan, target, error);
    if (status != TOKPERF_OK || (plan->proxy && !is_proxy))
        return status;
    return tkp_target_keep_reachable(target, plan->sources, plan->source_count, error);
}

static tokperf_status resolve_targets(struct tkp_run *run, struct tokperf_error *error)
{
    const struct tkp_plan *plan = run->plan;
    const char *path = request_path(run);
    run->targets = tkp_arena_alloc(&run->arena, plan->url_count * sizeof *run->targets);
    if (!run->targets)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the targets");
    tokperf_status status = TOKPERF_OK;
    for (uint32_t i = 0; i < plan->url_count && status == TOKPERF_OK; i++) {
        const char *full = tkp_url_path(&run->urls[i], path, &run->arena);
        status = resolve_target(run, &run->urls[i], full, &run->targets[i], error);
    }
    if (status == TOKPERF_OK && plan->proxy)
        status = resolve_target(run, &plan->proxy->url, "/", &run->proxy, error);
    return status;
}

static bool uses_tls(const struct tkp_plan *plan)
{
    for (uint32_t i = 0; i < plan->url_count; i++)
        if (plan->urls[i].scheme == TKP_URL_HTTPS)
            return true;
    return false;
}

/* The files of TLS are the user's inputs: they are read before anybody is asked anything. */
static tokperf_status open_tls(struct tkp_run *run, struct tokperf_error *error)
{
    return uses_tls(run->plan) ? tkp_tls_context_create(&run->plan->tls, &run->tls, error)
                               : TOKPERF_OK;
}

static tokperf_status make_dataset(struct tkp_run *run, struct tokperf_error *error)
{
    struct tkp_dataset_inputs inputs = {
        .plan = run->plan, .source = run->source, .endpoint = run->endpoint};
    tokperf_status status = tkp_dataset_create(&inputs, &run->dataset, error);
    /* a file that the user named and that cannot be read or used is the user's to correct */
    bool of_file = status == TOKPERF_E_IO || status == TOKPERF_E_DENIED ||
                   status == TOKPERF_E_UNSUPPORTED || status == TOKPERF_E_LIMIT;
    bool unreadable = status == TOKPERF_E_IO || status == TOKPERF_E_DENIED ||
                      status == TOKPERF_E_NOT_FOUND; /* others name a line of the file */
    if (unreadable && run->plan->input_file)
        tkp_error_prefix(error, "%s", run->plan->input_file_origin);
    bool of_user = (of_file && run->plan->input_file) || status == TOKPERF_E_UNSUPPORTED;
    return of_user ? TOKPERF_E_INVALID : status;
}

/* Different addresses among those that are tried first; 0 when one is a unix socket. */
static uint32_t count_destinations(const struct tkp_run *run)
{
    uint32_t count = 0;
    if (run->plan->proxy)
        return 1;
    for (uint32_t i = 0; i < run->plan->url_count; i++) {
        const struct tkp_target *target = &run->targets[i];
        if (target->addresses[0].ss_family == AF_UNIX)
            return 0;
        bool is_new = true;
        for (uint32_t k = 0; k < i && is_new; k++)
            is_new = target->address_lengths[0] != run->targets[k].address_lengths[0] ||
                     memcmp(&target->addresses[0], &run->targets[k].addresses[0],
                            target->address_lengths[0]) != 0;
        count += is_new;
    }
    return count;
}

static tokperf_status check_limits(struct tkp_run *run, struct tokperf_error *error)
{
    uint64_t bytes = tkp_workers_stream_bytes(run->endpoint, run->plan->uses_curl);
    if (uses_tls(run->plan))
        bytes += TKP_TLS_CONNECTION_BYTES;
    tkp_limits_read(run->plan->host_root, &run->limits);
    run->demand = tkp_demand_of(run->plan, bytes);
    return tkp_limits_check(&run->limits, &run->demand, error);
}

static tokperf_status check_ports(struct tkp_run *run, struct tokperf_error *error)
{
    uint64_t ports;
    run->demand.destinations = count_destinations(run);
    if (tkp_limits_ports_may_run_out(&run->limits, &run->demand, &ports))
        tkp_log(TKP_LOG_WARNING,
                "--connection-reuse-strategy %s takes a new one of %" PRIu64
                " local ports, and may keep it for %d s after its end: they run out at more than "
                "%" PRIu64 " connections/s; give more --source-address, or reuse connections",
                run->plan->reuse == TKP_REUSE_STICKY ? "sticky-user-sessions: each conversation"
                                                     : "never: each request",
                ports, TKP_LIMITS_TIME_WAIT_S, ports / TKP_LIMITS_TIME_WAIT_S);
    return tkp_limits_check_ports(&run->limits, &run->demand, error);
}

static void plan_cpus(struct tkp_run *run)
{
    struct tkp_topology topology;
    tkp_topology_read_allowed(&topology);
    tkp_cpu_plan_make(&topology, run->plan->workers, run->plan->cpu_affinity, &run->cpus);
    if (run->tokenizer)
        tkp_cpu_plan_add_lanes(&topology, run->plan->tokenizer_threads, &run->cpus);
}

/* Metrics of the chunks of a stream. */
static bool needs_streaming(enum tkp_metric_id id)
{
    static const enum tkp_metric_id ids[] = {TKP_METRIC_TIME_TO_FIRST_TOKEN,
                                             TKP_METRIC_TIME_TO_SECOND_TOKEN,
                                             TKP_METRIC_TIME_TO_FIRST_OUTPUT_TOKEN,
                                             TKP_METRIC_INTER_TOKEN_LATENCY,
                                             TKP_METRIC_INTER_TOKEN_LATENCY_AFTER_FIRST_CHUNK,
                                             TKP_METRIC_DECODE_DURATION,
                                             TKP_METRIC_OUTPUT_TOKEN_THROUGHPUT_PER_USER,
                                             TKP_METRIC_PREFILL_THROUGHPUT_PER_USER};
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (ids[i] == id)
            return true;
    return false;
}

/* An objective on what is not measured would fail every request. */
static tokperf_status check_objectives(const struct tkp_plan *plan, struct tokperf_error *error)
{
    tokperf_status status = tkp_slos_check(plan->slos, plan->slo_count, error);
    for (uint32_t i = 0; status == TOKPERF_OK && !plan->http_trace && i < plan->slo_count; i++) {
        const char *tag = plan->slos[i].tag;
        if (tkp_metric_def(tkp_metric_find(tag))->group == TOKPERF_GROUP_HTTP)
            status = tkp_fail(error, TOKPERF_E_INVALID,
                              "--goodput: '%s' is measured with --export-http-trace only", tag);
    }
    for (uint32_t i = 0; status == TOKPERF_OK && !plan->streaming && i < plan->slo_count; i++)
        if (needs_streaming(tkp_metric_find(plan->slos[i].tag)))
            status =
                tkp_fail(error, TOKPERF_E_INVALID,
                         "--goodput: '%s' is measured with --streaming only", plan->slos[i].tag);
    return status;
}

/* A root that the user names has to have what it is named for. */
static tokperf_status check_host_root(const struct tkp_plan *plan, struct tokperf_error *error)
{
    struct tkp_machine machine;
    if (strcmp(plan->host_root, "/") == 0 ||
        tkp_machine_read(plan->host_root, &machine, error) == TOKPERF_OK)
        return TOKPERF_OK;
    tkp_error_prefix(error, "--verdict-host-root");
    return error->status = TOKPERF_E_INVALID;
}

/* From here on no log line and no row holds a credential, also not out of a server's answer. */
static tokperf_status hide_secrets(struct tkp_run *run, struct tokperf_error *error)
{
    const struct tokperf_span *list;
    uint32_t count;
    tokperf_status status = tkp_secret_values(run->plan, &run->arena, &list, &count, error);
    if (status == TOKPERF_OK)
        tkp_secrets_set(list, count);
    return status;
}

tokperf_status tkp_run_set_up_inputs(struct tkp_run *run, struct tokperf_error *error)
{
    tkp_arena_init(&run->arena, 0);
    tkp_limits_raise_descriptors();
    tokperf_status status = hide_secrets(run, error);
    if (status == TOKPERF_OK)
        status = tkp_rundir_check(run->plan, error);
    if (status == TOKPERF_OK)
        status = tkp_events_log_check(run->plan, error);
    if (status == TOKPERF_OK)
        status = check_objectives(run->plan, error);
    if (status == TOKPERF_OK)
        status = check_host_root(run->plan, error);
    if (status == TOKPERF_OK)
        status = tkp_run_open_tokenizer(run, error);
    if (status == TOKPERF_OK)
        status = open_plugins(run, error);
    if (status == TOKPERF_OK)
        status = tkp_collectors_check(run->plan->collectors, run->plan->collector_count, error);
    if (status == TOKPERF_OK)
        status = check_limits(run, error);
    if (status == TOKPERF_OK)
        status = open_tls(run, error);
    if (status == TOKPERF_OK)
        status = make_dataset(run, error);
    if (status == TOKPERF_OK)
        tkp_run_count_prompts(run);
    return status;
}

tokperf_status tkp_run_set_up(struct tkp_run *run, struct tokperf_error *error)
{
    tokperf_status status = tkp_run_set_up_inputs(run, error);
    if (status == TOKPERF_OK)
        status = resolve_urls(run, error);
    if (status == TOKPERF_OK)
        status = tkp_run_start_collectors(run, error);
    if (status == TOKPERF_OK)
        status = resolve_targets(run, error);
    if (status == TOKPERF_OK)
        status = check_ports(run, error);
    if (status == TOKPERF_OK)
        status = tkp_run_choose_clock(run, error);
    if (status == TOKPERF_OK)
        status = meet_server(run, error);
    if (status == TOKPERF_OK)
        status = keep_model(run, error);
    if (status == TOKPERF_OK)
        status = tkp_dataset_render(run->dataset, run->model, error);
    if (status == TOKPERF_OK)
        status = tkp_run_reset_cache(run, error);
    plan_cpus(run);
    return status;
}

void tkp_run_take_down(struct tkp_run *run)
{
    tkp_run_close_tokens(run);
    tkp_dataset_destroy(run->dataset);
    tkp_exports_finish(&run->exports);
    tkp_instance_destroy(run->source);
    tkp_instance_destroy(run->endpoint);
    tkp_registry_close(run->registry);
    tkp_tls_context_destroy(run->tls);
    tkp_mock_child_stop(run->mock);
    tkp_collectors_destroy(run->collectors);
    free(run->controls);
    if (run->stamps_fd > 0)
        close(run->stamps_fd);
    tkp_secrets_set(NULL, 0);
    tkp_arena_finish(&run->arena);
}

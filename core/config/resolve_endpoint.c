/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoint's part of the plan: whom to ask, how, and how long to wait. [main] */
#include <config/resolve_parts.h>

#include <base/error.h>
#include <base/text.h>
#include <string.h>

static tokperf_status no_memory(struct tokperf_error *error)
{
    return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plan");
}

static tokperf_status resolve_urls(const struct tkp_settings *settings, struct tkp_plan *plan,
                                   struct tokperf_error *error)
{
    uint32_t count = tkp_settings_count(settings, TKP_OPT_URL);
    struct tkp_url *urls = tkp_arena_alloc(&plan->arena, count * sizeof *urls);
    if (!urls)
        return no_memory(error);
    for (const struct tkp_setting *s = tkp_settings_get(settings, TKP_OPT_URL); s; s = s->next) {
        struct tkp_url *url = &urls[plan->url_count++];
        tokperf_status status = tkp_url_parse(s->text, &plan->arena, url, error);
        url->origin = s->origin;
        if (status) {
            tkp_error_prefix(error, "%s", s->origin);
            return status;
        }
    }
    plan->urls = urls;
    return TOKPERF_OK;
}

static tokperf_status resolve_model(const struct tkp_settings *settings, struct tkp_plan *plan,
                                    struct tokperf_error *error)
{
    const struct tkp_setting *model = tkp_settings_given(settings, TKP_OPT_MODEL);
    if (model && strchr(model->text, ','))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: '%s' names several models: run once for each", model->origin,
                        model->text);
    plan->model = model ? model->text : NULL;
    return TOKPERF_OK;
}

static tokperf_status resolve_path(const struct tkp_settings *settings, struct tkp_plan *plan,
                                   struct tokperf_error *error)
{
    const struct tkp_setting *path = tkp_settings_given(settings, TKP_OPT_ENDPOINT_PATH);
    if (path && strstr(path->text, "://") && strcspn(path->text, ":") < strcspn(path->text, "/?"))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: '%s' is a URL; name the server with --url and only the path here",
                        path->origin, path->text);
    for (const char *p = path ? path->text : ""; *p; p++)
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || *p == '#')
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: '%s' has a byte that must be percent-encoded", path->origin,
                            path->text);
    plan->endpoint_path = path ? path->text : NULL;
    return TOKPERF_OK;
}

/* A boolean that is true and was given, for rules about what it needs. */
static const struct tkp_setting *wanted(const struct tkp_settings *settings, enum tkp_option_id id)
{
    const struct tkp_setting *s = tkp_settings_given(settings, id);
    return s && s->boolean ? s : NULL;
}

/* Types of ours that name the limit otherwise, or leave it to the dataset. Others may use it. */
static bool has_no_legacy_limit(const char *type)
{
    static const char *const types[] = {"embeddings", "huggingface_generate", "ollama", "raw",
                                        "template"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

static tokperf_status resolve_tokens(const struct tkp_settings *settings, struct tkp_plan *plan,
                                     struct tokperf_error *error)
{
    plan->use_server_token_count = tkp_settings_bool(settings, TKP_OPT_USE_SERVER_TOKEN_COUNT);
    const struct tkp_setting *chunk = wanted(settings, TKP_OPT_PER_CHUNK_USAGE);
    const struct tkp_setting *legacy = wanted(settings, TKP_OPT_USE_LEGACY_MAX_TOKENS);
    bool is_chat = strcmp(plan->endpoint_type, "chat") == 0;
    if (chunk && (!is_chat || !plan->streaming || !plan->use_server_token_count))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: needs --endpoint-type chat, --streaming and --use-server-token-count",
                        chunk->origin);
    if (legacy && strcmp(plan->endpoint_type, "completions") == 0)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: --endpoint-type completions sends max_tokens anyway; leave it out",
                        legacy->origin);
    if (legacy && has_no_legacy_limit(plan->endpoint_type))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: --endpoint-type %s does not send max_completion_tokens; leave it out",
                        legacy->origin, plan->endpoint_type);
    plan->per_chunk_usage = chunk != NULL;
    plan->legacy_max_tokens = legacy != NULL;
    return TOKPERF_OK;
}

static tokperf_status resolve_timeout(const struct tkp_settings *settings, enum tkp_option_id id,
                                      uint64_t request_ns, uint64_t *timeout_ns,
                                      struct tokperf_error *error)
{
    const struct tkp_setting *given = tkp_settings_given(settings, id);
    *timeout_ns = given ? given->duration_ns : request_ns;
    if (*timeout_ns > request_ns)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: '%s' is longer than the request timeout and would never apply; raise "
                        "--request-timeout-seconds",
                        given->origin, given->text);
    return TOKPERF_OK;
}

static tokperf_status resolve_timeouts(const struct tkp_settings *settings, struct tkp_plan *plan,
                                       struct tokperf_error *error)
{
    uint64_t request_ns = tkp_settings_ns(settings, TKP_OPT_REQUEST_TIMEOUT);
    plan->request_timeout_ns = request_ns;
    tokperf_status status = resolve_timeout(settings, TKP_OPT_CONNECT_TIMEOUT, request_ns,
                                            &plan->connect_timeout_ns, error);
    if (!status)
        status = resolve_timeout(settings, TKP_OPT_FIRST_BYTE_TIMEOUT, request_ns,
                                 &plan->first_byte_timeout_ns, error);
    if (!status)
        status = resolve_timeout(settings, TKP_OPT_IDLE_TIMEOUT, request_ns, &plan->idle_timeout_ns,
                                 error);
    return status;
}

static tokperf_status resolve_wait(const struct tkp_settings *settings, struct tkp_plan *plan,
                                   struct tokperf_error *error)
{
    static const enum tkp_option_id ids[] = {TKP_OPT_WAIT_MODE, TKP_OPT_WAIT_INTERVAL};
    plan->wait_timeout_ns = tkp_settings_ns(settings, TKP_OPT_WAIT_TIMEOUT);
    plan->wait_interval_ns = tkp_settings_ns(settings, TKP_OPT_WAIT_INTERVAL);
    plan->wait_mode =
        (enum tkp_wait_mode)(tkp_settings_choice(settings, TKP_OPT_WAIT_MODE) + TKP_WAIT_MODELS);
    for (size_t i = 0; !plan->wait_timeout_ns && i < sizeof ids / sizeof ids[0]; i++) {
        const struct tkp_setting *given = tkp_settings_given(settings, ids[i]);
        if (given)
            return tkp_fail(error, TOKPERF_E_INVALID, "%s: needs --wait-for-model-timeout",
                            given->origin);
    }
    return TOKPERF_OK;
}

static tokperf_status resolve_extra(const struct tkp_settings *settings, struct tkp_plan *plan,
                                    struct tokperf_error *error)
{
    uint32_t count = tkp_settings_count(settings, TKP_OPT_EXTRA);
    struct tokperf_member *extra = tkp_arena_alloc(&plan->arena, count * sizeof *extra);
    if (!extra)
        return no_memory(error);
    for (const struct tkp_setting *s = tkp_settings_get(settings, TKP_OPT_EXTRA); s; s = s->next)
        if (!tkp_resolve_is_template_extra(plan, s->key))
            extra[plan->extra_count++] =
                (struct tokperf_member){tkp_span(s->key), tkp_span(s->text)};
    plan->extra = extra;
    return TOKPERF_OK;
}

tokperf_status tkp_resolve_endpoint(const struct tkp_settings *settings, struct tkp_plan *plan,
                                    struct tokperf_error *error)
{
    plan->endpoint_type = tkp_settings_text(settings, TKP_OPT_ENDPOINT_TYPE);
    plan->endpoint_type_origin = tkp_settings_get(settings, TKP_OPT_ENDPOINT_TYPE)->origin;
    plan->streaming = tkp_settings_bool(settings, TKP_OPT_STREAMING);
    plan->reuse = (enum tkp_reuse)(tkp_settings_choice(settings, TKP_OPT_REUSE) + TKP_REUSE_POOLED);
    tokperf_status status = resolve_urls(settings, plan, error);
    if (!status)
        status = resolve_model(settings, plan, error);
    if (!status)
        status = resolve_path(settings, plan, error);
    if (!status)
        status = resolve_tokens(settings, plan, error);
    if (!status)
        status = resolve_timeouts(settings, plan, error);
    if (!status)
        status = resolve_wait(settings, plan, error);
    return status ? status : resolve_extra(settings, plan, error);
}

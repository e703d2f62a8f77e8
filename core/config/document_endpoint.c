/* SPDX-License-Identifier: Apache-2.0 */
/* The server's side of a plan's document: URLs, headers, connections, control. [main] */
#include <config/document_put.h>

#include <base/json_write.h>
#include <base/text.h>
#include <config/redact.h>
#include <config/settings.h>
#include <stdio.h>
#include <string.h>

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

static void put_urls(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    tkp_document_put_key(w, "urls");
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
    tkp_document_put_object(w, "headers");
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
    tkp_document_put_object(w, "extra");
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
    tkp_document_put_key(w, "source_addresses");
    json->array_begin(w);
    for (uint32_t i = 0; i < plan->source_count; i++)
        json->string(w, tkp_span(plan->sources[i].text));
    json->array_end(w);
}

static void put_tls(struct tokperf_json_writer *w, const struct tkp_tls_plan *tls)
{
    tkp_document_put_object(w, "tls");
    tkp_json_write_pair(w, "ca_file", tls->ca_file);
    tkp_document_put_bool(w, "insecure", tls->insecure);
    tkp_json_write_pair(w, "cert_file", tls->cert_file);
    tkp_json_write_pair(w, "key_file", tls->key_file);
    tkp_document_put_choice(w, "min_version", TKP_OPT_TLS_MIN_VERSION, tls->min_version);
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
        tkp_document_put_choice(w, "ip_version", TKP_OPT_IP_VERSION, plan->ip_version);
        tkp_document_put_seconds(w, "tcp_keepalive", plan->tcp_keepalive_ns);
        tkp_document_put_seconds(w, "tcp_user_timeout", plan->tcp_user_timeout_ns);
    }
    if (plan->resolve_rule_count) {
        tkp_document_put_key(w, "resolve");
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
    tkp_document_put_choice(w, "transport", TKP_OPT_TRANSPORT, plan->transport);
    tkp_document_put_choice(w, "http_version", TKP_OPT_HTTP_VERSION, plan->http_version);
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
    tkp_document_put_object(w, key);
    tkp_document_put_bool(w, "enabled", true);
    put_path(w, control->stop_path ? "start_path" : "path", control->path);
    if (control->stop_path)
        put_path(w, "stop_path", control->stop_path);
    tkp_document_put_seconds(w, "timeout_seconds", control->timeout_ns);
    json->object_end(w);
}

void tkp_document_put_endpoint(struct tokperf_json_writer *w, const struct tkp_plan *plan)
{
    tkp_document_put_object(w, "endpoint");
    put_urls(w, plan);
    tkp_json_write_pair(w, "type", plan->endpoint_type);
    if (plan->endpoint_path)
        put_path(w, "path", plan->endpoint_path);
    tkp_document_put_bool(w, "streaming", plan->streaming);
    put_headers(w, plan);
    put_extra(w, plan);
    tkp_document_put_bool(w, "use_server_token_count", plan->use_server_token_count);
    tkp_document_put_bool(w, "per_chunk_usage", plan->per_chunk_usage);
    tkp_document_put_bool(w, "use_legacy_max_tokens", plan->legacy_max_tokens);
    tkp_document_put_seconds(w, "timeout", plan->request_timeout_ns);
    tkp_document_put_seconds(w, "connect_timeout", plan->connect_timeout_ns);
    tkp_document_put_seconds(w, "first_byte_timeout", plan->first_byte_timeout_ns);
    tkp_document_put_seconds(w, "idle_timeout", plan->idle_timeout_ns);
    tkp_document_put_choice(w, "connection_reuse", TKP_OPT_REUSE, plan->reuse);
    tkp_document_put_seconds(w, "wait_for_model_timeout", plan->wait_timeout_ns);
    if (plan->wait_timeout_ns) {
        tkp_document_put_choice(w, "wait_for_model_mode", TKP_OPT_WAIT_MODE, plan->wait_mode);
        tkp_document_put_seconds(w, "wait_for_model_interval", plan->wait_interval_ns);
    }
    put_sources(w, plan);
    tkp_json_write_pair(w, "session_header", plan->session_header);
    put_control(w, "reset_kv_cache", &plan->reset_kv_cache);
    put_control(w, "server_profiler", &plan->server_profiler);
    put_connection(w, plan);
    put_transport(w, plan);
    json->object_end(w);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* See server_control.h. The failure rules are AIPerf's. */
#include <target/server_control.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/log.h>
#include <base/secrets.h>
#include <base/text.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <target/http_probe.h>

enum {
    RESET_RETRY_S = 60,    /* of one server that is busy */
    FIRST_PAUSE_MS = 1000, /* before it is asked again, doubling */
    LAST_PAUSE_MS = 8000,
    POLL_STEP_MS = 20
};

/* One kind of call. */
struct order {
    const char *action, *path, *option;
    uint64_t timeout_ns;
    uint64_t retry_ns; /* 0: asked once */
    bool uninterrupted;
};

static bool is_same_server(const struct tkp_url *a, const struct tkp_url *b)
{
    bool is_unix = a->scheme == TKP_URL_UNIX;
    return a->scheme == b->scheme && strcmp(a->host_port, b->host_port) == 0 &&
           (!is_unix || strcmp(a->unix_path, b->unix_path) == 0);
}

static bool is_repeated(const struct tkp_server_group *group, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (is_same_server(&group->urls[i], &group->urls[index]))
            return true;
    return false;
}

/* "http://host:8000/reset_prefix_cache", a secret in its query hidden; NULL without memory. */
static const char *name_url(const struct tkp_server_group *group, const struct tkp_url *url,
                            const char *path)
{
    const char *text = url->scheme == TKP_URL_UNIX
                           ? tkp_arena_printf(group->arena, "unix:%s%s", url->unix_path, path)
                           : tkp_arena_printf(group->arena, "%s://%s%s",
                                              url->scheme == TKP_URL_HTTPS ? "https" : "http",
                                              url->host_port, path);
    size_t capacity = text ? 2 * strlen(text) + 64 : 0;
    char *shown = text ? tkp_arena_alloc(group->arena, capacity) : NULL;
    if (shown)
        tkp_text_redact_url(shown, capacity, text);
    return shown;
}

/* HTTP's ways to say: not now (409 Conflict, 423 Locked, 429, 503). */
static bool is_busy(tokperf_status status, long http_status)
{
    return status == TOKPERF_E_IO || http_status == 409 || http_status == 423 ||
           http_status == 429 || http_status == 503;
}

/* One attempt; *error says why it failed. */
static tokperf_status attempt(const struct tkp_server_group *group, const struct tkp_url *url,
                              const struct order *order, struct tkp_control_call *call,
                              struct tokperf_error *error)
{
    struct tkp_buffer answer;
    tkp_buffer_init(&answer, TKP_PROBE_MAX_BYTES);
    struct tkp_probe probe = {
        .plan = group->plan,
        .url = url,
        .path = order->path,
        .post = true,
        .timeout_ns = order->timeout_ns,
        .cancel = order->uninterrupted ? NULL : group->cancel,
    };
    call->attempts++;
    call->http_status = 0;
    tokperf_status status = tkp_probe_send(&probe, &call->http_status, &answer, error);
    struct tokperf_span said = tkp_span_trim(tkp_buffer_span(&answer));
    (void)tkp_secrets_copy(call->message, sizeof call->message, said);
    call->ok = status == TOKPERF_OK && call->http_status >= 200 && call->http_status <= 299;
    if (status != TOKPERF_OK)
        (void)tkp_secrets_copy(call->message, sizeof call->message, tkp_span(error->message));
    else if (!call->ok)
        status = tkp_fail(error, TOKPERF_E_UNSUPPORTED, "it answers with HTTP status %ld%s%.200s",
                          call->http_status, call->message[0] ? ": " : "", call->message);
    tkp_buffer_finish(&answer);
    return status;
}

static void pause_ms(uint64_t ms, const struct tkp_flag *cancel)
{
    uint64_t until_ns = tkp_clock_after_ns(tkp_clock_now_ns(), ms * TKP_NS_PER_MS);
    while (tkp_clock_now_ns() < until_ns && !tkp_flag_is_raised(cancel))
        poll(NULL, 0, POLL_STEP_MS);
}

/* Attempts until it is done, cannot be, or the time for it is over. */
static tokperf_status call_server(const struct tkp_server_group *group, const struct tkp_url *url,
                                  const struct order *order, struct tokperf_error *error)
{
    struct tkp_control_call call = {.action = order->action,
                                    .url = name_url(group, url, order->path),
                                    .start_realtime_ns = tkp_clock_realtime_ns()};
    uint64_t begin_ns = tkp_clock_now_ns();
    uint64_t until_ns = tkp_clock_after_ns(begin_ns, order->retry_ns), pause = FIRST_PAUSE_MS;
    if (!call.url)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the requests to the server");
    tokperf_status status;
    for (;;) {
        status = attempt(group, url, order, &call, error);
        uint64_t next_ns = tkp_clock_after_ns(tkp_clock_now_ns(), pause * TKP_NS_PER_MS);
        if (status == TOKPERF_OK || !is_busy(status, call.http_status) || next_ns >= until_ns)
            break;
        tkp_log(TKP_LOG_WARNING, "%s: POST %s: %s; asked again in %" PRIu64 " s", order->option,
                call.url, error->message, pause / 1000);
        pause_ms(pause, group->cancel);
        pause = pause * 2 < LAST_PAUSE_MS ? pause * 2 : LAST_PAUSE_MS;
    }
    call.duration_ns = tkp_clock_now_ns() - begin_ns;
    group->called(group->context, &call);
    if (status == TOKPERF_OK || status == TOKPERF_E_CANCELLED || status == TOKPERF_E_NO_MEMORY)
        return status;
    tkp_error_prefix(error, "%s: POST %s", order->option, call.url);
    return error->status = TOKPERF_E_IO;
}

tokperf_status tkp_servers_reset_cache(const struct tkp_server_group *group,
                                       struct tokperf_error *error)
{
    const struct tkp_server_control *control = &group->plan->reset_kv_cache;
    const struct order order = {.action = "reset_kv_cache",
                                .path = control->path,
                                .option = "--reset-kv-cache",
                                .timeout_ns = control->timeout_ns,
                                .retry_ns = RESET_RETRY_S * TKP_NS_PER_S};
    tokperf_status status = TOKPERF_OK;
    for (uint32_t i = 0; status == TOKPERF_OK && i < group->plan->url_count; i++)
        if (!is_repeated(group, i))
            status = call_server(group, &group->urls[i], &order, error);
    return status;
}

/* Of the first `count` URLs. */
static tokperf_status stop_first(const struct tkp_server_group *group, uint32_t count,
                                 struct tokperf_error *error)
{
    const struct tkp_server_control *control = &group->plan->server_profiler;
    const struct order order = {.action = "stop_profile",
                                .path = control->stop_path,
                                .option = "--server-profiler",
                                .timeout_ns = control->timeout_ns,
                                .uninterrupted = true};
    tokperf_status first = TOKPERF_OK;
    for (uint32_t i = 0; i < count; i++) {
        struct tokperf_error failure = {0};
        if (is_repeated(group, i))
            continue;
        tokperf_status status = call_server(group, &group->urls[i], &order, &failure);
        if (status == TOKPERF_OK || first != TOKPERF_OK)
            continue;
        first = status;
        *error = failure;
    }
    return first;
}

tokperf_status tkp_servers_start_profiler(const struct tkp_server_group *group,
                                          struct tokperf_error *error)
{
    const struct tkp_server_control *control = &group->plan->server_profiler;
    const struct order order = {.action = "start_profile",
                                .path = control->path,
                                .option = "--server-profiler",
                                .timeout_ns = control->timeout_ns};
    for (uint32_t i = 0; i < group->plan->url_count; i++) {
        struct tokperf_error ignored;
        if (is_repeated(group, i))
            continue;
        tokperf_status status = call_server(group, &group->urls[i], &order, error);
        if (status == TOKPERF_OK)
            continue;
        /* of a request that was cut off nobody knows whether it started one */
        if (stop_first(group, status == TOKPERF_E_CANCELLED ? i + 1 : i, &ignored) != TOKPERF_OK)
            tkp_log(TKP_LOG_WARNING, "%s", ignored.message);
        return status;
    }
    return TOKPERF_OK;
}

tokperf_status tkp_servers_stop_profiler(const struct tkp_server_group *group,
                                         struct tokperf_error *error)
{
    return stop_first(group, group->plan->url_count, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which transport carries the requests, and that what was asked for goes together. [main] */
#include <config/resolve_parts.h>

#include <base/error.h>
#include <base/text.h>

static const struct tkp_url *find_url(const struct tkp_plan *plan, enum tkp_url_scheme scheme)
{
    for (uint32_t i = 0; i < plan->url_count; i++)
        if (plan->urls[i].scheme == scheme)
            return &plan->urls[i];
    return NULL;
}

/* HTTP/2 is agreed upon inside of TLS; without TLS both sides have to know. */
static tokperf_status check_version(const struct tkp_settings *settings,
                                    const struct tkp_plan *plan, struct tokperf_error *error)
{
    const struct tkp_setting *given = tkp_settings_get(settings, TKP_OPT_HTTP_VERSION);
    const struct tkp_url *mock = find_url(plan, TKP_URL_MOCK);
    if (plan->http_version == TKP_HTTP_VERSION_1_1)
        return TOKPERF_OK;
    if (mock)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: %s speaks HTTP/1.1 only; leave one out",
                        given->origin, mock->text);
    for (uint32_t i = 0; i < plan->url_count; i++) {
        bool is_tls = plan->urls[i].scheme == TKP_URL_HTTPS;
        if (is_tls == (plan->http_version == TKP_HTTP_VERSION_2))
            continue;
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: %s needs --http-version %s", given->origin,
                        plan->urls[i].text, is_tls ? "2" : "2-prior-knowledge");
    }
    return TOKPERF_OK;
}

static tokperf_status check_proxy(const struct tkp_settings *settings, const struct tkp_plan *plan,
                                  struct tokperf_error *error)
{
    const struct tkp_setting *given = tkp_settings_given(settings, TKP_OPT_PROXY);
    const struct tkp_setting *rule = tkp_settings_given(settings, TKP_OPT_RESOLVE);
    const struct tkp_url *path = find_url(plan, TKP_URL_UNIX);
    if (!plan->proxy)
        return TOKPERF_OK;
    if (path)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: no proxy leads to %s; leave one out",
                        given->origin, path->text);
    if (rule && tkp_proxy_resolves_names(plan->proxy))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: the proxy %s finds the servers' addresses itself; leave one out",
                        rule->origin, plan->proxy->text);
    return TOKPERF_OK;
}

/* What libcurl cannot do. */
static tokperf_status check_curl(const struct tkp_settings *settings, const struct tkp_plan *plan,
                                 struct tokperf_error *error)
{
    if (plan->receive_clock == TKP_RECEIVE_CLOCK_KERNEL)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: libcurl, which carries the requests (%s), does not show the kernel's "
                        "stamps; leave one out",
                        tkp_settings_get(settings, TKP_OPT_RECEIVE_CLOCK)->origin,
                        plan->transport_reason);
    if (plan->reuse == TKP_REUSE_STICKY)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: libcurl, which carries the requests (%s), does not keep a connection "
                        "for each conversation; leave one out",
                        tkp_settings_get(settings, TKP_OPT_REUSE)->origin, plan->transport_reason);
    return TOKPERF_OK;
}

/* The setting that needs libcurl, or NULL. */
static const struct tkp_setting *needs_curl(const struct tkp_settings *settings,
                                            const struct tkp_plan *plan)
{
    if (plan->http_version != TKP_HTTP_VERSION_1_1)
        return tkp_settings_get(settings, TKP_OPT_HTTP_VERSION);
    return plan->proxy ? tkp_settings_get(settings, TKP_OPT_PROXY) : NULL;
}

static tokperf_status choose(const struct tkp_settings *settings, struct tkp_plan *plan,
                             struct tokperf_error *error)
{
    const struct tkp_setting *asked = tkp_settings_get(settings, TKP_OPT_TRANSPORT);
    const struct tkp_setting *need = needs_curl(settings, plan);
    if (need && plan->transport == TKP_TRANSPORT_NATIVE)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: needs libcurl, and %s asks for the native transport; leave one out",
                        need->origin, asked->origin);
    plan->uses_curl = need || plan->transport == TKP_TRANSPORT_CURL;
    if (need)
        plan->transport_reason = tkp_arena_printf(&plan->arena, "%s needs it", need->origin);
    else if (plan->transport == TKP_TRANSPORT_AUTO)
        plan->transport_reason = "nothing asked for needs libcurl";
    else
        plan->transport_reason = tkp_arena_printf(&plan->arena, "%s asks for it", asked->origin);
    return plan->transport_reason ? TOKPERF_OK
                                  : tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plan");
}

static tokperf_status resolve_proxy(const struct tkp_settings *settings, struct tkp_plan *plan,
                                    struct tokperf_error *error)
{
    const struct tkp_setting *given = tkp_settings_given(settings, TKP_OPT_PROXY);
    if (!given)
        return TOKPERF_OK;
    struct tkp_proxy *proxy = tkp_arena_alloc(&plan->arena, sizeof *proxy);
    if (!proxy)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plan");
    tokperf_status status = tkp_proxy_parse(given->text, &plan->arena, proxy, error);
    if (status)
        tkp_error_prefix(error, "%s", given->origin);
    plan->proxy = proxy;
    return status;
}

tokperf_status tkp_resolve_transport(const struct tkp_settings *settings, struct tkp_plan *plan,
                                     struct tokperf_error *error)
{
    plan->transport =
        (enum tkp_transport)(tkp_settings_choice(settings, TKP_OPT_TRANSPORT) + TKP_TRANSPORT_AUTO);
    plan->http_version = (enum tkp_http_version)(
        tkp_settings_choice(settings, TKP_OPT_HTTP_VERSION) + TKP_HTTP_VERSION_1_1);
    tokperf_status status = resolve_proxy(settings, plan, error);
    if (!status)
        status = check_version(settings, plan, error);
    if (!status)
        status = check_proxy(settings, plan, error);
    if (!status)
        status = choose(settings, plan, error);
    return status || !plan->uses_curl ? status : check_curl(settings, plan, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The scheme says what is spoken with the proxy; the rest is read as that of a server's URL. */
#include <config/proxy.h>

#include <base/error.h>
#include <base/text.h>
#include <string.h>

static const char *const schemes[] = {"http", "socks4", "socks4a", "socks5", "socks5h"};

static tokperf_status fail(const char *text, const char *reason, struct tokperf_error *error)
{
    char shown[512];
    tkp_text_redact_url(shown, sizeof shown, text);
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "'%s' %s; a proxy looks like http://host:3128, http://user:password@host:3128 "
                    "or socks5h://host:1080 (also socks5, socks4, socks4a)",
                    shown, reason);
}

/* Which port a proxy without one means is not agreed upon. */
static bool has_port(const char *authority)
{
    const char *at = strrchr(authority, '@');
    const char *host = at ? at + 1 : authority;
    const char *bracket = strchr(host, ']'); /* of an IPv6 address */
    if (bracket)
        host = bracket;
    return strchr(host, ':') != NULL;
}

tokperf_status tkp_proxy_parse(const char *text, struct tkp_arena *arena, struct tkp_proxy *proxy,
                               struct tokperf_error *error)
{
    const char *end = strstr(text, "://");
    struct tokperf_span scheme = {text, end ? (uint64_t)(end - text) : 0};
    *proxy = (struct tkp_proxy){0};
    for (size_t i = 0; end && i < sizeof schemes / sizeof schemes[0]; i++)
        if (tkp_span_is_nocase(scheme, schemes[i])) {
            proxy->kind = (enum tkp_proxy_kind)(TKP_PROXY_HTTP + i);
            proxy->scheme = schemes[i];
        }
    if (!end || !proxy->kind)
        return fail(text, "has no scheme that is known", error);
    if (!has_port(end + 3))
        return fail(text, "has no port", error);
    const char *as_http = tkp_arena_printf(arena, "http://%s", end + 3);
    struct tokperf_error inner = {0};
    if (!as_http)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a URL");
    if (tkp_url_parse(as_http, arena, &proxy->url, &inner) != TOKPERF_OK)
        return fail(text, "is no URL with a host and a port of 1..65535", error);
    if (proxy->url.prefix[0])
        return fail(text, "has a path", error);
    const char *open = strchr(proxy->url.host, ':') ? "[" : "";
    proxy->text = tkp_arena_printf(arena, "%s://%s%s%s:%u", proxy->scheme, open, proxy->url.host,
                                   open[0] ? "]" : "", proxy->url.port);
    return proxy->text ? TOKPERF_OK : tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a URL");
}

bool tkp_proxy_resolves_names(const struct tkp_proxy *proxy)
{
    return proxy->kind == TKP_PROXY_HTTP || proxy->kind == TKP_PROXY_SOCKS4A ||
           proxy->kind == TKP_PROXY_SOCKS5H;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A proxy's URL, parsed: `scheme://[user:password@]host:port`. [any] */
#ifndef TKP_CONFIG_PROXY_H
#define TKP_CONFIG_PROXY_H

#include <config/url.h>

/* Who finds the address of the server's name: HTTP, SOCKS4A and SOCKS5H proxies do it themselves.
 */
enum tkp_proxy_kind {
    TKP_PROXY_HTTP = 1,
    TKP_PROXY_SOCKS4,
    TKP_PROXY_SOCKS4A,
    TKP_PROXY_SOCKS5,
    TKP_PROXY_SOCKS5H
};

struct tkp_proxy {
    enum tkp_proxy_kind kind;
    const char *scheme; /* "socks5h" */
    const char *text;   /* scheme://host:port, without user-info */
    struct tkp_url url; /* host, port and user_info of it; scheme TKP_URL_HTTP */
};

/* Parses text into the arena; errors do not show its user-info. */
tokperf_status tkp_proxy_parse(const char *text, struct tkp_arena *arena, struct tkp_proxy *proxy,
                               struct tokperf_error *error) TOKPERF_MUST_USE;
bool tkp_proxy_resolves_names(const struct tkp_proxy *proxy);

#endif

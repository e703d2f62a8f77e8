/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A target URL, parsed. `http://host:port/prefix`, `host:port` (http is added), `unix:/path` and
 * `mock:` (the bundled mock server, started for the run). [any]
 */
#ifndef TKP_CONFIG_URL_H
#define TKP_CONFIG_URL_H

#include <base/arena.h>
#include <stdbool.h>

enum tkp_url_scheme { TKP_URL_HTTP = 1, TKP_URL_HTTPS, TKP_URL_UNIX, TKP_URL_MOCK };

struct tkp_url {
    enum tkp_url_scheme scheme;
    const char *text;      /* normalised, with user-info removed */
    const char *host;      /* without brackets for IPv6; unix: "localhost" */
    const char *host_port; /* value of the Host header */
    const char *unix_path; /* unix only */
    const char *prefix;    /* path before the endpoint's, without trailing slash; may be "" */
    const char *user_info; /* decoded "user:password" for Authorization: Basic, or NULL */
    uint16_t port;
    const char *origin; /* "--url" or "file.yaml:3:6", for messages; NULL after tkp_url_parse */
};

/* Parses text into the arena. Errors say what is wrong and how a URL looks. */
tokperf_status tkp_url_parse(const char *text, struct tkp_arena *arena, struct tkp_url *url,
                             struct tokperf_error *error) TOKPERF_MUST_USE;
/* Takes the endpoint's path off the end of the prefix, where a URL was given with it:
 * "http://host/v1/chat/completions". False without memory. */
bool tkp_url_drop_path(struct tkp_url *url, const char *path,
                       struct tkp_arena *arena) TOKPERF_MUST_USE;
/* Bytes of the prefix that go before a path: without a "/v1" that both have. */
size_t tkp_url_prefix_len(const struct tkp_url *url, struct tokperf_span path);
/* The request path: prefix + path, with a "/v1" that both have taken once. NULL without memory. */
const char *tkp_url_path(const struct tkp_url *url, const char *path, struct tkp_arena *arena);

#endif

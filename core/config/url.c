/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target URLs, after RFC 3986 as far as a base URL needs it. Messages show the URL without its
 * user-info. [any]
 */
#include <config/url.h>

#include <base/error.h>
#include <base/text.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define LOOKS "; a URL looks like http://host:8000, https://host, host:8000, unix:/path or mock:"

enum { SHOWN_BYTES = 512, MAX_URL_BYTES = 4096 };

static tokperf_status fail(const char *text, const char *reason, struct tokperf_error *error)
{
    char shown[SHOWN_BYTES];
    tkp_text_redact_url(shown, sizeof shown, text);
    return tkp_fail(error, TOKPERF_E_INVALID, "'%s' %s" LOOKS, shown, reason);
}

static tokperf_status no_memory(struct tokperf_error *error)
{
    return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a URL");
}

/* "ttft=20&itl=5": names of options of the mock server and their values. */
static bool is_mock_query(const char *query)
{
    const char *p = query;
    while (*p) {
        size_t name = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789-");
        if (!name || p[0] == '-')
            return false;
        p += name;
        if (*p == '=')
            p += 1 + strspn(p + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "-_.:,/");
        if (*p && *p++ != '&')
            return false;
        if (p[-1] == '&' && !*p)
            return false;
    }
    return p != query;
}

static tokperf_status parse_mock(const char *text, struct tkp_arena *arena, struct tkp_url *url,
                                 struct tokperf_error *error)
{
    const char *rest = text + strlen("mock:");
    if (*rest && (*rest != '?' || !is_mock_query(rest + 1)))
        return tkp_fail(
            error, TOKPERF_E_INVALID,
            "'%s' is not mock: or mock:?name=value&name=value, as in mock:?ttft=20&itl=5", text);
    url->scheme = TKP_URL_MOCK;
    url->text = tkp_arena_copy(arena, text, strlen(text));
    url->host = "127.0.0.1";
    url->host_port = "127.0.0.1";
    url->prefix = "";
    return url->text ? TOKPERF_OK : no_memory(error);
}

static tokperf_status parse_unix(const char *text, struct tkp_arena *arena, struct tkp_url *url,
                                 struct tokperf_error *error)
{
    const char *path = text + strlen("unix:");
    if (strncmp(path, "///", 3) == 0)
        path += 2;
    if (path[0] != '/' || path[1] == '/' || !path[1])
        return fail(text, "has no absolute path", error);
    if (strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path)
        return fail(text, "has a path longer than a Unix socket can have (107 bytes)", error);
    url->scheme = TKP_URL_UNIX;
    url->unix_path = tkp_arena_copy(arena, path, strlen(path));
    url->text = tkp_arena_printf(arena, "unix:%s", path);
    url->host = "localhost";
    url->host_port = "localhost";
    url->prefix = "";
    return url->text && url->unix_path ? TOKPERF_OK : no_memory(error);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes in place into a copy; NULL: a bad escape, a control byte or no memory. */
static char *decode(const char *data, size_t len, struct tkp_arena *arena)
{
    char *out = tkp_arena_alloc(arena, len + 1);
    size_t used = 0;
    for (size_t i = 0; out && i < len; i++) {
        int byte = (unsigned char)data[i];
        if (byte == '%') {
            int high = i + 2 < len ? hex_digit(data[i + 1]) : -1;
            int low = i + 2 < len ? hex_digit(data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return NULL;
            byte = high * 16 + low;
            i += 2;
        }
        if (byte < 0x20 || byte == 0x7f)
            return NULL;
        out[used++] = (char)byte;
    }
    return out;
}

/* Takes "user:password@" off the authority, and what it says into url. */
static tokperf_status take_user_info(const char *text, struct tokperf_span *authority,
                                     struct tkp_arena *arena, struct tkp_url *url,
                                     struct tokperf_error *error)
{
    const char *at = memrchr(authority->data, '@', authority->len);
    if (!at)
        return TOKPERF_OK;
    size_t len = (size_t)(at - authority->data);
    url->user_info = decode(authority->data, len, arena);
    if (!url->user_info)
        return fail(text, "has a wrong percent escape or control byte before the '@'", error);
    authority->data = at + 1;
    authority->len -= len + 1;
    return TOKPERF_OK;
}

/* Cuts ":port" off the authority. 0: there is none. -1: it is no port. */
static long take_port(struct tokperf_span *authority)
{
    const char *bracket = memrchr(authority->data, ']', authority->len);
    const char *colon = memrchr(authority->data, ':', authority->len);
    if (!colon || (bracket && colon < bracket))
        return 0;
    const char *digits = colon + 1, *end = authority->data + authority->len;
    long port = 0;
    for (const char *p = digits; p < end; p++) {
        if (*p < '0' || *p > '9' || port > 65535)
            return -1;
        port = port * 10 + (*p - '0');
    }
    authority->len = (uint64_t)(colon - authority->data);
    return port >= 1 && port <= 65535 ? port : -1;
}

static bool is_host(struct tokperf_span host, bool is_ipv6)
{
    for (uint64_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.data[i];
        bool fits = is_ipv6 ? isxdigit(c) || c == ':' || c == '.'
                            : isalnum(c) || c == '-' || c == '.' || c == '_';
        if (c >= 0x80 || !fits)
            return false;
    }
    return host.len != 0;
}

static tokperf_status take_host(const char *text, struct tokperf_span authority, long port,
                                struct tkp_arena *arena, struct tkp_url *url,
                                struct tokperf_error *error)
{
    bool is_ipv6 =
        authority.len > 1 && authority.data[0] == '[' && authority.data[authority.len - 1] == ']';
    struct tokperf_span host = authority;
    if (is_ipv6)
        host = (struct tokperf_span){authority.data + 1, authority.len - 2};
    if (!is_host(host, is_ipv6))
        return fail(text,
                    host.len ? "has a host that is no name, IPv4 or [IPv6] address" : "has no host",
                    error);
    char *copy = tkp_arena_copy(arena, host.data, host.len);
    if (!copy)
        return no_memory(error);
    for (char *p = copy; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    const long standard = url->scheme == TKP_URL_HTTPS ? 443 : 80;
    const char *open = is_ipv6 ? "[" : "", *close = is_ipv6 ? "]" : "";
    url->host = copy;
    url->port = (uint16_t)(port ? port : standard);
    url->host_port = port && port != standard
                         ? tkp_arena_printf(arena, "%s%s%s:%ld", open, copy, close, port)
                         : tkp_arena_printf(arena, "%s%s%s", open, copy, close);
    return url->host_port ? TOKPERF_OK : no_memory(error);
}

static tokperf_status take_prefix(const char *text, const char *path, struct tkp_arena *arena,
                                  struct tkp_url *url, struct tokperf_error *error)
{
    for (const char *p = path; *p; p++) {
        if (*p == '?' || *p == '#')
            return fail(text, "has a query or fragment, which belongs into --endpoint", error);
        if ((unsigned char)*p <= 0x20 || (unsigned char)*p >= 0x7f || *p == '"' || *p == '\\')
            return fail(text, "has a byte in its path that must be percent-encoded", error);
    }
    size_t len = strlen(path);
    while (len && path[len - 1] == '/')
        len--;
    url->prefix = tkp_arena_copy(arena, path, len);
    url->text =
        tkp_arena_printf(arena, "%s://%s%.*s", url->scheme == TKP_URL_HTTPS ? "https" : "http",
                         url->host_port, (int)len, path);
    return url->prefix && url->text ? TOKPERF_OK : no_memory(error);
}

/* After the scheme: [user-info@]host[:port][/prefix]. */
static tokperf_status parse_http(const char *text, const char *rest, struct tkp_arena *arena,
                                 struct tkp_url *url, struct tokperf_error *error)
{
    struct tokperf_span authority = {rest, strcspn(rest, "/?#")};
    const char *path = rest + authority.len;
    tokperf_status status = take_user_info(text, &authority, arena, url, error);
    if (status)
        return status;
    long port = take_port(&authority);
    if (port < 0)
        return fail(text, "has a port that is not 1..65535", error);
    status = take_host(text, authority, port, arena, url, error);
    return status ? status : take_prefix(text, path, arena, url, error);
}

tokperf_status tkp_url_parse(const char *text, struct tkp_arena *arena, struct tkp_url *url,
                             struct tokperf_error *error)
{
    *url = (struct tkp_url){0};
    if (strlen(text) > MAX_URL_BYTES)
        return tkp_fail(error, TOKPERF_E_INVALID, "a URL longer than 4096 bytes" LOOKS);
    if (strncmp(text, "mock:", 5) == 0 && strncmp(text, "mock://", 7) != 0 &&
        !isdigit((unsigned char)text[5]))
        return parse_mock(text, arena, url, error);
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(text, arena, url, error);
    const char *scheme_end = strstr(text, "://");
    url->scheme = TKP_URL_HTTP;
    if (!scheme_end)
        return parse_http(text, text, arena, url, error);
    struct tokperf_span scheme = {text, (uint64_t)(scheme_end - text)};
    if (tkp_span_is_nocase(scheme, "https"))
        url->scheme = TKP_URL_HTTPS;
    else if (!tkp_span_is_nocase(scheme, "http"))
        return fail(text, "has a scheme that is not http or https", error);
    return parse_http(text, scheme_end + 3, arena, url, error);
}

bool tkp_url_drop_path(struct tkp_url *url, const char *path, struct tkp_arena *arena)
{
    size_t len = strlen(url->prefix), path_len = strlen(path);
    size_t slash = path[0] == '/' ? 0 : 1; /* a path may come without its first one */
    while (path_len && path[path_len - 1] == '/')
        path_len--;
    if (!path_len || len < path_len + slash ||
        memcmp(url->prefix + len - path_len, path, path_len) != 0 ||
        (slash && url->prefix[len - path_len - 1] != '/'))
        return true;
    const char *rest = tkp_arena_copy(arena, url->prefix, len - path_len - slash);
    if (rest)
        url->prefix = rest;
    return rest != NULL;
}

size_t tkp_url_prefix_len(const struct tkp_url *url, struct tokperf_span path)
{
    static const char version[] = "/v1";
    size_t len = strlen(url->prefix), version_len = sizeof version - 1;
    size_t first = path.len && path.data[0] == '/' ? 1 : 0;
    struct tokperf_span tail = {path.data + first, path.len - first};
    bool both = len >= version_len && strcmp(url->prefix + len - version_len, version) == 0 &&
                tail.len >= version_len - 1 &&
                memcmp(tail.data, version + 1, version_len - 1) == 0 &&
                (tail.len == version_len - 1 || tail.data[version_len - 1] == '/');
    return both ? len - version_len : len;
}

const char *tkp_url_path(const struct tkp_url *url, const char *path, struct tkp_arena *arena)
{
    const char *slash = path[0] == '/' || !path[0] ? "" : "/";
    size_t len = tkp_url_prefix_len(url, tkp_span(path));
    if (!len && !path[0])
        return tkp_arena_printf(arena, "/");
    return tkp_arena_printf(arena, "%.*s%s%s", (int)len, url->prefix, slash, path);
}

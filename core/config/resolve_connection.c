/* SPDX-License-Identifier: Apache-2.0 */
/* How connections are made: overrides of names, TCP and TLS, each only where a URL uses it. [main]
 */
#include <config/resolve_parts.h>

#include <arpa/inet.h>
#include <base/clock.h>
#include <base/error.h>
#include <base/text.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static bool any_url(const struct tkp_plan *plan, bool (*is)(const struct tkp_url *))
{
    for (uint32_t i = 0; i < plan->url_count; i++)
        if (is(&plan->urls[i]))
            return true;
    return false;
}

static bool is_tcp(const struct tkp_url *url)
{
    return url->scheme != TKP_URL_UNIX;
}

static bool is_tls(const struct tkp_url *url)
{
    return url->scheme == TKP_URL_HTTPS;
}

/* The first of the options that was given although nothing uses it is an error. */
static tokperf_status refuse_given(const struct tkp_settings *settings,
                                   const enum tkp_option_id *ids, size_t count, const char *why,
                                   struct tokperf_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct tkp_setting *given = tkp_settings_given(settings, ids[i]);
        if (given)
            return tkp_fail(error, TOKPERF_E_INVALID, "%s: %s; leave it out", given->origin, why);
    }
    return TOKPERF_OK;
}

/* ---- TCP ---- */

static tokperf_status resolve_tcp(const struct tkp_settings *settings, struct tkp_plan *plan,
                                  struct tokperf_error *error)
{
    static const enum tkp_option_id ids[] = {TKP_OPT_IP_VERSION, TKP_OPT_RESOLVE,
                                             TKP_OPT_TCP_KEEPALIVE, TKP_OPT_TCP_USER_TIMEOUT};
    plan->ip_version = (enum tkp_ip_version)(tkp_settings_choice(settings, TKP_OPT_IP_VERSION) +
                                             TKP_IP_VERSION_AUTO);
    plan->tcp_keepalive_ns = tkp_settings_ns(settings, TKP_OPT_TCP_KEEPALIVE);
    plan->tcp_user_timeout_ns = tkp_settings_ns(settings, TKP_OPT_TCP_USER_TIMEOUT);
    const struct tkp_setting *keepalive = tkp_settings_get(settings, TKP_OPT_TCP_KEEPALIVE);
    if (plan->tcp_keepalive_ns % TKP_NS_PER_S)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: '%s' is not a whole number of seconds",
                        keepalive->origin, keepalive->text);
    if (any_url(plan, is_tcp))
        return TOKPERF_OK;
    return refuse_given(settings, ids, sizeof ids / sizeof ids[0],
                        "every --url is a unix socket, which has neither names nor TCP", error);
}

/* ---- HOST:PORT:ADDRESS[,ADDRESS] ---- */

static bool add_address(struct tkp_resolve_rule *rule, const char *text, size_t len)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(rule->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(rule->port)};
    char address[INET6_ADDRSTRLEN];
    bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';
    if (bracketed) {
        text++;
        len -= 2;
    }
    if (!len || len >= sizeof address || rule->count == TKP_RESOLVE_MAX_ADDRESSES)
        return false;
    memcpy(address, text, len);
    address[len] = '\0';
    if (!bracketed && inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        memcpy(&rule->addresses[rule->count], &v4, sizeof v4);
        rule->lengths[rule->count++] = sizeof v4;
    } else if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1) {
        memcpy(&rule->addresses[rule->count], &v6, sizeof v6);
        rule->lengths[rule->count++] = sizeof v6;
    } else {
        return false;
    }
    return true;
}

static bool add_addresses(struct tkp_resolve_rule *rule, const char *list)
{
    for (const char *p = list;; p++) {
        size_t len = strcspn(p, ",");
        if (!add_address(rule, p, len))
            return false;
        p += len;
        if (!*p)
            return true;
    }
}

static bool parse_rule(const char *text, struct tkp_arena *arena, struct tkp_resolve_rule *rule)
{
    const char *host = text, *end = text + strcspn(text, ":");
    *rule = (struct tkp_resolve_rule){.text = text};
    if (text[0] == '[') {
        host = text + 1;
        end = host + strcspn(host, "]");
    }
    const char *colon = end + (*end == ']');
    char *name = tkp_arena_copy(arena, host, (size_t)(end - host));
    char *after = NULL;
    if (!name || !name[0] || *colon != ':' || !isdigit((unsigned char)colon[1]))
        return false;
    for (char *p = name; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    unsigned long port = strtoul(colon + 1, &after, 10);
    rule->host = name;
    rule->port = (uint16_t)port;
    return port >= 1 && port <= UINT16_MAX && *after == ':' && add_addresses(rule, after + 1);
}

static bool is_used(const struct tkp_resolve_rule *rule, const struct tkp_plan *plan)
{
    for (uint32_t i = 0; i < plan->url_count; i++)
        if (is_tcp(&plan->urls[i]) && plan->urls[i].port == rule->port &&
            strcmp(plan->urls[i].host, rule->host) == 0)
            return true;
    return false;
}

static tokperf_status resolve_rules(const struct tkp_settings *settings, struct tkp_plan *plan,
                                    struct tokperf_error *error)
{
    uint32_t count = tkp_settings_count(settings, TKP_OPT_RESOLVE);
    struct tkp_resolve_rule *rules = tkp_arena_alloc(&plan->arena, count * sizeof *rules);
    if (!rules)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plan");
    for (const struct tkp_setting *s = tkp_settings_get(settings, TKP_OPT_RESOLVE); s;
         s = s->next) {
        struct tkp_resolve_rule *rule = &rules[plan->resolve_rule_count++];
        if (!parse_rule(s->text, &plan->arena, rule))
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: '%s' is not HOST:PORT:ADDRESS with one to %d addresses; write for "
                            "instance example.org:443:127.0.0.1,[::1]",
                            s->origin, s->text, TKP_RESOLVE_MAX_ADDRESSES);
        if (!is_used(rule, plan))
            return tkp_fail(
                error, TOKPERF_E_INVALID,
                "%s: no --url has the host and port of '%s'; correct it or leave it out", s->origin,
                s->text);
    }
    plan->resolve_rules = rules;
    return TOKPERF_OK;
}

/* ---- TLS ---- */

static tokperf_status resolve_tls(const struct tkp_settings *settings, struct tkp_plan *plan,
                                  struct tokperf_error *error)
{
    static const enum tkp_option_id ids[] = {TKP_OPT_CA_FILE, TKP_OPT_INSECURE, TKP_OPT_CERT_FILE,
                                             TKP_OPT_KEY_FILE, TKP_OPT_TLS_MIN_VERSION};
    const struct tkp_setting *ca = tkp_settings_given(settings, TKP_OPT_CA_FILE);
    const struct tkp_setting *cert = tkp_settings_given(settings, TKP_OPT_CERT_FILE);
    const struct tkp_setting *key = tkp_settings_given(settings, TKP_OPT_KEY_FILE);
    plan->tls = (struct tkp_tls_plan){
        .ca_file = ca ? ca->text : NULL,
        .cert_file = cert ? cert->text : NULL,
        .key_file = key    ? key->text
                    : cert ? cert->text
                           : NULL,
        .insecure = tkp_settings_bool(settings, TKP_OPT_INSECURE),
        .min_version = (enum tkp_tls_version)(
            tkp_settings_choice(settings, TKP_OPT_TLS_MIN_VERSION) + TKP_TLS_VERSION_1_2)};
    if (!any_url(plan, is_tls))
        return refuse_given(settings, ids, sizeof ids / sizeof ids[0], "no --url is https", error);
    if (ca && plan->tls.insecure)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: nothing is verified by it with --insecure; leave one of them out",
                        ca->origin);
    if (key && !cert)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: a key without its certificate; give --cert too", key->origin);
    return TOKPERF_OK;
}

tokperf_status tkp_resolve_connection(const struct tkp_settings *settings, struct tkp_plan *plan,
                                      struct tokperf_error *error)
{
    tokperf_status status = resolve_tcp(settings, plan, error);
    if (!status)
        status = resolve_rules(settings, plan, error);
    return status ? status : resolve_tls(settings, plan, error);
}

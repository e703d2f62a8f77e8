/* SPDX-License-Identifier: Apache-2.0 */
/* Name resolution of a target, on the main thread before any load. */
#include <worker/worker.h>

#include <base/error.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static void add_address(struct tkp_target *target, const void *address, socklen_t len)
{
    uint32_t capacity = sizeof target->addresses / sizeof target->addresses[0];
    if (target->address_count == capacity || len > sizeof target->addresses[0])
        return;
    memcpy(&target->addresses[target->address_count], address, len);
    target->address_lengths[target->address_count++] = len;
}

static tokperf_status resolve_unix(const struct tkp_url *url, struct tkp_target *target,
                                   struct tokperf_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(url->unix_path);
    if (len >= sizeof address.sun_path)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: a socket path has at most %zu bytes; use a shorter one", url->text,
                        sizeof address.sun_path - 1);
    memcpy(address.sun_path, url->unix_path, len + 1);
    add_address(target, &address, sizeof address);
    return TOKPERF_OK;
}

static const struct tkp_resolve_rule *find_rule(const struct tkp_url *url,
                                                const struct tkp_plan *plan)
{
    for (uint32_t i = 0; i < plan->resolve_rule_count; i++)
        if (plan->resolve_rules[i].port == url->port &&
            strcmp(plan->resolve_rules[i].host, url->host) == 0)
            return &plan->resolve_rules[i];
    return NULL;
}

/* Two rounds: the kind of address that is preferred, then the other; all in one without a
 * preference. Within a kind the order stays. */
enum { ROUNDS = 2 };
static bool is_turn(sa_family_t family, enum tkp_ip_version version, int round)
{
    switch (version) {
    case TKP_IP_VERSION_4:
        return (family == AF_INET) == (round == 0);
    case TKP_IP_VERSION_6:
        return (family == AF_INET6) == (round == 0);
    case TKP_IP_VERSION_AUTO:
        break;
    }
    return round == 0;
}

static void add_ruled(struct tkp_target *target, const struct tkp_resolve_rule *rule,
                      enum tkp_ip_version version)
{
    for (int round = 0; round < ROUNDS; round++)
        for (uint32_t i = 0; i < rule->count; i++)
            if (is_turn(rule->addresses[i].ss_family, version, round))
                add_address(target, &rule->addresses[i], rule->lengths[i]);
}

static void add_found(struct tkp_target *target, const struct addrinfo *list,
                      enum tkp_ip_version version)
{
    for (int round = 0; round < ROUNDS; round++)
        for (const struct addrinfo *info = list; info; info = info->ai_next)
            if (is_turn((sa_family_t)info->ai_family, version, round))
                add_address(target, info->ai_addr, info->ai_addrlen);
}

static tokperf_status resolve_name(const struct tkp_url *url, const struct tkp_plan *plan,
                                   struct tkp_target *target, struct tokperf_error *error)
{
    const struct tkp_resolve_rule *rule = find_rule(url, plan);
    if (rule) {
        add_ruled(target, rule, plan->ip_version);
        return TOKPERF_OK;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char port[8];
    snprintf(port, sizeof port, "%u", url->port);
    int failure = getaddrinfo(url->host, port, &hints, &list);
    if (failure)
        return tkp_fail(error, TOKPERF_E_NOT_FOUND,
                        "%s: cannot find the address of '%s': %s; check the name, or give an IP "
                        "address",
                        url->text, url->host, gai_strerror(failure));
    add_found(target, list, plan->ip_version);
    freeaddrinfo(list);
    return target->address_count
               ? TOKPERF_OK
               : tkp_fail(error, TOKPERF_E_NOT_FOUND, "%s: '%s' has no internet address", url->text,
                          url->host);
}

tokperf_status tkp_target_resolve(const struct tkp_url *url, const char *path,
                                  const struct tkp_plan *plan, struct tkp_target *target,
                                  struct tokperf_error *error)
{
    *target = (struct tkp_target){.url = url, .path = path};
    switch (url->scheme) {
    case TKP_URL_UNIX:
        return resolve_unix(url, target, error);
    case TKP_URL_HTTP:
    case TKP_URL_HTTPS:
        return resolve_name(url, plan, target, error);
    case TKP_URL_MOCK:
        break;
    }
    return tkp_fail(error, TOKPERF_E_STATE, "%s: the mock server has not been started", url->text);
}

tokperf_status tkp_target_keep_reachable(struct tkp_target *target,
                                         const struct tkp_source_address *sources, uint32_t count,
                                         struct tokperf_error *error)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < target->address_count; i++) {
        bool reachable = count == 0;
        for (uint32_t k = 0; k < count && !reachable; k++)
            reachable = sources[k].address.ss_family == target->addresses[i].ss_family;
        if (!reachable)
            continue;
        target->addresses[kept] = target->addresses[i];
        target->address_lengths[kept++] = target->address_lengths[i];
    }
    target->address_count = kept;
    if (kept)
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "--source-address: %s has no address of the kind (IPv4 or IPv6) of %s",
                    target->url->text, sources[0].text);
}

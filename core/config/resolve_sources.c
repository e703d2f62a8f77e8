/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses that connections come from: literals, of a kind that some URL can be reached by. */
#include <config/resolve_parts.h>

#include <arpa/inet.h>
#include <base/error.h>
#include <netinet/in.h>
#include <string.h>

static bool parse(const char *text, struct tkp_source_address *source)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    *source = (struct tkp_source_address){.text = text};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        source->length = sizeof v4;
        memcpy(&source->address, &v4, sizeof v4);
    } else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        source->length = sizeof v6;
        memcpy(&source->address, &v6, sizeof v6);
    }
    return source->length != 0;
}

static tokperf_status check_urls(const struct tkp_setting *first, const struct tkp_plan *plan,
                                 struct tokperf_error *error)
{
    for (uint32_t i = 0; i < plan->url_count; i++)
        if (plan->urls[i].scheme == TKP_URL_UNIX)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: a unix socket (%s) is not reached from an address; leave it out",
                            first->origin, plan->urls[i].text);
    return TOKPERF_OK;
}

tokperf_status tkp_resolve_sources(const struct tkp_settings *settings, struct tkp_plan *plan,
                                   struct tokperf_error *error)
{
    uint32_t count = tkp_settings_count(settings, TKP_OPT_SOURCE_ADDRESSES);
    if (!count)
        return TOKPERF_OK;
    struct tkp_source_address *sources = tkp_arena_alloc(&plan->arena, count * sizeof *sources);
    if (!sources)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plan");
    const struct tkp_setting *first = tkp_settings_get(settings, TKP_OPT_SOURCE_ADDRESSES);
    for (const struct tkp_setting *s = first; s; s = s->next)
        if (!parse(s->text, &sources[plan->source_count++]))
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: '%s' is no IPv4 or IPv6 address; give one that this machine has, "
                            "for instance 127.0.0.2",
                            s->origin, s->text);
    plan->sources = sources;
    return check_urls(first, plan, error);
}

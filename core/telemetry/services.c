/* SPDX-License-Identifier: Apache-2.0 */
/* See services.h. */
#include <telemetry/services.h>

#include <base/text.h>
#include <string.h>

static const char *const domain_names[TKP_DOMAIN_COUNT] = {
    [TKP_DOMAIN_PROFILE] = "profile",
    [TKP_DOMAIN_TELEMETRY] = "telemetry",
    [TKP_DOMAIN_SERVER_METRICS] = "server_metrics",
};

const char *tkp_domain_name(enum tkp_domain domain)
{
    return domain_names[domain];
}

bool tkp_domain_find(struct tokperf_span name, enum tkp_domain *domain)
{
    for (uint32_t i = 0; i < TKP_DOMAIN_COUNT; i++)
        if (tkp_span_is(name, domain_names[i])) {
            *domain = (enum tkp_domain)i;
            return true;
        }
    return false;
}

const char *tkp_service_state_name(enum tkp_service_state state)
{
    switch (state) {
    case TKP_SERVICE_STARTING:
        return "starting";
    case TKP_SERVICE_READY:
        return "ready";
    case TKP_SERVICE_FAILED:
        return "failed";
    case TKP_SERVICE_DISABLED:
        return "disabled";
    case TKP_SERVICE_STOPPED:
        return "stopped";
    case TKP_SERVICE_DEAD:
        return "dead";
    }
    return "";
}

tokperf_status tkp_services_add(struct tkp_services *services, const char *name, uint32_t *index)
{
    uint32_t known;
    if (services->count == TKP_SERVICES_MAX || strlen(name) >= TKP_SERVICE_NAME_BYTES)
        return TOKPERF_E_LIMIT;
    if (tkp_services_find(services, name, &known))
        return TOKPERF_E_EXISTS;
    struct tkp_service *service = &services->list[services->count];
    *service = (struct tkp_service){.state = TKP_SERVICE_STARTING};
    tkp_text_copy(service->name, sizeof service->name, tkp_span(name));
    *index = services->count++;
    return TOKPERF_OK;
}

bool tkp_services_find(const struct tkp_services *services, const char *name, uint32_t *index)
{
    for (uint32_t i = 0; i < services->count; i++)
        if (strcmp(services->list[i].name, name) == 0) {
            *index = i;
            return true;
        }
    return false;
}

bool tkp_services_are_settled(const struct tkp_services *services)
{
    for (uint32_t i = 0; i < services->count; i++)
        if (services->list[i].state == TKP_SERVICE_STARTING)
            return false;
    return true;
}

tokperf_status tkp_service_register(struct tkp_service *service, uint32_t capabilities)
{
    if (service->state != TKP_SERVICE_STARTING || service->is_registered)
        return TOKPERF_E_STATE;
    service->is_registered = true;
    service->capabilities = capabilities;
    return TOKPERF_OK;
}

tokperf_status tkp_service_ready(struct tkp_service *service)
{
    if (service->state != TKP_SERVICE_STARTING || !service->is_registered)
        return TOKPERF_E_STATE;
    service->state = TKP_SERVICE_READY;
    return TOKPERF_OK;
}

bool tkp_service_end(struct tkp_service *service, enum tkp_service_state state, const char *reason)
{
    if (tkp_service_is_over(service))
        return false;
    service->state = state;
    service->is_registered = false;
    tkp_text_copy(service->reason, sizeof service->reason, tkp_span(reason));
    return true;
}

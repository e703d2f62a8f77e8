/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The collectors of a run and what is known of each. A service begins at `starting`, registers with
 * its capabilities, and is `ready` or over. One that is over (failed, disabled, stopped, dead) is
 * unregistered: nothing is asked of it any more, and nothing waits for it. Pure; the time of an
 * event is the caller's. [main]
 */
#ifndef TKP_TELEMETRY_SERVICES_H
#define TKP_TELEMETRY_SERVICES_H

#include <stdbool.h>
#include <tokperf/base.h>

enum {
    TKP_SERVICES_MAX = 32,
    TKP_SERVICE_NAME_BYTES = 64,   /* with its NUL; what the bus takes as a name */
    TKP_SERVICE_REASON_BYTES = 256 /* with its NUL; longer ones are cut */
};

enum tkp_domain { TKP_DOMAIN_PROFILE = 0, TKP_DOMAIN_TELEMETRY, TKP_DOMAIN_SERVER_METRICS };
enum { TKP_DOMAIN_COUNT = 3 };

/* Capabilities: what a service says that it does, as bits. */
enum {
    TKP_CAPABILITY_BASELINE = 1u << 0 /* takes a reference sample when a gate asks */
};
/* Makes results of a domain. */
static inline uint32_t tkp_capability_result(enum tkp_domain domain)
{
    return 2u << domain;
}

enum tkp_service_state {
    TKP_SERVICE_STARTING = 1,
    TKP_SERVICE_READY,
    TKP_SERVICE_FAILED,   /* it said so, or was not ready in time */
    TKP_SERVICE_DISABLED, /* it has nothing to collect here */
    TKP_SERVICE_STOPPED,  /* it left */
    TKP_SERVICE_DEAD      /* its process ended without a word */
};

struct tkp_service {
    char name[TKP_SERVICE_NAME_BYTES];
    enum tkp_service_state state;
    bool is_registered;
    uint32_t capabilities; /* known once it registered; kept when it is over */
    char reason[TKP_SERVICE_REASON_BYTES];
};

struct tkp_services {
    struct tkp_service list[TKP_SERVICES_MAX];
    uint32_t count;
};

const char *tkp_domain_name(enum tkp_domain domain); /* "profile" ... */
bool tkp_domain_find(struct tokperf_span name, enum tkp_domain *domain);
const char *tkp_service_state_name(enum tkp_service_state state); /* "starting" ... */

/* The new one's index. TOKPERF_E_LIMIT: too many, or the name is too long; TOKPERF_E_EXISTS. */
tokperf_status tkp_services_add(struct tkp_services *services, const char *name,
                                uint32_t *index) TOKPERF_MUST_USE;
bool tkp_services_find(const struct tkp_services *services, const char *name, uint32_t *index);
/* Whether each of them is ready or over. */
bool tkp_services_are_settled(const struct tkp_services *services);

/* TOKPERF_E_STATE: not in this state, nothing changes. Ready needs a registration. */
tokperf_status tkp_service_register(struct tkp_service *service,
                                    uint32_t capabilities) TOKPERF_MUST_USE;
tokperf_status tkp_service_ready(struct tkp_service *service) TOKPERF_MUST_USE;
/* Unregisters it; state is one of the last four. false: it was over before, and what was said of it
 * then stays. */
bool tkp_service_end(struct tkp_service *service, enum tkp_service_state state, const char *reason);
static inline bool tkp_service_is_over(const struct tkp_service *service)
{
    return service->state > TKP_SERVICE_READY;
}

#endif

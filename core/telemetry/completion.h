/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which results a run has: each service that makes results of a domain owes one until it reported,
 * is over, or the deadline has passed. Pure; time is the caller's. [main]
 */
#ifndef TKP_TELEMETRY_COMPLETION_H
#define TKP_TELEMETRY_COMPLETION_H

#include <telemetry/services.h>

enum tkp_result_state {
    TKP_RESULT_NONE = 0, /* not of this service */
    TKP_RESULT_PENDING,
    TKP_RESULT_REPORTED,
    TKP_RESULT_FAILED, /* it reported that it has none */
    TKP_RESULT_MISSED, /* nothing came by the deadline */
    TKP_RESULT_DEAD    /* the service was over first: failed, stopped or dead */
};

struct tkp_result {
    enum tkp_result_state state;
    char error[TKP_SERVICE_REASON_BYTES];
};

struct tkp_completion {
    struct tkp_result results[TKP_SERVICES_MAX][TKP_DOMAIN_COUNT];
    uint32_t pending;
    uint64_t deadline_ns; /* 0: not waited for yet */
    uint64_t ignored;     /* reports that came twice, too late, or from somebody who owes none */
};

const char *tkp_result_state_name(enum tkp_result_state state); /* "pending" ... "dead"; "" none */

/* A service registered: it owes what its capabilities say. */
void tkp_completion_expect(struct tkp_completion *completion, uint32_t service,
                           uint32_t capabilities);
/* error: NULL or "": it has its result. false: ignored. */
bool tkp_completion_report(struct tkp_completion *completion, uint32_t service,
                           enum tkp_domain domain, const char *error, uint64_t now_ns);
/* The service is over; what it still owes will not come. One that is disabled owes nothing more:
 * there is nothing to collect here. */
void tkp_completion_unregister(struct tkp_completion *completion,
                               const struct tkp_services *services, uint32_t service);
/* From here on it is waited for, until timeout_ns have passed. Again: the earlier deadline holds.
 */
void tkp_completion_begin(struct tkp_completion *completion, uint64_t now_ns, uint64_t timeout_ns);
/* Whether something is pending still; at the deadline nothing is: it is missed. */
bool tkp_completion_waits(struct tkp_completion *completion, uint64_t now_ns);
/* "telemetry of nvml (it left)": what is neither pending nor reported, and why; or with `pending`
 * what is pending, without a reason. Returns how many; out is cut at its capacity. */
uint32_t tkp_completion_name(const struct tkp_completion *completion,
                             const struct tkp_services *services, bool pending, char *out,
                             size_t capacity);

#endif

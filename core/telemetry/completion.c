/* SPDX-License-Identifier: Apache-2.0 */
/* See completion.h. */
#include <telemetry/completion.h>

#include <base/clock.h>
#include <base/text.h>
#include <stdio.h>
#include <string.h>

const char *tkp_result_state_name(enum tkp_result_state state)
{
    switch (state) {
    case TKP_RESULT_NONE:
        return "";
    case TKP_RESULT_PENDING:
        return "pending";
    case TKP_RESULT_REPORTED:
        return "reported";
    case TKP_RESULT_FAILED:
        return "failed";
    case TKP_RESULT_MISSED:
        return "missed";
    case TKP_RESULT_DEAD:
        return "dead";
    }
    return "";
}

void tkp_completion_expect(struct tkp_completion *completion, uint32_t service,
                           uint32_t capabilities)
{
    for (uint32_t domain = 0; domain < TKP_DOMAIN_COUNT; domain++) {
        struct tkp_result *result = &completion->results[service][domain];
        if (!(capabilities & tkp_capability_result((enum tkp_domain)domain)) || result->state)
            continue;
        result->state = TKP_RESULT_PENDING;
        completion->pending++;
    }
}

static void settle(struct tkp_completion *completion, struct tkp_result *result,
                   enum tkp_result_state state, const char *error)
{
    result->state = state;
    tkp_text_copy(result->error, sizeof result->error, tkp_span(error));
    completion->pending--;
}

bool tkp_completion_report(struct tkp_completion *completion, uint32_t service,
                           enum tkp_domain domain, const char *error, uint64_t now_ns)
{
    struct tkp_result *result = &completion->results[service][domain];
    (void)tkp_completion_waits(completion, now_ns); /* behind the deadline it is missed */
    if (result->state != TKP_RESULT_PENDING) {
        completion->ignored++;
        return false;
    }
    bool failed = error && error[0];
    settle(completion, result, failed ? TKP_RESULT_FAILED : TKP_RESULT_REPORTED,
           failed ? error : "");
    return true;
}

void tkp_completion_unregister(struct tkp_completion *completion,
                               const struct tkp_services *services, uint32_t service)
{
    char why[TKP_SERVICE_REASON_BYTES];
    const struct tkp_service *ended = &services->list[service];
    snprintf(why, sizeof why, "%s: %.200s", tkp_service_state_name(ended->state), ended->reason);
    bool owes = ended->state != TKP_SERVICE_DISABLED;
    for (uint32_t domain = 0; domain < TKP_DOMAIN_COUNT; domain++)
        if (completion->results[service][domain].state == TKP_RESULT_PENDING)
            settle(completion, &completion->results[service][domain],
                   owes ? TKP_RESULT_DEAD : TKP_RESULT_NONE, owes ? why : "");
}

void tkp_completion_begin(struct tkp_completion *completion, uint64_t now_ns, uint64_t timeout_ns)
{
    uint64_t deadline_ns = tkp_clock_after_ns(now_ns, timeout_ns);
    if (!completion->deadline_ns || deadline_ns < completion->deadline_ns)
        completion->deadline_ns = deadline_ns;
}

bool tkp_completion_waits(struct tkp_completion *completion, uint64_t now_ns)
{
    if (!completion->pending || !completion->deadline_ns || now_ns < completion->deadline_ns)
        return completion->pending != 0;
    for (uint32_t i = 0; i < TKP_SERVICES_MAX; i++)
        for (uint32_t domain = 0; domain < TKP_DOMAIN_COUNT; domain++)
            if (completion->results[i][domain].state == TKP_RESULT_PENDING)
                settle(completion, &completion->results[i][domain], TKP_RESULT_MISSED,
                       "it did not report in time");
    return false;
}

uint32_t tkp_completion_name(const struct tkp_completion *completion,
                             const struct tkp_services *services, bool pending, char *out,
                             size_t capacity)
{
    uint32_t count = 0;
    size_t used = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < services->count; i++)
        for (uint32_t domain = 0; domain < TKP_DOMAIN_COUNT; domain++) {
            const struct tkp_result *result = &completion->results[i][domain];
            if (pending ? result->state != TKP_RESULT_PENDING
                        : result->state <= TKP_RESULT_REPORTED)
                continue;
            int len = snprintf(out + used, capacity - used, "%s%s of %s%s%s%s", count++ ? ", " : "",
                               tkp_domain_name((enum tkp_domain)domain), services->list[i].name,
                               pending ? "" : " (", result->error, pending ? "" : ")");
            used += len > 0 ? (size_t)len : 0;
            used = used < capacity ? used : capacity - 1;
        }
    return count;
}

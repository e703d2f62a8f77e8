/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that steer the servers around the load: their prompt cache is reset, their profiler
 * started and stopped. Empty POSTs by libcurl to the root of every server, once for each that
 * several URLs share; blocking, with deadlines. [main]
 */
#ifndef TKP_TARGET_SERVER_CONTROL_H
#define TKP_TARGET_SERVER_CONTROL_H

#include <base/atomic.h>
#include <config/plan.h>

enum { TKP_CONTROL_MESSAGE_BYTES = 512 };

/* What was asked of one server, and what came of it. */
struct tkp_control_call {
    const char *action; /* "reset_kv_cache", "start_profile", "stop_profile" */
    const char *url;    /* the server's, with the path; no credentials */
    bool ok;            /* it answered with 2xx */
    long http_status;   /* 0: no answer */
    uint32_t attempts;
    uint64_t start_realtime_ns, duration_ns; /* from the first attempt to the last answer */
    char message[TKP_CONTROL_MESSAGE_BYTES]; /* what it answered, or why it did not; no secrets */
};

struct tkp_server_group {
    const struct tkp_plan *plan;
    const struct tkp_url *urls; /* the plan's, with mock: replaced */
    const struct tkp_flag *cancel;
    struct tkp_arena *arena;
    void *context;
    /* Told of each call; what it gets is valid during it, but for the texts of url and action. */
    void (*called)(void *context, const struct tkp_control_call *call);
};

/* Asks every server to forget its cached prompts; one that is busy is asked again for up to a
 * minute. TOKPERF_E_IO (a sentence) when one does not, TOKPERF_E_CANCELLED. */
tokperf_status tkp_servers_reset_cache(const struct tkp_server_group *group,
                                       struct tokperf_error *error) TOKPERF_MUST_USE;
/* Starts every profiler; when one does not start, those that did are stopped. Likewise. */
tokperf_status tkp_servers_start_profiler(const struct tkp_server_group *group,
                                          struct tokperf_error *error) TOKPERF_MUST_USE;
/* Stops every profiler, also when one fails; not cut short by cancel. TOKPERF_E_IO: the first
 * failure. */
tokperf_status tkp_servers_stop_profiler(const struct tkp_server_group *group,
                                         struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

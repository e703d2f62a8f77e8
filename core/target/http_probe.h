/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One blocking HTTP request through libcurl, outside of any measurement: the
 * plan's proxy and TLS, no redirect, a
 * bounded answer, a deadline, the user's headers. [main]
 */
#ifndef TKP_TARGET_HTTP_PROBE_H
#define TKP_TARGET_HTTP_PROBE_H

#include <base/atomic.h>
#include <base/buffer.h>
#include <config/plan.h>

enum { TKP_PROBE_MAX_BYTES = 4 * 1024 * 1024 };

struct tkp_probe {
    const struct tkp_plan *plan; /* for its headers */
    const struct tkp_url *url;
    const char *path;              /* request path, prefix included */
    struct tokperf_span body;      /* empty: GET, else POST of application/json */
    bool post;                     /* POST also of an empty body */
    uint64_t timeout_ns;           /* of the whole request; at least a millisecond is given */
    const struct tkp_flag *cancel; /* or NULL */
};

/* Sends it. *http_status and answer (cleared first) hold what came. Errors: TOKPERF_E_IO with
 * libcurl's words, TOKPERF_E_CANCELLED, TOKPERF_E_NO_MEMORY. */
tokperf_status tkp_probe_send(const struct tkp_probe *probe, long *http_status,
                              struct tkp_buffer *answer,
                              struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

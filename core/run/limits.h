/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the machine allows (descriptors, local ports, memory) against what the plan needs at least,
 * so that a plan that cannot fit is refused before its first request. [main]
 */
#ifndef TKP_RUN_LIMITS_H
#define TKP_RUN_LIMITS_H

#include <config/plan.h>
#include <tokperf/base.h>

/* UINT64_MAX: without limit, or the machine does not say. */
struct tkp_machine_limits {
    uint64_t descriptors;  /* the hard limit of open files */
    uint64_t ports;        /* for each pair of source and destination */
    uint64_t memory_bytes; /* available, and no more than the cgroups allow */
};

struct tkp_demand {
    uint64_t streams;      /* conversations in flight at most; 0: no cap */
    uint64_t requests;     /* at most; UINT64_MAX: unknown */
    uint32_t workers;      /* threads */
    uint32_t collectors;   /* children */
    uint64_t stream_bytes; /* of this process for one in flight, before its answer begins */
    uint32_t sources;      /* addresses to come from */
    uint32_t destinations; /* different addresses to go to; 0: a unix socket, no ports */
    bool reuses_connections;
};

/* Reads root/proc and root/sys ("" or "/" but in tests), and the limit of this process. */
void tkp_limits_read(const char *root, struct tkp_machine_limits *limits);
/* Raises the soft limit of open files to the hard one; children begun later have it too. */
void tkp_limits_raise_descriptors(void);

/* What the phases ask for at their peak. Everything but destinations. */
struct tkp_demand tkp_demand_of(const struct tkp_plan *plan, uint64_t stream_bytes);
/* Descriptors and memory. The error has the numbers and what to change. */
tokperf_status tkp_limits_check(const struct tkp_machine_limits *limits,
                                const struct tkp_demand *demand,
                                struct tokperf_error *error) TOKPERF_MUST_USE;
/* Ports: needs the destinations. */
tokperf_status tkp_limits_check_ports(const struct tkp_machine_limits *limits,
                                      const struct tkp_demand *demand,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
/* Whether a connection for each request could use up the ports, since each stays taken for
 * TKP_LIMITS_TIME_WAIT_S after its end; total: all ports there are. */
enum { TKP_LIMITS_TIME_WAIT_S = 60 };
bool tkp_limits_ports_may_run_out(const struct tkp_machine_limits *limits,
                                  const struct tkp_demand *demand, uint64_t *total);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CPUs that this process may run on and the physical cores that they belong to. Read only: no
 * affinity is changed to find out. [main]
 */
#ifndef TKP_RUN_TOPOLOGY_H
#define TKP_RUN_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

enum { TKP_TOPOLOGY_MAX_CPUS = 1024 }; /* CPU_SETSIZE: what sched_getaffinity() tells of */

struct tkp_cpu {
    int32_t id;      /* as in /proc/cpuinfo */
    int32_t package; /* socket; 0 where the kernel does not say */
    int32_t core;    /* lowest CPU of the physical core; its own id where the kernel does not say */
};

struct tkp_topology {
    uint32_t count;                             /* 0: unknown */
    struct tkp_cpu cpus[TKP_TOPOLOGY_MAX_CPUS]; /* by ascending id */
};

/* Packages and cores of the given CPUs (ascending ids) from root/sys/devices/system/cpu; root is
 * "" but in tests. CPUs past the table's bound are left out. */
void tkp_topology_read(const char *root, const int32_t *cpus, uint32_t count,
                       struct tkp_topology *topology);
/* The same of the CPUs that the affinity of the calling thread, and so its cpuset, allows. */
void tkp_topology_read_allowed(struct tkp_topology *topology);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which thread runs on which CPU, as a pure function of the CPUs there are and the number of
 * workers: workers away from each other and from the recorder
 * (with which the bus's threads stay), on physical cores of their own as
 * long as there are any, else on their hardware threads. With fewer CPUs than threads nothing is
 * pinned: the scheduler knows better then. [any]
 */
#ifndef TKP_RUN_CPU_PLAN_H
#define TKP_RUN_CPU_PLAN_H

#include <base/buffer.h>
#include <config/plan.h>
#include <load/phase.h>
#include <run/topology.h>

enum { TKP_CPU_PLAN_MAX_LANES = 256, TKP_CPU_PLAN_DEFAULT_LANES = 4 };

struct tkp_cpu_plan {
    bool is_pinned;
    uint32_t cpus, cores; /* allowed ones; 0: unknown */
    uint32_t spare_cores; /* cores beyond one for each worker and one for the recorder */
    uint32_t workers;
    int32_t recorder_cpu;                       /* -1: wherever it likes */
    int32_t worker_cpus[TKP_PHASE_MAX_WORKERS]; /* likewise */
    uint32_t lanes;                             /* that count tokens during the load */
    int32_t lane_cpus[TKP_CPU_PLAN_MAX_LANES];  /* likewise; never on a worker's core */
};

/* wants_pinning: --no-cpu-affinity was not given. */
void tkp_cpu_plan_make(const struct tkp_topology *topology, uint32_t workers, bool wants_pinning,
                       struct tkp_cpu_plan *plan);
/* Adds tokenizer threads, as many as wanted; -1: one for each spare core, at most
 * TKP_CPU_PLAN_DEFAULT_LANES, one beside the recorder where none is spare, none where nothing is
 * pinned. */
void tkp_cpu_plan_add_lanes(const struct tkp_topology *topology, int32_t wanted,
                            struct tkp_cpu_plan *plan);
/* Whether workers spin before a send that is due: as told, and on its own only with a core that
 * nobody needs. */
bool tkp_cpu_plan_spins(const struct tkp_cpu_plan *plan, enum tkp_spin spin);
/* Lines "# ...", for people: behind the YAML of `config show`. */
void tkp_cpu_plan_describe(const struct tkp_cpu_plan *plan, enum tkp_spin spin,
                           struct tkp_buffer *out);

#endif

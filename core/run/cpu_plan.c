/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which CPUs are given out: one hardware thread of every core, then the second ... */
#include <run/cpu_plan.h>

#include <stdlib.h>

struct candidate {
    struct tkp_cpu cpu;
    uint32_t rank; /* among the allowed hardware threads of its core, from 0 */
};

static int compare(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->cpu.package != b->cpu.package)
        return a->cpu.package < b->cpu.package ? -1 : 1;
    return a->cpu.id < b->cpu.id ? -1 : a->cpu.id > b->cpu.id;
}

static bool same_core(const struct tkp_cpu *a, const struct tkp_cpu *b)
{
    return a->core == b->core && a->package == b->package;
}

/* Fills list, in the order of use; returns the number of physical cores. */
static uint32_t order(const struct tkp_topology *topology, struct candidate *list)
{
    uint32_t cores = 0;
    for (uint32_t i = 0; i < topology->count; i++) {
        list[i] = (struct candidate){.cpu = topology->cpus[i]};
        for (uint32_t k = 0; k < i; k++)
            list[i].rank += same_core(&topology->cpus[k], &topology->cpus[i]);
        cores += list[i].rank == 0;
    }
    qsort(list, topology->count, sizeof *list, compare);
    return cores;
}

void tkp_cpu_plan_make(const struct tkp_topology *topology, uint32_t workers, bool wants_pinning,
                       struct tkp_cpu_plan *plan)
{
    struct candidate list[TKP_TOPOLOGY_MAX_CPUS];
    uint32_t threads = workers + 1;
    *plan = (struct tkp_cpu_plan){.cpus = topology->count,
                                  .cores = order(topology, list),
                                  .workers = workers,
                                  .recorder_cpu = -1};
    plan->spare_cores = plan->cores > threads ? plan->cores - threads : 0;
    plan->is_pinned = wants_pinning && plan->cpus >= threads && workers <= TKP_PHASE_MAX_WORKERS;
    for (uint32_t i = 0; i < TKP_PHASE_MAX_WORKERS; i++)
        plan->worker_cpus[i] = plan->is_pinned && i < workers ? list[i + 1].cpu.id : -1;
    if (plan->is_pinned) /* the first: interrupts and the main thread are likely there too */
        plan->recorder_cpu = list[0].cpu.id;
}

/* Whether a worker runs on the core of a CPU; workers have list[1] and on. */
static bool has_worker(const struct candidate *list, uint32_t workers, const struct tkp_cpu *cpu)
{
    for (uint32_t i = 1; i <= workers; i++)
        if (same_core(&list[i].cpu, cpu))
            return true;
    return false;
}

static uint32_t choose_lanes(const struct tkp_cpu_plan *plan, int32_t wanted)
{
    if (wanted >= 0)
        return wanted < TKP_CPU_PLAN_MAX_LANES ? (uint32_t)wanted : TKP_CPU_PLAN_MAX_LANES;
    if (!plan->is_pinned)
        return 0;
    if (!plan->spare_cores)
        return 1;
    return plan->spare_cores < TKP_CPU_PLAN_DEFAULT_LANES ? plan->spare_cores
                                                          : TKP_CPU_PLAN_DEFAULT_LANES;
}

void tkp_cpu_plan_add_lanes(const struct tkp_topology *topology, int32_t wanted,
                            struct tkp_cpu_plan *plan)
{
    struct candidate list[TKP_TOPOLOGY_MAX_CPUS];
    int32_t free_cpus[TKP_TOPOLOGY_MAX_CPUS];
    uint32_t free_count = 0, threads = plan->workers + 1;
    order(topology, list);
    for (uint32_t i = threads; plan->is_pinned && i < plan->cpus; i++)
        if (!has_worker(list, plan->workers, &list[i].cpu))
            free_cpus[free_count++] = list[i].cpu.id;
    plan->lanes = choose_lanes(plan, wanted);
    for (uint32_t i = 0; i < plan->lanes; i++) {
        plan->lane_cpus[i] = -1;
        if (plan->is_pinned) /* in turn; with none that is free, beside the recorder */
            plan->lane_cpus[i] = free_count ? free_cpus[i % free_count] : plan->recorder_cpu;
    }
}

bool tkp_cpu_plan_spins(const struct tkp_cpu_plan *plan, enum tkp_spin spin)
{
    return spin == TKP_SPIN_ON || (spin == TKP_SPIN_AUTO && plan->spare_cores > 0);
}

static void describe_threads(const struct tkp_cpu_plan *plan, struct tkp_buffer *out)
{
    if (!plan->is_pinned) {
        tkp_buffer_printf(out, "# threads are not pinned: %s\n",
                          plan->cpus > plan->workers
                              ? "runtime.cpu_affinity is false"
                              : "there is no CPU for each worker and the recorder");
        return;
    }
    tkp_buffer_printf(out, "# recorder and bus on CPU %d, workers on CPU", plan->recorder_cpu);
    for (uint32_t i = 0; i < plan->workers; i++)
        tkp_buffer_printf(out, "%s %d", i ? "," : "", plan->worker_cpus[i]);
    tkp_buffer_puts(out, "\n");
    for (uint32_t i = 0; i < plan->lanes; i++)
        tkp_buffer_printf(out, "%s %d", i ? "," : "# tokenizer on CPU", plan->lane_cpus[i]);
    if (plan->lanes)
        tkp_buffer_puts(out, "\n");
}

void tkp_cpu_plan_describe(const struct tkp_cpu_plan *plan, enum tkp_spin spin,
                           struct tkp_buffer *out)
{
    tkp_buffer_printf(out,
                      "# CPU plan of this machine: CPUs %u, cores %u, workers %u and a recorder, "
                      "cores to spare %u\n",
                      plan->cpus, plan->cores, plan->workers, plan->spare_cores);
    describe_threads(plan, out);
    tkp_buffer_printf(out, "# workers %s before a send that is due\n",
                      tkp_cpu_plan_spins(plan, spin) ? "spin" : "do not spin");
}

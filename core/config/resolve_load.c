/* SPDX-License-Identifier: Apache-2.0 */
/* The load's part of the plan: seed, workers, and the phases through resolve_phases.c. [main] */
#include <config/resolve_parts.h>

#include <base/rng.h>
#include <base/thread.h>

enum { MAX_DEFAULT_WORKERS = 32 };

/* min(concurrency, CPUs - 1, 32), at least 1: one CPU is left to recorder and controller, and the
 * load does not depend on it. The process's own mask counts, without touching it. */
static uint32_t default_workers(const struct tkp_plan *plan)
{
    uint64_t cpus = tkp_thread_cpu_count(), workers = cpus > 1 ? cpus - 1 : 1, most = 0;
    for (uint32_t i = 0; i < plan->phase_count; i++) {
        uint64_t cap = plan->phases[i].concurrency ? plan->phases[i].concurrency : UINT64_MAX;
        most = cap > most ? cap : most;
    }
    if (workers > most)
        workers = most;
    return (uint32_t)(workers < MAX_DEFAULT_WORKERS ? workers : MAX_DEFAULT_WORKERS);
}

static void resolve_seed(const struct tkp_settings *settings, struct tkp_plan *plan)
{
    const struct tkp_setting *seed = tkp_settings_given(settings, TKP_OPT_SEED);
    plan->seed_was_drawn = !seed;
    /* 53 bits: the row's range, so that every JSON reader gives it back exactly. */
    plan->seed = seed ? (uint64_t)seed->integer : tkp_rng_fresh_seed() >> 11;
}

tokperf_status tkp_resolve_load(const struct tkp_settings *settings, struct tkp_plan *plan,
                                struct tokperf_error *error)
{
    tokperf_status status = tkp_resolve_phases(settings, plan, error);
    if (status)
        return status;
    const struct tkp_setting *threshold =
        tkp_settings_given(settings, TKP_OPT_FAILED_REQUEST_THRESHOLD);
    plan->failed_request_threshold = threshold ? threshold->number : 2; /* above 1: off */
    const struct tkp_setting *workers = tkp_settings_given(settings, TKP_OPT_WORKERS);
    plan->workers = workers ? (uint32_t)workers->integer : default_workers(plan);
    plan->spin = (enum tkp_spin)(tkp_settings_choice(settings, TKP_OPT_SPIN) + TKP_SPIN_AUTO);
    const struct tkp_setting *affinity = tkp_settings_given(settings, TKP_OPT_CPU_AFFINITY);
    plan->cpu_affinity = !affinity || affinity->boolean;
    plan->receive_clock = (enum tkp_receive_clock)(
        tkp_settings_choice(settings, TKP_OPT_RECEIVE_CLOCK) + TKP_RECEIVE_CLOCK_AUTO);
    resolve_seed(settings, plan);
    return TOKPERF_OK;
}

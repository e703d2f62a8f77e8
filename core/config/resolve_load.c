/* SPDX-License-Identifier: Apache-2.0 */
/* The load's part of the plan: phases, seed, workers. [main] */
#include <config/resolve_parts.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/rng.h>
#include <base/thread.h>

enum { MAX_DEFAULT_WORKERS = 32 };

/* What somebody gave for one phase; NULL: nobody did. */
struct given {
    const struct tkp_setting *arrival, *concurrency, *rate, *requests, *sessions, *duration, *grace,
        *concurrency_ramp, *rate_ramp;
};

static enum tkp_option_id shift(enum tkp_option_id first, enum tkp_option_id id)
{
    return (enum tkp_option_id)((unsigned)first + (unsigned)id - TKP_OPT_ARRIVAL);
}

/* first: TKP_OPT_ARRIVAL or TKP_OPT_WARMUP_ARRIVAL; the nine ids of a phase follow one another. */
static struct given collect(const struct tkp_settings *s, enum tkp_option_id first)
{
    return (struct given){
        .arrival = tkp_settings_given(s, first),
        .concurrency = tkp_settings_given(s, shift(first, TKP_OPT_CONCURRENCY)),
        .rate = tkp_settings_given(s, shift(first, TKP_OPT_RATE)),
        .requests = tkp_settings_given(s, shift(first, TKP_OPT_REQUESTS)),
        .sessions = tkp_settings_given(s, shift(first, TKP_OPT_SESSIONS)),
        .duration = tkp_settings_given(s, shift(first, TKP_OPT_DURATION)),
        .grace = tkp_settings_given(s, shift(first, TKP_OPT_GRACE)),
        .concurrency_ramp = tkp_settings_given(s, shift(first, TKP_OPT_CONCURRENCY_RAMP)),
        .rate_ramp = tkp_settings_given(s, shift(first, TKP_OPT_RATE_RAMP)),
    };
}

static enum tkp_arrival arrival_of(const struct tkp_setting *s)
{
    static const enum tkp_arrival values[] = {TKP_ARRIVAL_CLOSED, TKP_ARRIVAL_CONSTANT,
                                              TKP_ARRIVAL_POISSON, TKP_ARRIVAL_CLOSED};
    return values[s->choice]; /* the order of the row's choices */
}

static tokperf_status check_arrival(const struct given *g, const struct tkp_phase_plan *phase,
                                    const char *rate_flag, struct tokperf_error *error)
{
    if (phase->arrival == TKP_ARRIVAL_CLOSED && g->rate)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: '%s' takes no request rate; leave %s out, or use poisson or constant",
                        g->arrival->origin, g->arrival->text, rate_flag);
    if (phase->arrival != TKP_ARRIVAL_CLOSED && phase->rate_per_s <= 0)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: '%s' needs a request rate: give %s",
                        g->arrival->origin, g->arrival->text, rate_flag);
    return TOKPERF_OK;
}

/* Ramps of something that is not there, and a grace period behind no duration. */
static tokperf_status check_dependents(const struct given *g, const struct tkp_phase_plan *phase,
                                       struct tokperf_error *error)
{
    if (g->concurrency_ramp && g->concurrency_ramp->duration_ns && !phase->concurrency)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: there is no concurrency to raise: give a concurrency",
                        g->concurrency_ramp->origin);
    if (g->rate_ramp && g->rate_ramp->duration_ns && phase->arrival == TKP_ARRIVAL_CLOSED)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: there is no request rate to raise: give a request rate",
                        g->rate_ramp->origin);
    if (g->grace && !g->duration)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: applies after a duration only: give a duration, or leave it out",
                        g->grace->origin);
    return TOKPERF_OK;
}

static void take_stop_rules(const struct given *g, uint64_t grace_ns, struct tkp_phase_plan *phase)
{
    phase->request_count = g->requests ? (uint64_t)g->requests->integer : 0;
    phase->session_count = g->sessions ? (uint64_t)g->sessions->integer : 0;
    phase->duration_ns = g->duration ? g->duration->duration_ns : 0;
    phase->grace_ns = g->duration ? grace_ns : TKP_NEVER_NS;
}

static bool has_stop_rule(const struct tkp_phase_plan *phase)
{
    return phase->request_count || phase->session_count || phase->duration_ns;
}

static tokperf_status resolve_profiling(const struct tkp_settings *settings,
                                        struct tkp_phase_plan *phase, struct tokperf_error *error)
{
    struct given g = collect(settings, TKP_OPT_ARRIVAL);
    phase->name = "profiling";
    phase->rate_per_s = g.rate ? g.rate->number : 0;
    phase->arrival = g.arrival ? arrival_of(g.arrival)
                     : g.rate  ? TKP_ARRIVAL_POISSON
                               : TKP_ARRIVAL_CLOSED;
    tokperf_status status = check_arrival(&g, phase, "--request-rate", error);
    if (status)
        return status;
    if (g.concurrency)
        phase->concurrency = (uint64_t)g.concurrency->integer;
    else
        phase->concurrency = phase->arrival == TKP_ARRIVAL_CLOSED ? 1 : 0;
    phase->concurrency_ramp_ns = tkp_settings_ns(settings, TKP_OPT_CONCURRENCY_RAMP);
    phase->rate_ramp_ns = tkp_settings_ns(settings, TKP_OPT_RATE_RAMP);
    take_stop_rules(&g, tkp_settings_ns(settings, TKP_OPT_GRACE), phase);
    if (!has_stop_rule(phase))
        phase->request_count = phase->concurrency > 5 ? 2 * phase->concurrency : 10;
    return check_dependents(&g, phase, error);
}

/* The first warm-up value that was given although there is no warm-up. */
static const struct tkp_setting *any_of(const struct given *g)
{
    const struct tkp_setting *list[] = {g->concurrency,      g->rate,     g->arrival, g->grace,
                                        g->concurrency_ramp, g->rate_ramp};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (list[i])
            return list[i];
    return NULL;
}

/* Unset values are profiling's. */
static tokperf_status resolve_warmup_load(const struct given *g,
                                          const struct tkp_phase_plan *profiling,
                                          struct tkp_phase_plan *phase, struct tokperf_error *error)
{
    bool opens = g->rate && profiling->arrival == TKP_ARRIVAL_CLOSED;
    phase->arrival = g->arrival ? arrival_of(g->arrival)
                     : opens    ? TKP_ARRIVAL_POISSON
                                : profiling->arrival;
    if (phase->arrival != TKP_ARRIVAL_CLOSED)
        phase->rate_per_s = g->rate ? g->rate->number : profiling->rate_per_s;
    phase->concurrency =
        g->concurrency ? (uint64_t)g->concurrency->integer : profiling->concurrency;
    if (!phase->concurrency && phase->arrival == TKP_ARRIVAL_CLOSED)
        phase->concurrency = 1;
    if (phase->concurrency)
        phase->concurrency_ramp_ns =
            g->concurrency_ramp ? g->concurrency_ramp->duration_ns : profiling->concurrency_ramp_ns;
    if (phase->arrival != TKP_ARRIVAL_CLOSED)
        phase->rate_ramp_ns = g->rate_ramp ? g->rate_ramp->duration_ns : profiling->rate_ramp_ns;
    tokperf_status status = check_arrival(g, phase, "--warmup-request-rate", error);
    return status ? status : check_dependents(g, phase, error);
}

/* *has says whether there is a warm-up. */
static tokperf_status resolve_warmup(const struct tkp_settings *settings,
                                     const struct tkp_phase_plan *profiling,
                                     struct tkp_phase_plan *phase, bool *has,
                                     struct tokperf_error *error)
{
    struct given g = collect(settings, TKP_OPT_WARMUP_ARRIVAL);
    phase->name = "warmup";
    phase->is_warmup = true;
    take_stop_rules(&g, tkp_settings_ns(settings, TKP_OPT_WARMUP_GRACE), phase);
    *has = has_stop_rule(phase);
    if (*has)
        return resolve_warmup_load(&g, profiling, phase, error);
    const struct tkp_setting *lonely = any_of(&g);
    if (!lonely)
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "%s: there is no warm-up without a rule when to stop it: give "
                    "--warmup-request-count, --num-warmup-sessions or --warmup-duration",
                    lonely->origin);
}

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
    struct tkp_phase_plan *phases = tkp_arena_alloc(&plan->arena, 2 * sizeof *phases);
    struct tkp_phase_plan profiling = {0}, warmup = {0};
    bool has_warmup = false;
    if (!phases)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plan");
    tokperf_status status = resolve_profiling(settings, &profiling, error);
    if (!status)
        status = resolve_warmup(settings, &profiling, &warmup, &has_warmup, error);
    if (status)
        return status;
    if (has_warmup)
        phases[plan->phase_count++] = warmup;
    phases[plan->phase_count++] = profiling;
    plan->phases = phases;
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

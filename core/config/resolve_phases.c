/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan's list of phases: those of the file in its order, and of flags and variables what the
 * file does not name: a warm-up before them, a profiling phase behind them. With one phase of a
 * kind in the file, flags and variables of that kind override it; with several they are refused.
 * [main]
 */
#include <config/resolve_parts.h>

#include <base/clock.h>
#include <base/error.h>
#include <config/phase_list.h>
#include <stdio.h>
#include <string.h>

enum { NAMES_BYTES = 256 };

/* What somebody gave for one phase; NULL: nobody did. */
struct given {
    const struct tkp_setting *arrival, *concurrency, *rate, *requests, *sessions, *duration, *grace,
        *concurrency_ramp, *rate_ramp, *seamless, *excluded;
};

/* A phase on its way into the plan. */
struct draft {
    const struct tkp_phase_settings *listed; /* in the file; NULL: made of flags and variables */
    bool is_warmup;
};

static enum tkp_option_id shift(enum tkp_option_id first, enum tkp_option_id id)
{
    return (enum tkp_option_id)((unsigned)first + (unsigned)id - TKP_OPT_ARRIVAL);
}

static const struct tkp_setting *pick(const struct tkp_settings *run, const struct draft *draft,
                                      enum tkp_option_id profiling_id)
{
    enum tkp_option_id id =
        draft->is_warmup ? shift(TKP_OPT_WARMUP_ARRIVAL, profiling_id) : profiling_id;
    const struct tkp_setting *over = tkp_settings_given(run, id);
    return over || !draft->listed ? over : tkp_settings_given(&draft->listed->values, id);
}

static struct given collect(const struct tkp_settings *s, const struct draft *draft)
{
    return (struct given){
        .arrival = pick(s, draft, TKP_OPT_ARRIVAL),
        .concurrency = pick(s, draft, TKP_OPT_CONCURRENCY),
        .rate = pick(s, draft, TKP_OPT_RATE),
        .requests = pick(s, draft, TKP_OPT_REQUESTS),
        .sessions = pick(s, draft, TKP_OPT_SESSIONS),
        .duration = pick(s, draft, TKP_OPT_DURATION),
        .grace = pick(s, draft, TKP_OPT_GRACE),
        .concurrency_ramp = pick(s, draft, TKP_OPT_CONCURRENCY_RAMP),
        .rate_ramp = pick(s, draft, TKP_OPT_RATE_RAMP),
        .seamless = pick(s, draft, TKP_OPT_SEAMLESS),
        .excluded = pick(s, draft, TKP_OPT_EXCLUDE_FROM_RESULTS),
    };
}

static enum tkp_arrival arrival_of(const struct tkp_setting *s)
{
    static const enum tkp_arrival values[] = {TKP_ARRIVAL_CLOSED, TKP_ARRIVAL_CONSTANT,
                                              TKP_ARRIVAL_POISSON, TKP_ARRIVAL_CLOSED};
    return values[s->choice]; /* the order of the row's choices */
}

/* What a message calls the rate, where the user would look for it or write it: `beside` is given
 * there. */
static const char *rate_name(const struct draft *draft, const struct tkp_setting *beside)
{
    for (unsigned id = TKP_OPT_ARRIVAL; draft->listed && id <= TKP_OPT_RATE; id++) {
        enum tkp_option_id own = draft->is_warmup
                                     ? shift(TKP_OPT_WARMUP_ARRIVAL, (enum tkp_option_id)id)
                                     : (enum tkp_option_id)id;
        if (tkp_settings_given(&draft->listed->values, own) == beside)
            return "rate";
    }
    return draft->is_warmup ? "--warmup-request-rate" : "--request-rate";
}

static tokperf_status check_arrival(const struct given *g, const struct tkp_phase_plan *phase,
                                    const struct draft *draft, struct tokperf_error *error)
{
    if (phase->arrival == TKP_ARRIVAL_CLOSED && g->rate)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: '%s' takes no request rate; leave %s out, or use poisson or constant",
                        g->arrival->origin, g->arrival->text, rate_name(draft, g->rate));
    if (phase->arrival != TKP_ARRIVAL_CLOSED && phase->rate_per_s <= 0)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: '%s' needs a request rate: give %s",
                        g->arrival->origin, g->arrival->text, rate_name(draft, g->arrival));
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

static void take_stop_rules(const struct given *g, const struct tkp_settings *run,
                            enum tkp_option_id grace, struct tkp_phase_plan *phase)
{
    uint64_t grace_ns = g->grace ? g->grace->duration_ns : tkp_settings_ns(run, grace);
    phase->request_count = g->requests ? (uint64_t)g->requests->integer : 0;
    phase->session_count = g->sessions ? (uint64_t)g->sessions->integer : 0;
    phase->duration_ns = g->duration ? g->duration->duration_ns : 0;
    phase->grace_ns = g->duration ? grace_ns : TKP_NEVER_NS;
}

static bool has_stop_rule(const struct tkp_phase_plan *phase)
{
    return phase->request_count || phase->session_count || phase->duration_ns;
}

static uint64_t ramp_ns(const struct tkp_setting *given)
{
    return given ? given->duration_ns : 0;
}

static tokperf_status resolve_profiling(const struct tkp_settings *settings,
                                        const struct draft *draft, struct tkp_phase_plan *phase,
                                        struct tokperf_error *error)
{
    struct given g = collect(settings, draft);
    phase->name = draft->listed ? draft->listed->name : "profiling";
    phase->is_named = draft->listed && draft->listed->is_named;
    phase->is_seamless = g.seamless && g.seamless->boolean;
    phase->exclude_from_results = g.excluded && g.excluded->boolean;
    phase->rate_per_s = g.rate ? g.rate->number : 0;
    phase->arrival = g.arrival ? arrival_of(g.arrival)
                     : g.rate  ? TKP_ARRIVAL_POISSON
                               : TKP_ARRIVAL_CLOSED;
    tokperf_status status = check_arrival(&g, phase, draft, error);
    if (status)
        return status;
    if (g.concurrency)
        phase->concurrency = (uint64_t)g.concurrency->integer;
    else
        phase->concurrency = phase->arrival == TKP_ARRIVAL_CLOSED ? 1 : 0;
    phase->concurrency_ramp_ns = ramp_ns(g.concurrency_ramp);
    phase->rate_ramp_ns = ramp_ns(g.rate_ramp);
    take_stop_rules(&g, settings, TKP_OPT_GRACE, phase);
    if (!has_stop_rule(phase))
        phase->request_count = phase->concurrency > 5 ? 2 * phase->concurrency : 10;
    return check_dependents(&g, phase, error);
}

/* The first warm-up value that was given although there is no warm-up. */
static const struct tkp_setting *any_of(const struct given *g)
{
    const struct tkp_setting *list[] = {
        g->concurrency,      g->rate,      g->arrival,  g->grace,
        g->concurrency_ramp, g->rate_ramp, g->seamless, g->excluded};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
        if (list[i])
            return list[i];
    return NULL;
}

/* Unset values are profiling's. */
static tokperf_status resolve_warmup_load(const struct given *g, const struct draft *draft,
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
    tokperf_status status = check_arrival(g, phase, draft, error);
    return status ? status : check_dependents(g, phase, error);
}

/* A warm-up of flags that has no stop rule is none: phase->is_warmup stays false. */
static tokperf_status resolve_warmup(const struct tkp_settings *settings, const struct draft *draft,
                                     const struct tkp_phase_plan *profiling,
                                     struct tkp_phase_plan *phase, struct tokperf_error *error)
{
    struct given g = collect(settings, draft);
    const struct tkp_setting *lonely = any_of(&g);
    phase->name = draft->listed ? draft->listed->name : "warmup";
    phase->is_named = draft->listed && draft->listed->is_named;
    phase->is_seamless = g.seamless && g.seamless->boolean;
    take_stop_rules(&g, settings, TKP_OPT_WARMUP_GRACE, phase);
    phase->is_warmup = has_stop_rule(phase);
    if (g.excluded && !g.excluded->boolean)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: a warm-up is never part of the results; leave it out, or make it a "
                        "profiling phase",
                        g.excluded->origin);
    if (phase->is_warmup)
        return resolve_warmup_load(&g, draft, profiling, phase, error);
    if (!lonely && draft->listed)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: a warm-up needs a rule when to stop it: give requests, sessions or "
                        "duration",
                        draft->listed->origin);
    if (!lonely)
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "%s: there is no warm-up without a rule when to stop it: give "
                    "--warmup-request-count, --num-warmup-sessions or --warmup-duration",
                    lonely->origin);
}

static uint32_t listed_of(const struct tkp_settings *settings, bool is_warmup)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < settings->phase_count; i++)
        count += settings->phases[i].is_warmup == is_warmup;
    return count;
}

/* "a, b, c" */
static void join_names(const struct tkp_settings *settings, bool is_warmup, char *out,
                       size_t capacity)
{
    size_t used = 0;
    for (uint32_t i = 0; i < settings->phase_count && used < capacity; i++) {
        if (settings->phases[i].is_warmup != is_warmup)
            continue;
        int n = snprintf(out + used, capacity - used, "%s%s", used ? ", " : "",
                         settings->phases[i].name);
        used += n > 0 ? (size_t)n : 0;
    }
    if (used >= capacity)
        memcpy(out + capacity - 4, "...", 4);
}

/* With several phases of a kind nothing says which of them a flag means. */
static tokperf_status check_not_ambiguous(const struct tkp_settings *settings, bool is_warmup,
                                          struct tokperf_error *error)
{
    char names[NAMES_BYTES];
    enum tkp_option_id first = is_warmup ? TKP_OPT_WARMUP_ARRIVAL : TKP_OPT_ARRIVAL;
    uint32_t count = listed_of(settings, is_warmup);
    for (unsigned id = TKP_OPT_ARRIVAL; count > 1 && id <= TKP_OPT_EXCLUDE_FROM_RESULTS; id++) {
        const enum tkp_option_id own = shift(first, (enum tkp_option_id)id);
        const struct tkp_setting *given = tkp_settings_given(settings, own);
        if (!given)
            continue;
        join_names(settings, is_warmup, names, sizeof names);
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: the file has %u %s phases (%s); write '%s' at the one that is meant, "
                        "below benchmark.phases",
                        given->origin, count, is_warmup ? "warm-up" : "profiling", names,
                        strrchr(tkp_options_row(own)->path, '.') + 1);
    }
    return TOKPERF_OK;
}

/* Of warm-ups alone nothing is reported; flags may make the profiling phase behind them. */
static tokperf_status check_one_is_profiled(const struct tkp_settings *settings,
                                            struct tokperf_error *error)
{
    bool warms_up_only = settings->phase_count && !listed_of(settings, false);
    for (unsigned id = TKP_OPT_ARRIVAL; warms_up_only && id <= TKP_OPT_EXCLUDE_FROM_RESULTS; id++)
        if (tkp_settings_given(settings, (enum tkp_option_id)id))
            return TOKPERF_OK;
    if (!warms_up_only)
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "%s: the list has warm-ups alone, of which nothing is reported; add a "
                    "profiling phase, or make one with flags (--request-count)",
                    settings->phases[0].origin);
}

/* The phases in their order; the first may turn out to be none. */
static uint32_t lay_out(const struct tkp_settings *settings, struct draft *drafts)
{
    uint32_t count = 0;
    if (!listed_of(settings, true))
        drafts[count++] = (struct draft){.is_warmup = true};
    for (uint32_t i = 0; i < settings->phase_count; i++) {
        const struct tkp_phase_settings *listed = &settings->phases[i];
        drafts[count++] = (struct draft){.listed = listed, .is_warmup = listed->is_warmup};
    }
    if (!listed_of(settings, false))
        drafts[count++] = (struct draft){.is_warmup = false};
    return count;
}

/* Whose load a warm-up has where nothing else is given: of the profiling phase that comes next,
 * else of the last one. */
static const struct tkp_phase_plan *profiling_after(const struct draft *drafts, uint32_t count,
                                                    const struct tkp_phase_plan *phases,
                                                    uint32_t at)
{
    for (uint32_t i = at; i < count; i++)
        if (!drafts[i].is_warmup)
            return &phases[i];
    while (drafts[at].is_warmup)
        at--;
    return &phases[at];
}

static tokperf_status resolve_each(const struct tkp_settings *settings, const struct draft *drafts,
                                   uint32_t count, struct tkp_phase_plan *phases,
                                   struct tokperf_error *error)
{
    tokperf_status status = TOKPERF_OK;
    for (uint32_t i = 0; i < count && !status; i++)
        if (!drafts[i].is_warmup)
            status = resolve_profiling(settings, &drafts[i], &phases[i], error);
    for (uint32_t i = 0; i < count && !status; i++)
        if (drafts[i].is_warmup)
            status = resolve_warmup(settings, &drafts[i], profiling_after(drafts, count, phases, i),
                                    &phases[i], error);
    return status;
}

/* Only the phases of flags can have a name that the file's have: theirs were checked. */
static tokperf_status check_names(const struct tkp_plan *plan, struct tokperf_error *error)
{
    for (uint32_t i = 0; i < plan->phase_count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(plan->phases[i].name, plan->phases[k].name) == 0)
                return tkp_fail(error, TOKPERF_E_INVALID,
                                "there are two phases named '%s', one in the file and one of flags "
                                "or defaults; give the file's another name",
                                plan->phases[i].name);
    return TOKPERF_OK;
}

static tokperf_status check_list(const struct tkp_settings *settings, const struct draft *drafts,
                                 const struct tkp_plan *plan, struct tokperf_error *error)
{
    if (plan->phase_count > TKP_PLAN_MAX_PHASES)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%u phases: a run has at most %d, with the one that flags or defaults make",
                        plan->phase_count, TKP_PLAN_MAX_PHASES);
    if (plan->phases[0].is_seamless)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: there is no phase before the first one; leave seamless out",
                        collect(settings, &drafts[0]).seamless->origin);
    for (uint32_t i = 0; i < plan->phase_count && !tkp_phases_counted(plan); i++)
        if (!plan->phases[i].is_warmup)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: no phase is left for the results; at least one profiling phase "
                            "must not be excluded",
                            collect(settings, &drafts[i]).excluded->origin);
    return check_names(plan, error);
}

tokperf_status tkp_resolve_phases(const struct tkp_settings *settings, struct tkp_plan *plan,
                                  struct tokperf_error *error)
{
    struct draft list[TKP_PLAN_MAX_PHASES + 2] = {{0}}, *drafts = list;
    tokperf_status status = check_not_ambiguous(settings, false, error);
    if (!status)
        status = check_not_ambiguous(settings, true, error);
    if (!status)
        status = check_one_is_profiled(settings, error);
    if (status)
        return status;
    uint32_t count = lay_out(settings, drafts);
    struct tkp_phase_plan *phases = tkp_arena_alloc(&plan->arena, count * sizeof *phases);
    if (!phases)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plan");
    status = resolve_each(settings, drafts, count, phases, error);
    if (status)
        return status;
    if (drafts[0].is_warmup && !phases[0].is_warmup) {
        drafts++;
        phases++;
        count--;
    }
    plan->phases = phases;
    plan->phase_count = count;
    return check_list(settings, drafts, plan, error);
}

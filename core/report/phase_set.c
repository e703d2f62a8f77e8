/* SPDX-License-Identifier: Apache-2.0 */
/* See phase_set.h. */
#include <report/phase_set.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/text.h>
#include <config/phase_list.h>
#include <metrics/verdict.h>
#include <math.h>
#include <stdlib.h>

static bool has_total(const struct tkp_phase_set *set)
{
    return set->count > set->plan->phase_count;
}

/* The phase that makes the total: any of open loop, and its numbers of what was not sent count. */
static struct tkp_phase_plan plan_of_total(const struct tkp_plan *plan)
{
    struct tkp_phase_plan total = {.name = TKP_PHASE_TOTAL, .arrival = TKP_ARRIVAL_CLOSED};
    for (uint32_t i = 0; i < plan->phase_count; i++)
        if (tkp_phase_is_counted(&plan->phases[i]) && plan->phases[i].arrival != TKP_ARRIVAL_CLOSED)
            total.arrival = plan->phases[i].arrival;
    return total;
}

static tokperf_status add_total(struct tkp_phase_set *set, const struct tkp_metric_context *context,
                                struct tokperf_error *error)
{
    const struct tkp_plan *plan = set->plan;
    const struct tkp_phase_plan total = plan_of_total(plan);
    uint32_t parts = 0;
    if (tkp_phases_counted(plan) < 2)
        return TOKPERF_OK;
    tokperf_status status =
        tkp_phase_metrics_create(context, &total, &set->metrics[set->count], error);
    if (status != TOKPERF_OK)
        return status;
    for (uint32_t i = 0; i < plan->phase_count; i++)
        if (tkp_phase_is_counted(&plan->phases[i]))
            set->counted[parts++] = set->metrics[i];
    tkp_phase_metrics_make_total(set->metrics[set->count], set->counted, parts);
    set->count++;
    return TOKPERF_OK;
}

tokperf_status tkp_phase_set_init(struct tkp_phase_set *set, const struct tkp_plan *plan,
                                  const struct tkp_metric_context *context,
                                  struct tokperf_error *error)
{
    const size_t room = (size_t)plan->phase_count + 1;
    *set = (struct tkp_phase_set){
        .plan = plan,
        .metrics = calloc(room, sizeof *set->metrics),
        .counted = calloc(room, sizeof *set->counted),
        .notes = calloc(room, sizeof *set->notes),
        .has_note = calloc(room, sizeof *set->has_note),
    };
    if (!set->metrics || !set->counted || !set->notes || !set->has_note)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the summary");
    tokperf_status status = TOKPERF_OK;
    for (uint32_t i = 0; status == TOKPERF_OK && i < plan->phase_count; i++) {
        status = tkp_phase_metrics_create(context, &plan->phases[i], &set->metrics[i], error);
        set->count += status == TOKPERF_OK;
    }
    return status ? status : add_total(set, context, error);
}

void tkp_phase_set_finish(struct tkp_phase_set *set)
{
    for (uint32_t i = 0; i < set->count; i++)
        tkp_phase_metrics_destroy(set->metrics[i]);
    free(set->metrics);
    free(set->counted);
    free(set->notes);
    free(set->has_note);
    *set = (struct tkp_phase_set){0};
}

void tkp_phase_set_row(struct tkp_phase_set *set, const struct tkp_row *row,
                       const uint64_t *chunk_ns)
{
    if (row->phase >= set->plan->phase_count)
        return;
    tkp_phase_metrics_add(set->metrics[row->phase], row, chunk_ns);
    if (has_total(set) && tkp_phase_is_counted(&set->plan->phases[row->phase]))
        tkp_phase_metrics_add(set->metrics[set->count - 1], row, chunk_ns);
}

void tkp_phase_set_note(struct tkp_phase_set *set, const struct tkp_phase_note *note)
{
    uint64_t not_sent = 0;
    if (note->phase >= set->plan->phase_count)
        return;
    set->notes[note->phase] = *note;
    set->has_note[note->phase] = true;
    tkp_phase_metrics_not_sent(set->metrics[note->phase], note->not_sent);
    for (uint32_t i = 0; i < set->plan->phase_count; i++)
        if (tkp_phase_is_counted(&set->plan->phases[i]))
            not_sent += set->notes[i].not_sent;
    if (has_total(set))
        tkp_phase_metrics_not_sent(set->metrics[set->count - 1], not_sent);
}

bool tkp_phase_set_next_pass(struct tkp_phase_set *set)
{
    bool more = false;
    for (uint32_t i = 0; i < set->count; i++)
        more |= tkp_phase_metrics_next_pass(set->metrics[i]);
    return more;
}

uint64_t tkp_phase_set_uncounted(const struct tkp_phase_set *set)
{
    uint64_t uncounted = 0;
    for (uint32_t i = 0; i < set->plan->phase_count; i++)
        uncounted += tkp_phase_metrics_uncounted(set->metrics[i]);
    return uncounted;
}

/* What is being made. */
struct making {
    const struct tkp_phase_set *set;
    const struct tkp_phase_set_run *run;
    struct tkp_arena *arena;
    struct tokperf_phase *phases;    /* one for each of the set's metrics */
    struct tkp_judged_phase *facts;  /* likewise */
    struct tkp_judged_phase *judged; /* those that the verdict is about */
    uint32_t judged_count;
    uint64_t results_missing; /* of collectors */
    const char *results_missing_names;
};

static void add_run_facts(const struct making *m, uint32_t index, struct tkp_phase_facts *facts)
{
    const struct tkp_phase_set_run *run = m->run;
    const struct tkp_phase_note *note = &m->set->notes[index];
    const struct tkp_phase_plan *planned = &m->set->plan->phases[index];
    if (run->so_far_note && run->so_far_note->phase == index)
        note = run->so_far_note;
    facts->unsent_turns = note->unsent_turns;
    facts->record_waits = note->record_waits;
    facts->record_wait_s = (double)note->record_wait_ns / (double)TKP_NS_PER_S;
    facts->loop_lag_p99_ns = (double)note->loop_lag_p99_ns;
    facts->plugin_call_max_ns = (double)note->plugin_call_max_ns;
    facts->read_delay_p99_ns = (double)note->read_delay_p99_ns;
    facts->unstamped_reads = note->unstamped_reads;
    facts->clock_steps = note->clock_steps;
    facts->log_not_written = run->log_lost;
    facts->cpu_ticks = note->cpu_ticks;
    facts->steal_ticks = note->steal_ticks;
    facts->cpus = note->cpus;
    facts->load_milli = note->load_milli;
    facts->worker_cpu_share =
        note->length_ns ? (double)note->worker_cpu_ns / (double)note->length_ns : NAN;
    facts->governors = run->facts->governors;
    facts->planned_rate_per_s = planned->rate_per_s;
    facts->planned_streams = facts->streaming ? (double)planned->concurrency : 0;
    facts->calibrated_requests_per_s = (double)run->facts->calibrated_requests_per_s;
    facts->calibrated_streams = (double)run->facts->calibrated_streams;
    facts->calibrated_events_per_s = (double)run->facts->calibrated_events_per_s;
    facts->results_missing = m->results_missing;
    facts->results_missing_names = m->results_missing_names;
    facts->tls_not_verified = m->set->plan->tls.insecure;
    bool is_whole = !run->interrupted && !tkp_phase_set_uncounted(m->set);
    facts->interrupted = run->interrupted || (run->interrupted_late && !is_whole);
    facts->interrupted_late = run->interrupted_late && is_whole;
    facts->is_so_far = run->so_far;
    facts->ended_early = run->ended_early;
    facts->log_torn = run->torn && !run->damaged;
    facts->log_damaged = run->damaged;
}

static bool has_begun(const struct making *m, uint32_t index)
{
    const struct tkp_phase_facts *f = &m->facts[index].facts;
    return m->set->has_note[index] || f->ok + f->errors + f->cancelled > 0;
}

static bool is_running(const struct making *m, uint32_t index)
{
    return m->run->so_far_note && m->run->so_far_note->phase == index;
}

static tokperf_status make_phase(const struct making *m, uint32_t index,
                                 struct tokperf_error *error)
{
    const struct tkp_phase_set *set = m->set;
    struct tkp_phase_facts *facts = &m->facts[index].facts;
    struct tokperf_phase *phase = &m->phases[index];
    bool is_total = index == set->plan->phase_count;
    tokperf_status status =
        m->run->so_far
            ? tkp_phase_metrics_peek(set->metrics[index], m->arena, phase, facts, error)
            : tkp_phase_metrics_result(set->metrics[index], m->arena, phase, facts, error);
    if (status != TOKPERF_OK)
        return status;
    m->facts[index].name = is_total ? TKP_PHASE_TOTAL : set->plan->phases[index].name;
    phase->name = tkp_span(m->facts[index].name);
    phase->is_total = is_total;
    phase->is_excluded = !is_total && set->plan->phases[index].exclude_from_results;
    phase->is_seamless = !is_total && set->plan->phases[index].is_seamless;
    phase->prompts_distinct = facts->prompts_distinct;
    phase->prompts_sent = facts->prompts_sent;
    if (is_total)
        return TOKPERF_OK;
    add_run_facts(m, index, facts);
    tkp_collector_notes_fill_phase(m->run->collectors, set->plan, index,
                                   has_begun(m, index) || is_running(m, index), m->arena, phase);
    return TOKPERF_OK;
}

static void add_judged(struct making *m, uint32_t index, bool is_named)
{
    struct tkp_judged_phase *judged = &m->judged[m->judged_count++];
    *judged = m->facts[index];
    if (!is_named)
        judged->name = "";
}

/* The counted phases, but for those that a run which ended early, or goes on, did not come to: they
 * have nothing to be judged. Where it came to none, the first of them says so of the run. One is
 * named where others count, whether or not the run came to them. */
static void choose_judged(struct making *m)
{
    const struct tkp_plan *plan = m->set->plan;
    const struct tkp_phase_set_run *run = m->run;
    bool stopped = run->so_far || run->interrupted || run->ended_early || run->torn || run->damaged;
    for (uint32_t i = 0; i < plan->phase_count; i++)
        if (tkp_phase_is_counted(&plan->phases[i]) && (!stopped || has_begun(m, i)))
            add_judged(m, i, has_total(m->set));
    for (uint32_t i = 0; i < plan->phase_count && !m->judged_count; i++)
        if (tkp_phase_is_counted(&plan->phases[i]))
            add_judged(m, i, false);
}

/* Every phase by its own facts, whether it counts or not. */
static tokperf_status judge_each(const struct making *m, struct tokperf_error *error)
{
    tokperf_status status = TOKPERF_OK;
    for (uint32_t i = 0; i < m->set->plan->phase_count && status == TOKPERF_OK; i++) {
        struct tkp_verdict verdict = {.status = ""};
        if (has_begun(m, i))
            status = tkp_verdict_judge(&m->facts[i].facts, &m->set->plan->limits, m->arena,
                                       &verdict, error);
        m->phases[i].verdict = tkp_span(verdict.status);
        m->phases[i].reasons = verdict.reasons;
        m->phases[i].reason_count = verdict.reason_count;
    }
    return status;
}

static tokperf_status judge(struct making *m, struct tokperf_summary *summary,
                            struct tokperf_error *error)
{
    struct tkp_verdict verdict = {0};
    choose_judged(m);
    tokperf_status status = tkp_verdict_judge_phases(
        m->judged, m->judged_count, &m->set->plan->limits, m->arena, &verdict, error);
    if (status == TOKPERF_OK && !m->run->so_far)
        status = judge_each(m, error);
    if (status != TOKPERF_OK)
        return status;
    summary->verdict = tkp_span(verdict.status);
    summary->reasons = verdict.reasons;
    summary->reason_count = verdict.reason_count;
    return TOKPERF_OK;
}

static uint32_t main_of(const struct tkp_phase_set *set)
{
    if (has_total(set))
        return set->count - 1;
    return (uint32_t)(tkp_phases_last_counted(set->plan) - set->plan->phases);
}

tokperf_status tkp_phase_set_make(const struct tkp_phase_set *set,
                                  const struct tkp_phase_set_run *run, struct tkp_arena *arena,
                                  struct tokperf_summary *summary, struct tokperf_error *error)
{
    const struct tokperf_phase **list = tkp_arena_alloc(arena, set->count * sizeof *list);
    struct making m = {
        .set = set,
        .run = run,
        .arena = arena,
        .phases = tkp_arena_alloc(arena, set->count * sizeof *m.phases),
        .facts = tkp_arena_alloc(arena, set->count * sizeof *m.facts),
        .judged = tkp_arena_alloc(arena, set->count * sizeof *m.judged),
    };
    if (!list || !m.phases || !m.facts || !m.judged)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the summary");
    m.results_missing_names =
        tkp_collector_notes_missing(run->collectors, arena, &m.results_missing);
    for (uint32_t i = 0; i < set->count; i++) {
        tokperf_status status = make_phase(&m, i, error);
        if (status != TOKPERF_OK)
            return status;
        list[i] = &m.phases[i];
    }
    tkp_collector_notes_fill(run->collectors, arena, summary);
    summary->phases = list;
    summary->phase_count = set->count;
    summary->main_phase = main_of(set);
    summary->prompts_distinct = m.phases[summary->main_phase].prompts_distinct;
    summary->prompts_sent = m.phases[summary->main_phase].prompts_sent;
    return judge(&m, summary, error);
}

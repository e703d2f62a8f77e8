/* SPDX-License-Identifier: Apache-2.0 */
/* From what was kept to the exporters' structs, in display units. Main thread. */
#include <metrics/phase_state.h>

#include <base/error.h>
#include <metrics/adjusted.h>
#include <metrics/display.h>
#include <metrics/support.h>

/* Metrics as they are found. */
struct list {
    struct tokperf_metric *items;
    const struct tokperf_metric **pointers;
    uint32_t count;
    struct tkp_arena *arena;
    bool failed; /* no memory */
};

static struct tokperf_metric *push(struct list *list, enum tkp_metric_id id)
{
    struct tokperf_metric *metric = &list->items[list->count];
    *metric = tkp_metric_empty(id);
    list->pointers[list->count++] = metric;
    return metric;
}

static void push_series(struct list *list, const struct tkp_series *series)
{
    const struct tkp_moments *moments = &series->moments;
    if (!moments->count)
        return;
    struct tokperf_metric *metric = push(list, series->id);
    bool exact = true;
    for (uint32_t i = 0; i < TKP_PERCENTILE_COUNT; i++) {
        double value;
        if (tkp_series_percentile(series, tkp_percentiles[i].per_mille, &value, &exact))
            tkp_metric_put(metric, tkp_percentiles[i].stat, tkp_metric_shown(series->id, value));
    }
    tkp_metric_put(metric, TOKPERF_STAT_AVG,
                   tkp_metric_shown(series->id, tkp_moments_mean(moments)));
    tkp_metric_put(metric, TOKPERF_STAT_MIN, tkp_metric_shown(series->id, moments->min));
    tkp_metric_put(metric, TOKPERF_STAT_MAX, tkp_metric_shown(series->id, moments->max));
    tkp_metric_put(metric, TOKPERF_STAT_STD,
                   tkp_metric_shown(series->id, tkp_moments_std(moments)));
    tkp_metric_put(metric, TOKPERF_STAT_COUNT, (double)moments->count);
    tkp_metric_put(metric, TOKPERF_STAT_SUM,
                   tkp_metric_shown(series->id, tkp_moments_sum(moments)));
    if (!exact)
        metric->flags |= TOKPERF_METRIC_FROM_HISTOGRAM;
    list->failed |= !tkp_display_buckets(series, list->arena, &metric->buckets);
}

static void push_runs(const struct tkp_phase_metrics *m, struct list *list)
{
    struct tkp_run_values values;
    tkp_phase_run_values(m, &values);
    for (uint32_t i = 0; i < TKP_RUN_METRIC_COUNT; i++) {
        enum tkp_metric_id id = (enum tkp_metric_id)(TKP_METRIC_RUN_FIRST + i);
        if (values.has[i])
            tkp_metric_put(push(list, id), TOKPERF_STAT_AVG, tkp_metric_shown(id, values.value[i]));
    }
}

static void push_sweeps(struct tkp_phase_metrics *m, struct list *list)
{
    for (uint32_t i = 0; i < TKP_SWEEP_COUNT; i++) {
        struct tkp_sweep_stats s;
        if (!tkp_sweep_result(&m->sweeps[i], &s, &m->failed))
            continue;
        struct tokperf_metric *metric =
            push(list, (enum tkp_metric_id)(TKP_METRIC_SWEEP_FIRST + i));
        tkp_metric_put(metric, TOKPERF_STAT_AVG, s.avg);
        tkp_metric_put(metric, TOKPERF_STAT_MIN, s.min);
        tkp_metric_put(metric, TOKPERF_STAT_MAX, s.max);
        tkp_metric_put(metric, TOKPERF_STAT_STD, s.std);
        tkp_metric_put(metric, TOKPERF_STAT_P50, s.p50);
        tkp_metric_put(metric, TOKPERF_STAT_P90, s.p90);
        tkp_metric_put(metric, TOKPERF_STAT_P95, s.p95);
        tkp_metric_put(metric, TOKPERF_STAT_P99, s.p99);
    }
}

/* Only when something failed; of a metric that no request has, only for request_latency, so that a
 * run in which all failed says so once. */
static void push_adjusted(const struct tkp_phase_metrics *m, struct list *list)
{
    if (!m->counts.errors)
        return;
    for (uint32_t i = TKP_METRIC_ADJUSTED_FIRST; i < TKP_METRIC_ALL_COUNT; i++) {
        enum tkp_metric_id id = (enum tkp_metric_id)i;
        const struct tkp_series *series = &m->series[tkp_metric_def(id)->base];
        if (series->moments.count || id == TKP_METRIC_ADJ_REQUEST_LATENCY)
            tkp_adjusted_fill(series, m->counts.errors, id, push(list, id));
    }
}

static struct tokperf_support support_of(const struct tkp_phase_metrics *m,
                                         const struct tkp_series *series,
                                         const struct tkp_percentile *percentile)
{
    double p = percentile->per_mille / 1000.0, bound;
    bool is_list = series->id == TKP_METRIC_INTER_CHUNK_LATENCY;
    uint64_t n = is_list ? m->counts.gap_requests : series->moments.count;
    struct tokperf_support support = {
        .struct_size = sizeof support,
        .stat = percentile->stat,
        .tag = tkp_metric_def(series->id)->tag,
        .samples_needed = tkp_support_needed(p),
        .samples = n,
    };
    /* The gaps of one answer depend on each other: no bound for them. */
    uint64_t t = is_list ? 0 : tkp_support_t(p, n);
    if (t && tkp_series_rank(series, n - t, &bound)) {
        support.has_upper_bound = 1;
        support.upper_bound_99 = tkp_metric_shown(series->id, bound);
    }
    return support;
}

static bool list_support(const struct tkp_phase_metrics *m, struct tkp_arena *arena,
                         struct tokperf_phase *result)
{
    const uint32_t room = TKP_METRIC_COUNT * TKP_PERCENTILE_COUNT;
    struct tokperf_support *items = tkp_arena_alloc(arena, room * sizeof *items);
    const struct tokperf_support **pointers = tkp_arena_alloc(arena, room * sizeof(void *));
    uint32_t count = 0;
    if (!items || !pointers)
        return false;
    for (uint32_t id = 0; id < TKP_METRIC_COUNT; id++) {
        bool shown = !(tkp_metric_def((enum tkp_metric_id)id)->flags & TOKPERF_METRIC_INTERNAL);
        if (!shown || !m->series[id].moments.count)
            continue;
        for (uint32_t i = 0; i < TKP_PERCENTILE_COUNT; i++) {
            if (tkp_percentiles[i].per_mille < 500)
                continue;
            items[count] = support_of(m, &m->series[id], &tkp_percentiles[i]);
            pointers[count] = &items[count];
            count++;
        }
    }
    result->support = pointers;
    result->support_count = count;
    return true;
}

static bool begin_list(struct tkp_arena *arena, struct list *list)
{
    *list = (struct list){
        .items = tkp_arena_alloc(arena, TKP_METRIC_ALL_COUNT * sizeof *list->items),
        .pointers = tkp_arena_alloc(arena, TKP_METRIC_ALL_COUNT * sizeof(void *)),
        .arena = arena,
    };
    return list->items && list->pointers;
}

/* What the first reading gives. */
static void push_first(const struct tkp_phase_metrics *m, struct list *list)
{
    for (uint32_t i = 0; i < TKP_METRIC_COUNT; i++)
        push_series(list, &m->series[i]);
    push_runs(m, list);
}

static bool end_list(const struct list *list, struct tokperf_phase *result)
{
    result->metrics = list->pointers;
    result->metric_count = list->count;
    return !list->failed;
}

static bool list_metrics(struct tkp_phase_metrics *m, struct tkp_arena *arena,
                         struct tokperf_phase *result)
{
    struct list list;
    if (!begin_list(arena, &list))
        return false;
    push_first(m, &list);
    push_sweeps(m, &list);
    for (uint32_t i = 0; i < TKP_STEADY_COUNT; i++)
        push_series(&list, &m->steady[i]);
    push_adjusted(m, &list);
    return end_list(&list, result);
}

static bool has_failed(const struct tkp_phase_metrics *m)
{
    bool failed = m->failed;
    for (uint32_t i = 0; i < TKP_METRIC_COUNT; i++)
        failed |= m->series[i].failed;
    for (uint32_t i = 0; i < TKP_STEADY_COUNT; i++)
        failed |= m->steady[i].failed;
    return failed;
}

static void begin_result(const struct tkp_phase_metrics *m, struct tokperf_phase *result)
{
    *result = (struct tokperf_phase){
        .struct_size = sizeof *result,
        .is_warmup = m->plan.is_warmup,
        .start_ns = m->all.last_ns ? m->all.first_ns : 0,
        .end_ns = m->all.last_ns,
    };
}

static tokperf_status fail_for_memory(const struct tkp_phase_metrics *m,
                                      struct tokperf_error *error)
{
    return tkp_fail(error, TOKPERF_E_NO_MEMORY,
                    "no memory for the metrics of phase %s; the record log is complete, so "
                    "`tokperf report` can compute them where there is more",
                    m->plan.name);
}

tokperf_status tkp_phase_metrics_result(struct tkp_phase_metrics *m, struct tkp_arena *arena,
                                        struct tokperf_phase *result, struct tkp_phase_facts *facts,
                                        struct tokperf_error *error)
{
    begin_result(m, result);
    if (m->reading) /* a caller that ended with a reading: what it found still counts */
        (void)!tkp_phase_metrics_next_pass(m);
    bool listed = list_metrics(m, arena, result) && list_support(m, arena, result) &&
                  tkp_tally_result(&m->tally, arena, result);
    if (!listed || has_failed(m))
        return fail_for_memory(m, error);
    tkp_phase_fill_facts(m, facts);
    return TOKPERF_OK;
}

tokperf_status tkp_phase_metrics_peek(const struct tkp_phase_metrics *m, struct tkp_arena *arena,
                                      struct tokperf_phase *result, struct tkp_phase_facts *facts,
                                      struct tokperf_error *error)
{
    struct list list;
    begin_result(m, result);
    if (!begin_list(arena, &list))
        return fail_for_memory(m, error);
    push_first(m, &list);
    if (!end_list(&list, result) || !tkp_tally_result(&m->tally, arena, result))
        return fail_for_memory(m, error);
    tkp_phase_fill_facts(m, facts);
    return TOKPERF_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the rows of a phase. The readings: 0 counts everything; 1 collects order statistics,
 * follows the sweeps and counts the steady window (known only after reading 0); from 2 on what is
 * still missing. Main thread.
 */
#include <metrics/phase_state.h>

#include <base/clock.h>
#include <base/error.h>
#include <metrics/adjusted.h>
#include <metrics/slo.h>
#include <metrics/support.h>

#include <stdlib.h>

enum {
    EXACT_GAPS = 10000000, /* metrics.md: gaps beyond come from the histogram */
    KEPT_STEADY = 1 << 18  /* values of a steady metric, 2 MiB, that need no third reading */
};

/* AIPerf's rule: off by more than 5 % of what was asked for, or more than 50 tokens. */
static bool is_osl_mismatch(int64_t asked, int64_t got)
{
    double off = (double)(got > asked ? got - asked : asked - got);
    double limit = (double)asked * 0.05;
    return off > (limit < 50 ? limit : 50);
}

static void widen(struct tkp_phase_span *span, uint64_t first_ns, uint64_t last_ns)
{
    if (first_ns && first_ns < span->first_ns)
        span->first_ns = first_ns;
    if (last_ns > span->last_ns)
        span->last_ns = last_ns;
}

tokperf_status tkp_phase_metrics_create(const struct tkp_metric_context *context,
                                        const struct tkp_phase_plan *phase,
                                        struct tkp_phase_metrics **metrics,
                                        struct tokperf_error *error)
{
    struct tkp_phase_metrics *m = calloc(1, sizeof *m);
    *metrics = m;
    if (!m)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the metrics of phase %s",
                        phase->name);
    const struct tkp_phase_span empty = {UINT64_MAX, 0};
    m->context = context;
    m->plan = *phase;
    tkp_histogram_init(&m->later_lag_ns);
    m->all = m->ok = m->intended = m->arrived_start = empty;
    tkp_steady_init(&m->window, phase);
    for (uint32_t i = 0; i < TKP_METRIC_COUNT; i++)
        tkp_series_init(&m->series[i], (enum tkp_metric_id)i,
                        i == TKP_METRIC_INTER_CHUNK_LATENCY ? EXACT_GAPS : 0);
    for (uint32_t i = 0; i < TKP_STEADY_COUNT; i++)
        tkp_series_init(&m->steady[i], (enum tkp_metric_id)(TKP_METRIC_STEADY_FIRST + i), 0);
    return TOKPERF_OK;
}

void tkp_phase_metrics_destroy(struct tkp_phase_metrics *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < TKP_METRIC_COUNT; i++)
        tkp_series_finish(&m->series[i]);
    for (uint32_t i = 0; i < TKP_STEADY_COUNT; i++)
        tkp_series_finish(&m->steady[i]);
    for (uint32_t i = 0; i < TKP_SWEEP_COUNT; i++)
        tkp_sweep_finish(&m->sweeps[i]);
    tkp_distinct_finish(&m->prompts);
    tkp_histogram_finish(&m->later_lag_ns);
    free(m->gaps);
    free(m);
}

/* The gaps of a row in m->gaps. */
static uint32_t gaps_of(struct tkp_phase_metrics *m, const struct tkp_row *row,
                        const uint64_t *chunk_ns)
{
    uint32_t times = tkp_chunk_times(row, chunk_ns);
    if (!m->context->streaming || !(row->flags & TKP_ROW_STREAMED) || times < 2)
        return 0;
    if (times > m->gap_capacity) {
        double *gaps = realloc(m->gaps, times * sizeof *gaps);
        if (!gaps) {
            m->failed = true;
            return 0;
        }
        m->gaps = gaps;
        m->gap_capacity = times;
    }
    return tkp_chunk_gaps(row, chunk_ns, m->gaps, m->gap_capacity);
}

static struct tkp_sweep *sweep_of(struct tkp_phase_metrics *m, enum tkp_metric_id id)
{
    return &m->sweeps[id - TKP_METRIC_SWEEP_FIRST];
}

/* From one time to another: announced in the first reading, applied in the second. */
static void sweep_span(struct tkp_phase_metrics *m, enum tkp_metric_id id, uint64_t from_ns,
                       uint64_t to_ns)
{
    if (!m->pass) {
        tkp_sweep_expect(sweep_of(m, id), 2);
        return;
    }
    tkp_sweep_change(sweep_of(m, id), from_ns, 1);
    tkp_sweep_change(sweep_of(m, id), to_ns, -1);
}

/* Input tokens from start to end, output tokens from the arrival of their chunk. How many tokens a
 * chunk holds is not known, so each has its even share. */
static void sweep_tokens(struct tkp_phase_metrics *m, const struct tkp_row *row,
                         const uint64_t *chunk_ns)
{
    struct tkp_sweep *sweep = sweep_of(m, TKP_METRIC_TOKENS_IN_FLIGHT);
    uint32_t times = tkp_chunk_times(row, chunk_ns);
    if (!m->pass) { /* the sources may not be known yet */
        tkp_sweep_expect(sweep, times + 2);
        return;
    }
    int64_t input = tkp_input_tokens(m->context, row), held = input > 0 ? input : 0;
    int64_t output = tkp_output_tokens(m->context, row), arrived = 0;
    if (input < 0 && output < 0)
        return;
    tkp_sweep_change(sweep, row->start_ns, held);
    for (uint32_t i = 0; output > 0 && i < times; i++) {
        int64_t now = (int64_t)((double)output * (i + 1) / row->chunk_count);
        tkp_sweep_change(sweep, chunk_ns[i], now - arrived);
        arrived = now;
    }
    tkp_sweep_change(sweep, row->end_ns, -held - arrived);
}

static void sweep_row(struct tkp_phase_metrics *m, const struct tkp_row *row,
                      const uint64_t *chunk_ns)
{
    if (m->part_count || !row->start_ns || row->end_ns < row->start_ns)
        return;
    sweep_span(m, TKP_METRIC_EFFECTIVE_CONCURRENCY, row->start_ns, row->end_ns);
    if (m->context->streaming && row->first_token_ns && row->last_token_ns) {
        sweep_span(m, TKP_METRIC_EFFECTIVE_PREFILL_CONCURRENCY, row->start_ns, row->first_token_ns);
        sweep_span(m, TKP_METRIC_EFFECTIVE_DECODE_CONCURRENCY, row->first_token_ns,
                   row->last_token_ns);
    }
    sweep_tokens(m, row, chunk_ns);
}

/* What counts whatever the outcome. */
static void count_attempt(struct tkp_phase_metrics *m, const struct tkp_row *row)
{
    struct tkp_phase_counts *c = &m->counts;
    c->ok += row->outcome == TKP_OUTCOME_OK;
    c->errors += tkp_outcome_is_error((enum tkp_outcome)row->outcome);
    c->cancelled += row->outcome == TKP_OUTCOME_CANCELLED;
    c->client_errors += row->outcome == TKP_OUTCOME_CLIENT_ERROR;
    c->retries += row->retries;
    c->retry_after += (row->flags & TKP_ROW_RETRY_AFTER) != 0;
    if (row->retry_after_s > c->retry_after_max_s)
        c->retry_after_max_s = row->retry_after_s;
    c->chunks += row->chunk_count;
    c->coalesced_chunks += row->coalesced_count;
    if (row->ready_ns > row->intended_ns && row->intended_ns &&
        row->ready_ns - row->intended_ns > c->cap_wait_max_ns)
        c->cap_wait_max_ns = row->ready_ns - row->intended_ns;
    widen(&m->all, row->start_ns, row->end_ns);
    if (!row->turn_index && row->start_ns) {
        c->arrivals++;
        widen(&m->intended, row->intended_ns, row->intended_ns);
        widen(&m->arrived_start, row->start_ns, row->start_ns);
    }
    if (row->prompt_hash && row->send_start_ns) {
        c->prompts_sent++;
        tkp_distinct_add(&m->prompts, row->prompt_hash);
    }
    tkp_steady_row(&m->window, row);
    tkp_tally_row(&m->tally, row);
}

/* A count of the server's that is more than 10 % off the tokenizer's is a discrepancy. */
static void compare_usage(struct tkp_phase_metrics *m, const struct tkp_row *row,
                          const struct tkp_values *values)
{
    static const enum tkp_metric_id diffs[] = {TKP_METRIC_USAGE_PROMPT_TOKENS_DIFF_PCT,
                                               TKP_METRIC_USAGE_COMPLETION_TOKENS_DIFF_PCT,
                                               TKP_METRIC_USAGE_REASONING_TOKENS_DIFF_PCT};
    bool compared = false, differs = false;
    for (size_t i = 0; i < sizeof diffs / sizeof diffs[0]; i++) {
        compared |= values->has[diffs[i]];
        differs |= values->has[diffs[i]] && values->value[diffs[i]] > 10;
    }
    m->counts.usage_compared += compared;
    m->counts.usage_differs += differs;
    if (!values->has[TKP_METRIC_USAGE_COMPLETION_TOKENS_DIFF_PCT])
        return;
    m->counts.server_completion += (uint64_t)row->usage.completion_tokens;
    m->counts.counted_completion += (uint64_t)(row->counted_output + row->counted_reasoning);
}

static void count_ok(struct tkp_phase_metrics *m, const struct tkp_row *row,
                     const struct tkp_values *values)
{
    struct tkp_phase_counts *c = &m->counts;
    if (values->has[TKP_METRIC_REQUEST_LATENCY])
        widen(&m->ok, row->start_ns,
              row->start_ns + (uint64_t)values->value[TKP_METRIC_REQUEST_LATENCY]);
    else if (row->flags & TKP_ROW_UNSTAMPED)
        widen(&m->ok, row->start_ns, row->end_ns);
    if (!m->part_count && !(row->flags & TKP_ROW_FIRST_OF_SLOT) &&
        m->plan.arrival == TKP_ARRIVAL_CLOSED && values->has[TKP_METRIC_CLIENT_LAG])
        m->failed |=
            !tkp_histogram_count(&m->later_lag_ns, (uint64_t)values->value[TKP_METRIC_CLIENT_LAG]);
    c->not_streamed += m->context->streaming && !(row->flags & TKP_ROW_STREAMED);
    c->no_token_count += tkp_values_lack_tokens(m->context, row);
    c->tokens_pending += m->context->osl_source == TKP_TOKENS_TOKENIZER &&
                         row->counted_output == TKP_ROW_COUNT_PENDING;
    if (values->has[TKP_METRIC_REQUESTED_OSL]) {
        c->osl_checked++;
        c->osl_mismatched += is_osl_mismatch(
            row->output_tokens_asked, (int64_t)values->value[TKP_METRIC_OUTPUT_SEQUENCE_LENGTH]);
    }
    compare_usage(m, row, values);
    if (row->usage.prompt_tokens >= 0) {
        c->prompt_tokens += (uint64_t)row->usage.prompt_tokens;
        c->cached_tokens += row->usage.prompt_cache_read_tokens > 0
                                ? (uint64_t)row->usage.prompt_cache_read_tokens
                                : 0;
    }
    if (m->context->slo_count) {
        bool missing;
        c->good += tkp_slos_met(m->context, values, &missing);
        c->slo_missing += missing;
    }
}

/* The values of an ok row into their series. */
static void spread(struct tkp_phase_metrics *m, const struct tkp_row *row, const uint64_t *chunk_ns,
                   const struct tkp_values *values)
{
    const uint32_t values_count = tkp_values_count(m->context);
    for (uint32_t i = 0; i < values_count; i++)
        if (values->has[i])
            tkp_series_count(&m->series[i], values->value[i]);
    uint32_t gaps = gaps_of(m, row, chunk_ns);
    for (uint32_t i = 0; i < gaps; i++)
        tkp_series_count(&m->series[TKP_METRIC_INTER_CHUNK_LATENCY], m->gaps[i]);
    m->counts.gap_requests += gaps > 0;
}

/* In a later reading: into the series that want them. */
static void spread_again(struct tkp_phase_metrics *m, const struct tkp_row *row,
                         const uint64_t *chunk_ns, const struct tkp_values *values)
{
    for (uint32_t i = 0; i < m->wanted_count; i++)
        if (values->has[m->wanted[i]])
            tkp_series_collect(&m->series[m->wanted[i]], values->value[m->wanted[i]]);
    uint32_t gaps = m->wants_gaps ? gaps_of(m, row, chunk_ns) : 0;
    for (uint32_t i = 0; i < gaps; i++)
        tkp_series_collect(&m->series[TKP_METRIC_INTER_CHUNK_LATENCY], m->gaps[i]);
}

static void spread_steady(struct tkp_phase_metrics *m, const struct tkp_values *values)
{
    bool counting = m->pass == 1;
    for (uint32_t i = 0; i < TKP_STEADY_COUNT; i++) {
        uint32_t base = tkp_metric_def(m->steady[i].id)->base;
        if (values->has[base] && counting)
            tkp_series_count(&m->steady[i], values->value[base]);
        else if (values->has[base])
            tkp_series_collect(&m->steady[i], values->value[base]);
    }
    if (!counting)
        return;
    m->steady_ok++;
    m->steady_input_tokens += (uint64_t)values->value[TKP_METRIC_INPUT_SEQUENCE_LENGTH];
    m->steady_output_tokens += (uint64_t)values->value[TKP_METRIC_OUTPUT_SEQUENCE_LENGTH];
}

void tkp_phase_metrics_add(struct tkp_phase_metrics *m, const struct tkp_row *row,
                           const uint64_t *chunk_ns)
{
    struct tkp_values values;
    if (row->outcome == TKP_OUTCOME_NONE)
        return;
    m->reading = true;
    if (!m->pass)
        count_attempt(m, row);
    if (m->pass <= 1)
        sweep_row(m, row, chunk_ns);
    if (row->outcome != TKP_OUTCOME_OK)
        return;
    bool steady = m->wants_steady && tkp_steady_has(&m->window, row);
    if (m->pass && !steady && !m->wanted_count && !m->wants_gaps)
        return;
    tkp_values_compute(m->context, row, &values);
    if (!m->pass) {
        count_ok(m, row, &values);
        spread(m, row, chunk_ns, &values);
        return;
    }
    spread_again(m, row, chunk_ns, &values);
    if (steady)
        spread_steady(m, &values);
}

/* Order statistics that a metric needs beside its percentiles. */
static uint32_t extra_ranks(const struct tkp_phase_metrics *m, const struct tkp_series *series,
                            uint64_t *ranks)
{
    bool is_list = tkp_metric_def(series->id)->flags & TOKPERF_METRIC_LIST; /* no bounds */
    uint64_t n = series->moments.count;
    uint32_t count = 0;
    for (uint32_t i = 0; i < TKP_PERCENTILE_COUNT && !is_list; i++) {
        uint32_t per_mille = tkp_percentiles[i].per_mille;
        uint64_t t = per_mille >= 500 ? tkp_support_t(per_mille / 1000.0, n) : 0;
        if (t)
            ranks[count++] = n - t;
    }
    for (uint32_t id = TKP_METRIC_ADJUSTED_FIRST; id < TKP_METRIC_ALL_COUNT; id++)
        if (tkp_metric_def((enum tkp_metric_id)id)->base == (uint32_t)series->id)
            count += tkp_adjusted_ranks(n, m->counts.errors, ranks + count);
    return count;
}

/* Notes whether the series of a metric wants the next reading's values. */
static bool note_wanted(struct tkp_phase_metrics *m, uint32_t id, bool wants)
{
    if (wants && id == TKP_METRIC_INTER_CHUNK_LATENCY)
        m->wants_gaps = true;
    else if (wants)
        m->wanted[m->wanted_count++] = id;
    return wants;
}

static bool begin_second(struct tkp_phase_metrics *m)
{
    bool more = m->counts.ok + m->counts.errors + m->counts.cancelled > 0;
    if (!m->part_count)
        tkp_steady_decide(&m->window, tkp_phase_span_ns(&m->all));
    for (uint32_t i = 0; i < TKP_SWEEP_COUNT && !m->part_count; i++)
        m->failed |= !tkp_sweep_begin(&m->sweeps[i], m->all.first_ns, m->all.last_ns);
    for (uint32_t i = 0; i < TKP_METRIC_COUNT; i++) {
        uint64_t ranks[2 * TKP_PERCENTILE_COUNT];
        uint32_t count = extra_ranks(m, &m->series[i], ranks);
        note_wanted(m, i, tkp_series_select(&m->series[i], ranks, count));
    }
    for (uint32_t i = 0; i < TKP_STEADY_COUNT; i++)
        if (m->window.end_ns && m->series[tkp_metric_def(m->steady[i].id)->base].moments.count)
            tkp_series_keep(&m->steady[i], KEPT_STEADY);
    m->wants_steady = m->window.end_ns != 0;
    return more;
}

void tkp_phase_metrics_not_sent(struct tkp_phase_metrics *metrics, uint64_t count)
{
    metrics->not_sent = count;
}

uint64_t tkp_phase_metrics_uncounted(const struct tkp_phase_metrics *metrics)
{
    return metrics->counts.tokens_pending;
}

bool tkp_phase_metrics_next_pass(struct tkp_phase_metrics *m)
{
    bool more = false;
    m->wanted_count = 0;
    m->wants_gaps = m->wants_steady = false;
    if (!m->pass)
        more = begin_second(m);
    for (uint32_t i = 0; m->pass && i < TKP_METRIC_COUNT; i++)
        more |= note_wanted(m, i, tkp_series_end_reading(&m->series[i]));
    for (uint32_t i = 0; m->pass && i < TKP_STEADY_COUNT; i++)
        m->wants_steady |= m->pass == 1 ? tkp_series_select(&m->steady[i], NULL, 0)
                                        : tkp_series_end_reading(&m->steady[i]);
    more |= m->wants_steady;
    m->pass++;
    m->reading = false;
    return more;
}

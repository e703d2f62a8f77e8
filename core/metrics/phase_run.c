/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics with one value per phase, and the facts for the verdict. Main thread. */
#include <metrics/phase_state.h>

#include <base/clock.h>

#include <math.h>

static void set(struct tkp_run_values *v, enum tkp_metric_id id, double value)
{
    if (!isfinite(value))
        return;
    v->value[id - TKP_METRIC_RUN_FIRST] = value;
    v->has[id - TKP_METRIC_RUN_FIRST] = true;
}

static double total_of(const struct tkp_phase_metrics *m, enum tkp_metric_id id)
{
    return tkp_moments_sum(&m->series[id].moments);
}

static bool has(const struct tkp_phase_metrics *m, enum tkp_metric_id id)
{
    return m->series[id].moments.count > 0;
}

static const enum tkp_metric_id sums[] = {
#define SUM_ID(id, ...) TKP_METRIC_##id,
    TKP_SUM_METRICS(SUM_ID)
#undef SUM_ID
};

static void set_sums(const struct tkp_phase_metrics *m, struct tkp_run_values *v)
{
    for (uint32_t i = 0; i < sizeof sums / sizeof *sums; i++) {
        enum tkp_metric_id base = (enum tkp_metric_id)tkp_metric_def(sums[i])->base;
        if (has(m, base))
            set(v, sums[i], total_of(m, base));
    }
    if (has(m, TKP_METRIC_USAGE_PROMPT_CACHE_READ_TOKENS) && m->counts.prompt_tokens)
        set(v, TKP_METRIC_OVERALL_USAGE_PROMPT_CACHE_READ_PCT,
            100 * (double)m->counts.cached_tokens / (double)m->counts.prompt_tokens);
}

/* The four throughputs over one duration. */
struct throughputs {
    enum tkp_metric_id request, output, input, total;
};

static void set_throughputs(const struct tkp_phase_metrics *m, struct tkp_run_values *v,
                            uint64_t duration_ns, const struct throughputs *ids)
{
    if (!duration_ns || !m->counts.ok)
        return;
    double seconds = (double)duration_ns / (double)TKP_NS_PER_S;
    bool has_isl = has(m, TKP_METRIC_INPUT_SEQUENCE_LENGTH);
    bool has_osl = has(m, TKP_METRIC_OUTPUT_SEQUENCE_LENGTH);
    double isl = total_of(m, TKP_METRIC_INPUT_SEQUENCE_LENGTH);
    double osl = total_of(m, TKP_METRIC_OUTPUT_SEQUENCE_LENGTH);
    set(v, ids->request, (double)m->counts.ok / seconds);
    if (has_osl)
        set(v, ids->output, osl / seconds);
    if (has_isl)
        set(v, ids->input, isl / seconds);
    if (has_isl && has_osl)
        set(v, ids->total, (isl + osl) / seconds);
}

static void set_counts(const struct tkp_phase_metrics *m, struct tkp_run_values *v)
{
    const struct tkp_phase_counts *c = &m->counts;
    uint64_t completed = c->ok + c->errors;
    set(v, TKP_METRIC_REQUEST_COUNT, (double)c->ok);
    set(v, TKP_METRIC_ERROR_REQUEST_COUNT, (double)c->errors);
    set(v, TKP_METRIC_CANCELLED_REQUEST_COUNT, (double)c->cancelled);
    set(v, TKP_METRIC_COMPLETED_REQUEST_COUNT, (double)completed);
    set(v, TKP_METRIC_RETRY_COUNT, (double)c->retries);
    if (c->retry_after)
        set(v, TKP_METRIC_RETRY_AFTER_COUNT, (double)c->retry_after);
    if (c->retry_after_max_s)
        set(v, TKP_METRIC_RETRY_AFTER_MAX, (double)c->retry_after_max_s * 1e9); /* ns */
    if (completed)
        set(v, TKP_METRIC_REQUEST_ERROR_RATE, 100 * (double)c->errors / (double)completed);
    if (m->context->streaming) {
        set(v, TKP_METRIC_NOT_STREAMED_COUNT, (double)c->not_streamed);
        set(v, TKP_METRIC_CHUNK_COUNT, (double)c->chunks);
        set(v, TKP_METRIC_COALESCED_CHUNK_COUNT, (double)c->coalesced_chunks);
    }
    if (m->context->isl_source != TKP_TOKENS_NONE || m->context->osl_source != TKP_TOKENS_NONE)
        set(v, TKP_METRIC_NO_TOKEN_COUNT, (double)c->no_token_count);
    if (c->osl_checked)
        set(v, TKP_METRIC_OSL_MISMATCH_COUNT, (double)c->osl_mismatched);
    if (c->usage_compared)
        set(v, TKP_METRIC_USAGE_DISCREPANCY_COUNT, (double)c->usage_differs);
}

static void set_goodput(const struct tkp_phase_metrics *m, struct tkp_run_values *v)
{
    const struct tkp_phase_counts *c = &m->counts;
    uint64_t completed = c->ok + c->errors, duration_ns = tkp_phase_ok_ns(m);
    if (!m->context->slo_count)
        return;
    set(v, TKP_METRIC_GOOD_REQUEST_COUNT, (double)c->good);
    set(v, TKP_METRIC_SLO_METRIC_MISSING_COUNT, (double)c->slo_missing);
    if (completed)
        set(v, TKP_METRIC_GOOD_REQUEST_FRACTION, (double)c->good / (double)completed);
    if (duration_ns)
        set(v, TKP_METRIC_GOODPUT, (double)c->good * (double)TKP_NS_PER_S / (double)duration_ns);
}

/* (n - 1) / (last - first), NaN when there are no two moments. */
static double rate_of(uint64_t arrivals, const struct tkp_phase_span *span)
{
    uint64_t ns = tkp_phase_span_ns(span);
    return ns && arrivals > 1 ? (double)(arrivals - 1) * (double)TKP_NS_PER_S / (double)ns : NAN;
}

static bool is_open_loop(const struct tkp_phase_metrics *m)
{
    return m->plan.arrival != TKP_ARRIVAL_CLOSED;
}

static void set_steady(const struct tkp_phase_metrics *m, struct tkp_run_values *v)
{
    uint64_t ns = m->window.end_ns - m->window.begin_ns;
    if (!ns || !m->steady_ok)
        return;
    double seconds = (double)ns / (double)TKP_NS_PER_S;
    bool has_isl = has(m, TKP_METRIC_INPUT_SEQUENCE_LENGTH);
    bool has_osl = has(m, TKP_METRIC_OUTPUT_SEQUENCE_LENGTH);
    double isl = (double)m->steady_input_tokens, osl = (double)m->steady_output_tokens;
    set(v, TKP_METRIC_STEADY_DURATION, (double)ns);
    set(v, TKP_METRIC_STEADY_REQUEST_COUNT, (double)m->steady_ok);
    set(v, TKP_METRIC_STEADY_REQUEST_THROUGHPUT, (double)m->steady_ok / seconds);
    if (has_osl)
        set(v, TKP_METRIC_STEADY_OUTPUT_TOKEN_THROUGHPUT, osl / seconds);
    if (has_isl && has_osl)
        set(v, TKP_METRIC_STEADY_TOTAL_TOKEN_THROUGHPUT, (isl + osl) / seconds);
}

void tkp_phase_run_values(const struct tkp_phase_metrics *m, struct tkp_run_values *values)
{
    static const struct throughputs over_benchmark = {
        TKP_METRIC_REQUEST_THROUGHPUT, TKP_METRIC_OUTPUT_TOKEN_THROUGHPUT,
        TKP_METRIC_INPUT_TOKEN_THROUGHPUT, TKP_METRIC_TOTAL_TOKEN_THROUGHPUT};
    static const struct throughputs over_wall = {
        TKP_METRIC_REQUEST_THROUGHPUT_WALL, TKP_METRIC_OUTPUT_TOKEN_THROUGHPUT_WALL,
        TKP_METRIC_INPUT_TOKEN_THROUGHPUT_WALL, TKP_METRIC_TOTAL_TOKEN_THROUGHPUT_WALL};
    uint64_t benchmark_ns = tkp_phase_ok_ns(m), wall_ns = tkp_phase_all_ns(m);
    *values = (struct tkp_run_values){.has = {false}};
    set_counts(m, values);
    set_sums(m, values);
    set_throughputs(m, values, benchmark_ns, &over_benchmark);
    set_throughputs(m, values, wall_ns, &over_wall);
    set_goodput(m, values);
    set_steady(m, values);
    if (m->counts.ok)
        set(values, TKP_METRIC_BENCHMARK_DURATION, (double)benchmark_ns);
    if (m->all.last_ns)
        set(values, TKP_METRIC_WALL_DURATION, (double)wall_ns);
    if (is_open_loop(m))
        set(values, TKP_METRIC_NOT_SENT_COUNT, (double)m->not_sent);
    if (is_open_loop(m) && !m->part_count) {
        set(values, TKP_METRIC_OFFERED_RATE, rate_of(m->counts.arrivals, &m->intended));
        set(values, TKP_METRIC_ACHIEVED_RATE, rate_of(m->counts.arrivals, &m->arrived_start));
    }
}

static double percentile_or_nan(const struct tkp_phase_metrics *m, enum tkp_metric_id id,
                                uint32_t per_mille)
{
    double value = NAN;
    bool exact = true;
    return tkp_series_percentile(&m->series[id], per_mille, &value, &exact) ? value : NAN;
}

/* In closed loop the first requests of all slots are due at once, so that one after the other is
 * late by the time that it takes to open the connections before: that is the plan's burst, not the
 * client's lateness. */
static double client_lag_p99_ns(const struct tkp_phase_metrics *m)
{
    if (is_open_loop(m))
        return percentile_or_nan(m, TKP_METRIC_CLIENT_LAG, 990);
    return m->later_lag_ns.count ? tkp_histogram_quantile(&m->later_lag_ns, 0.99) : NAN;
}

void tkp_phase_fill_facts(const struct tkp_phase_metrics *m, struct tkp_phase_facts *facts)
{
    const struct tkp_phase_counts *c = &m->counts;
    bool open_loop = is_open_loop(m);
    facts->ok = c->ok;
    facts->errors = c->errors;
    facts->cancelled = c->cancelled;
    facts->client_errors = c->client_errors;
    facts->retries = c->retries;
    facts->not_streamed = c->not_streamed;
    facts->osl_checked = c->osl_checked;
    facts->osl_mismatched = c->osl_mismatched;
    facts->no_token_count = c->no_token_count;
    facts->tokens_pending = c->tokens_pending;
    facts->server_completion = c->server_completion;
    facts->counted_completion = c->counted_completion;
    facts->coalesced_chunks = c->coalesced_chunks;
    facts->chunks = c->chunks;
    facts->prompts_distinct = tkp_distinct_count(&m->prompts);
    facts->prompts_distinct_is_floor = m->prompts.is_floor;
    facts->prompts_sent = c->prompts_sent;
    facts->cached_tokens = c->cached_tokens;
    facts->prompt_tokens = c->prompt_tokens;
    facts->median_ttft_ns = percentile_or_nan(m, TKP_METRIC_TIME_TO_FIRST_TOKEN, 500);
    facts->median_latency_ns = percentile_or_nan(m, TKP_METRIC_REQUEST_LATENCY, 500);
    facts->client_lag_p99_ns = client_lag_p99_ns(m);
    facts->cap_wait_max_ns = (double)c->cap_wait_max_ns;
    facts->arrivals = c->arrivals;
    facts->not_sent = open_loop ? m->not_sent : 0;
    facts->offered_rate_per_s = open_loop ? rate_of(c->arrivals, &m->intended) : NAN;
    facts->achieved_rate_per_s = open_loop ? rate_of(c->arrivals, &m->arrived_start) : NAN;
    facts->benchmark_duration_s = c->ok ? (double)tkp_phase_ok_ns(m) / (double)TKP_NS_PER_S : NAN;
    facts->wall_duration_s =
        m->all.last_ns ? (double)tkp_phase_all_ns(m) / (double)TKP_NS_PER_S : NAN;
    facts->streaming = m->context->streaming;
    facts->open_loop = open_loop;
}

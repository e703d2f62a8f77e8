/* SPDX-License-Identifier: Apache-2.0 */
/* The formulas of per-request metrics. Pure; any thread. Differences of stamps are whole ns. */
#include <metrics/values.h>

#include <base/clock.h>
#include <record/row_codec.h>

#include <math.h>

static void set(struct tkp_values *v, enum tkp_metric_id id, double value)
{
    if (!isfinite(value))
        return;
    v->value[id] = value;
    v->has[id] = true;
}

/* Sets `to - from` where both stamps are there; an order that cannot be is no value. */
static void set_span(struct tkp_values *v, enum tkp_metric_id id, uint64_t from_ns, uint64_t to_ns)
{
    if (from_ns && to_ns >= from_ns)
        set(v, id, (double)(to_ns - from_ns));
}

static void set_count(struct tkp_values *v, enum tkp_metric_id id, int64_t count)
{
    if (count >= 0)
        set(v, id, (double)count);
}

/* numerator / denominator of two metrics that are there, the denominator above 0. */
static void set_ratio(struct tkp_values *v, enum tkp_metric_id id, enum tkp_metric_id numerator,
                      enum tkp_metric_id denominator_ns)
{
    if (v->has[numerator] && v->has[denominator_ns] && v->value[denominator_ns] > 0)
        set(v, id, v->value[numerator] * (double)TKP_NS_PER_S / v->value[denominator_ns]);
}

static bool is_streamed(const struct tkp_metric_context *context, const struct tkp_row *row)
{
    return context->streaming && (row->flags & TKP_ROW_STREAMED);
}

int64_t tkp_input_tokens(const struct tkp_metric_context *context, const struct tkp_row *row)
{
    if (!context->tokenizes_input)
        return -1;
    if (context->isl_source == TKP_TOKENS_TOKENIZER)
        return row->counted_input;
    return context->isl_source == TKP_TOKENS_SERVER ? row->usage.prompt_tokens : -1;
}

int64_t tkp_output_tokens(const struct tkp_metric_context *context, const struct tkp_row *row)
{
    if (!context->produces_tokens)
        return -1;
    if (context->osl_source == TKP_TOKENS_SERVER)
        return row->usage.completion_tokens;
    if (context->osl_source == TKP_TOKENS_TOKENIZER)
        return row->counted_output < 0 ? -1 : row->counted_output + row->counted_reasoning;
    if (context->osl_source == TKP_TOKENS_CHUNKS && is_streamed(context, row))
        return row->chunk_count;
    return -1;
}

bool tkp_values_lack_tokens(const struct tkp_metric_context *context, const struct tkp_row *row)
{
    bool input = context->tokenizes_input && context->isl_source != TKP_TOKENS_NONE;
    bool output = context->produces_tokens && context->osl_source != TKP_TOKENS_NONE;
    return (input && tkp_input_tokens(context, row) < 0) ||
           (output && tkp_output_tokens(context, row) < 0);
}

static void set_waits(const struct tkp_row *row, struct tkp_values *v)
{
    set_span(v, TKP_METRIC_CREDIT_TO_START_LATENCY, row->intended_ns, row->start_ns);
    set_span(v, TKP_METRIC_CAP_WAIT, row->intended_ns, row->ready_ns);
    set_span(v, TKP_METRIC_CLIENT_LAG, row->ready_ns, row->start_ns);
}

static void set_latencies(const struct tkp_metric_context *context, const struct tkp_row *row,
                          struct tkp_values *v)
{
    bool streamed = is_streamed(context, row);
    bool has_last = streamed && row->last_token_ns;
    bool lost_last = streamed && (row->flags & TKP_ROW_UNSTAMPED); /* end is no arrival */
    if (!lost_last)
        set_span(v, TKP_METRIC_REQUEST_LATENCY, row->start_ns,
                 has_last ? row->last_token_ns : row->end_ns);
    if (row->read_delay_ns)
        set(v, TKP_METRIC_READ_DELAY, (double)row->read_delay_ns);
    if (v->has[TKP_METRIC_CREDIT_TO_START_LATENCY] && v->has[TKP_METRIC_REQUEST_LATENCY])
        set(v, TKP_METRIC_EFFECTIVE_LATENCY,
            v->value[TKP_METRIC_CREDIT_TO_START_LATENCY] + v->value[TKP_METRIC_REQUEST_LATENCY]);
    if (!streamed)
        return;
    set_span(v, TKP_METRIC_TIME_TO_FIRST_OUTPUT_TOKEN, row->start_ns, row->first_output_token_ns);
    if (!context->produces_tokens)
        return;
    set_span(v, TKP_METRIC_TIME_TO_FIRST_TOKEN, row->start_ns, row->first_token_ns);
    set_span(v, TKP_METRIC_TIME_TO_SECOND_TOKEN, row->first_token_ns, row->second_token_ns);
    if (v->has[TKP_METRIC_TIME_TO_FIRST_TOKEN])
        set_span(v, TKP_METRIC_DECODE_DURATION, row->first_token_ns, row->last_token_ns);
}

static void set_token_counts(const struct tkp_metric_context *context, const struct tkp_row *row,
                             struct tkp_values *v)
{
    int64_t output = tkp_output_tokens(context, row);
    if (row->input_tokens_asked > 0)
        set_count(v, TKP_METRIC_REQUESTED_ISL, row->input_tokens_asked);
    set_count(v, TKP_METRIC_INPUT_SEQUENCE_LENGTH, tkp_input_tokens(context, row));
    set_count(v, TKP_METRIC_OUTPUT_SEQUENCE_LENGTH, output);
    if (output < 0 || context->osl_source == TKP_TOKENS_CHUNKS)
        return;
    bool is_counted = context->osl_source == TKP_TOKENS_TOKENIZER;
    int64_t reasoning = is_counted ? row->counted_reasoning : row->usage.reasoning_tokens;
    set_count(v, TKP_METRIC_REASONING_TOKEN_COUNT, reasoning);
    set_count(v, TKP_METRIC_OUTPUT_TOKEN_COUNT, reasoning > 0 ? output - reasoning : output);
    int64_t asked = row->output_tokens_asked;
    if (asked <= 0)
        return;
    set_count(v, TKP_METRIC_REQUESTED_OSL, asked);
    set(v, TKP_METRIC_OSL_MISMATCH_DIFF_PCT, (double)(output - asked) / (double)asked * 100);
}

/* The two latencies per token over the decode window. */
static void set_token_latencies(const struct tkp_metric_context *context, const struct tkp_row *row,
                                struct tkp_values *v)
{
    if (!v->has[TKP_METRIC_DECODE_DURATION] || !v->has[TKP_METRIC_OUTPUT_SEQUENCE_LENGTH])
        return;
    double window_ns = v->value[TKP_METRIC_DECODE_DURATION];
    double osl = v->value[TKP_METRIC_OUTPUT_SEQUENCE_LENGTH],
           first = (double)row->first_chunk_tokens;
    bool first_known = context->osl_source == TKP_TOKENS_SERVER && first > 0 && first < osl;
    if (first_known)
        set(v, TKP_METRIC_INTER_TOKEN_LATENCY_AFTER_FIRST_CHUNK, window_ns / (osl - first));
    if (osl >= 2)
        set(v, TKP_METRIC_INTER_TOKEN_LATENCY,
            window_ns / (context->per_chunk_usage && first_known ? osl - first : osl - 1));
    if (v->has[TKP_METRIC_INTER_TOKEN_LATENCY] && v->value[TKP_METRIC_INTER_TOKEN_LATENCY] > 0)
        set(v, TKP_METRIC_OUTPUT_TOKEN_THROUGHPUT_PER_USER,
            (double)TKP_NS_PER_S / v->value[TKP_METRIC_INTER_TOKEN_LATENCY]);
}

static void set_usage(const struct tkp_row *row, struct tkp_values *v)
{
    const struct tokperf_usage *u = &row->usage;
    set_count(v, TKP_METRIC_USAGE_PROMPT_TOKENS, u->prompt_tokens);
    set_count(v, TKP_METRIC_USAGE_COMPLETION_TOKENS, u->completion_tokens);
    set_count(v, TKP_METRIC_USAGE_TOTAL_TOKENS, u->total_tokens);
    set_count(v, TKP_METRIC_USAGE_REASONING_TOKENS, u->reasoning_tokens);
    set_count(v, TKP_METRIC_USAGE_PROMPT_CACHE_READ_TOKENS, u->prompt_cache_read_tokens);
    set_count(v, TKP_METRIC_USAGE_PROMPT_CACHE_WRITE_TOKENS, u->prompt_cache_write_tokens);
    set_count(v, TKP_METRIC_USAGE_PROMPT_CACHE_MISS_TOKENS, u->prompt_cache_miss_tokens);
    set_count(v, TKP_METRIC_USAGE_PROMPT_AUDIO_TOKENS, u->prompt_audio_tokens);
    set_count(v, TKP_METRIC_USAGE_COMPLETION_AUDIO_TOKENS, u->completion_audio_tokens);
    set_count(v, TKP_METRIC_USAGE_PROMPT_AUDIO_SECONDS, u->prompt_audio_ms);
    set_count(v, TKP_METRIC_USAGE_TOOL_USE_PROMPT_TOKENS, u->tool_use_prompt_tokens);
    set_count(v, TKP_METRIC_USAGE_ACCEPTED_PREDICTION_TOKENS, u->accepted_prediction_tokens);
    set_count(v, TKP_METRIC_USAGE_REJECTED_PREDICTION_TOKENS, u->rejected_prediction_tokens);
}

/* How far the server's count is from the tokenizer's, of the latter. */
static void set_diff(struct tkp_values *v, enum tkp_metric_id id, int64_t server, int64_t counted)
{
    if (server >= 0 && counted > 0)
        set(v, id, fabs((double)(server - counted)) / (double)counted * 100);
}

static void set_diffs(const struct tkp_row *row, struct tkp_values *v)
{
    int64_t counted = row->counted_output;
    set_diff(v, TKP_METRIC_USAGE_PROMPT_TOKENS_DIFF_PCT, row->usage.prompt_tokens,
             row->counted_input);
    if (counted < 0)
        return;
    set_diff(v, TKP_METRIC_USAGE_COMPLETION_TOKENS_DIFF_PCT, row->usage.completion_tokens,
             counted + row->counted_reasoning);
    set_diff(v, TKP_METRIC_USAGE_REASONING_TOKENS_DIFF_PCT, row->usage.reasoning_tokens,
             row->counted_reasoning);
}

/* The phases of an exchange as k6 and AIPerf have them, so that their sum is the total. Names are
 * resolved before the load, so no request looks one up. With the kernel's receive clock an answer
 * may have come before send() returned: that is no waiting. */
static void set_http_phases(const struct tkp_row *row, struct tkp_values *v)
{
    bool fresh = !(row->flags & TKP_ROW_REUSED);
    uint64_t sent_ns = row->send_end_ns, byte_ns = row->first_byte_ns;
    set_span(v, TKP_METRIC_HTTP_REQ_BLOCKED, row->start_ns,
             fresh ? row->connect_start_ns : row->send_start_ns);
    set(v, TKP_METRIC_HTTP_REQ_DNS_LOOKUP, 0);
    if (fresh)
        set_span(v, TKP_METRIC_HTTP_REQ_CONNECTING, row->connect_start_ns, row->connect_end_ns);
    else
        set(v, TKP_METRIC_HTTP_REQ_CONNECTING, 0);
    set_span(v, TKP_METRIC_HTTP_REQ_TLS_HANDSHAKING, row->tls_start_ns, row->connect_end_ns);
    set_span(v, TKP_METRIC_HTTP_REQ_SENDING, row->send_start_ns, sent_ns);
    if (sent_ns && byte_ns)
        set(v, TKP_METRIC_HTTP_REQ_WAITING, byte_ns > sent_ns ? (double)(byte_ns - sent_ns) : 0);
    set_span(v, TKP_METRIC_HTTP_REQ_RECEIVING, byte_ns, row->last_byte_ns);
    set_span(v, TKP_METRIC_HTTP_REQ_DURATION, row->send_start_ns, row->end_ns);
}

/* Sets the sum of metrics first to last of the table when all of them are there. */
static void set_sum(struct tkp_values *v, enum tkp_metric_id id, enum tkp_metric_id first,
                    enum tkp_metric_id last)
{
    double sum = 0;
    for (uint32_t i = first; i <= (uint32_t)last; i++) {
        if (!v->has[i])
            return;
        sum += v->value[i];
    }
    set(v, id, sum);
}

static void set_http(const struct tkp_row *row, struct tkp_values *v)
{
    set_http_phases(row, v);
    set_sum(v, TKP_METRIC_HTTP_REQ_CONNECTION_OVERHEAD, TKP_METRIC_HTTP_REQ_BLOCKED,
            TKP_METRIC_HTTP_REQ_CONNECTING);
    set_sum(v, TKP_METRIC_HTTP_REQ_TOTAL, TKP_METRIC_HTTP_REQ_BLOCKED,
            TKP_METRIC_HTTP_REQ_RECEIVING);
    set(v, TKP_METRIC_HTTP_REQ_CONNECTION_REUSED, (row->flags & TKP_ROW_REUSED) ? 1 : 0);
    set(v, TKP_METRIC_HTTP_REQ_DATA_SENT, (double)row->sent_bytes);
    set(v, TKP_METRIC_HTTP_REQ_DATA_RECEIVED, (double)row->received_bytes);
    set(v, TKP_METRIC_HTTP_REQ_CHUNKS_SENT, row->write_count);
    set(v, TKP_METRIC_HTTP_REQ_CHUNKS_RECEIVED, row->read_count);
}

void tkp_values_compute_latencies(const struct tkp_metric_context *context,
                                  const struct tkp_row *row, struct tkp_values *values)
{
    *values = (struct tkp_values){.has = {false}};
    set_waits(row, values);
    if (row->outcome != TKP_OUTCOME_OK)
        return;
    set_latencies(context, row, values);
    if (!tkp_values_lack_tokens(context, row))
        set_token_counts(context, row, values);
    set_token_latencies(context, row, values);
}

void tkp_values_compute(const struct tkp_metric_context *context, const struct tkp_row *row,
                        struct tkp_values *values)
{
    tkp_values_compute_latencies(context, row, values);
    if (row->outcome != TKP_OUTCOME_OK)
        return;
    set_ratio(values, TKP_METRIC_E2E_OUTPUT_TOKEN_THROUGHPUT, TKP_METRIC_OUTPUT_SEQUENCE_LENGTH,
              TKP_METRIC_REQUEST_LATENCY);
    set_ratio(values, TKP_METRIC_PREFILL_THROUGHPUT_PER_USER, TKP_METRIC_INPUT_SEQUENCE_LENGTH,
              TKP_METRIC_TIME_TO_FIRST_TOKEN);
    set_usage(row, values);
    set_diffs(row, values);
    if (context->http_trace)
        set_http(row, values);
}

uint32_t tkp_chunk_times(const struct tkp_row *row, const uint64_t *chunk_ns)
{
    uint32_t most = TKP_ROW_MAX_CHUNK_TIMES;
    uint32_t count = row->chunk_count < most ? row->chunk_count : most;
    return chunk_ns ? count : 0;
}

uint32_t tkp_chunk_gaps(const struct tkp_row *row, const uint64_t *chunk_ns, double *gaps,
                        uint32_t capacity)
{
    uint32_t count = 0, times = tkp_chunk_times(row, chunk_ns);
    for (uint32_t i = 1; i < times; i++) {
        if (chunk_ns[i] <= chunk_ns[i - 1])
            continue;
        if (count < capacity)
            gaps[count] = (double)(chunk_ns[i] - chunk_ns[i - 1]);
        count++;
    }
    return count;
}

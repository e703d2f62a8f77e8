/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of metrics: each row is a tag, its header, unit and how it is shown. Adding a metric is
 * one row here and its formula beside the others of its kind: per-request metrics in values.c, run
 * metrics in phase_run.c. docs/metrics.md explains every tag; a test compares the two.
 */
#ifndef TKP_METRICS_TABLE_H
#define TKP_METRICS_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <tokperf/exporter.h>

/* Flags, short for the tables below. */
#define TKP_MF_WHOLE  TOKPERF_METRIC_INTEGER
#define TKP_MF_LARGER TOKPERF_METRIC_LARGER_IS_BETTER
#define TKP_MF_HIDE   TOKPERF_METRIC_NO_CONSOLE
#define TKP_MF_OURS   TOKPERF_METRIC_OURS

/* Per-request metrics. Rows: id, tag, header, unit (a row of table.c), group, order, flags. */
#define TKP_RECORD_METRICS(X)                                                                      \
    X(TIME_TO_FIRST_TOKEN, "time_to_first_token", "Time to First Token", MS, DEFAULT, 100, 0)      \
    X(TIME_TO_SECOND_TOKEN, "time_to_second_token", "Time to Second Token", MS, DEFAULT, 200, 0)   \
    X(TIME_TO_FIRST_OUTPUT_TOKEN, "time_to_first_output_token", "Time to First Output Token", MS,  \
      DEFAULT, 210, 0)                                                                             \
    X(REQUEST_LATENCY, "request_latency", "Request Latency", MS, DEFAULT, 300, 0)                  \
    X(INTER_TOKEN_LATENCY, "inter_token_latency", "Inter Token Latency", MS_PARTS, DEFAULT, 400,   \
      0)                                                                                           \
    X(INTER_TOKEN_LATENCY_AFTER_FIRST_CHUNK, "inter_token_latency_after_first_chunk",              \
      "Inter Token Latency After First Chunk", MS_PARTS, DEFAULT, 405, TKP_MF_HIDE | TKP_MF_OURS)  \
    X(INTER_CHUNK_LATENCY, "inter_chunk_latency", "Inter Chunk Latency", MS, DEFAULT, 410,         \
      TKP_MF_HIDE | TOKPERF_METRIC_LIST)                                                           \
    X(DECODE_DURATION, "decode_duration", "Decode Duration", MS, DEFAULT, 420, TKP_MF_HIDE)        \
    X(OUTPUT_TOKEN_THROUGHPUT_PER_USER, "output_token_throughput_per_user",                        \
      "Output Token Throughput Per User", PER_USER, DEFAULT, 500, TKP_MF_LARGER)                   \
    X(E2E_OUTPUT_TOKEN_THROUGHPUT, "e2e_output_token_throughput", "E2E Output Token Throughput",   \
      PER_USER, DEFAULT, 510, TKP_MF_LARGER)                                                       \
    X(PREFILL_THROUGHPUT_PER_USER, "prefill_throughput_per_user", "Prefill Throughput Per User",   \
      PER_USER, DEFAULT, 520, TKP_MF_LARGER | TKP_MF_HIDE)                                         \
    X(OUTPUT_SEQUENCE_LENGTH, "output_sequence_length", "Output Sequence Length", TOKENS, DEFAULT, \
      600, TKP_MF_WHOLE)                                                                           \
    X(OUTPUT_TOKEN_COUNT, "output_token_count", "Output Token Count", TOKENS, DEFAULT, 610,        \
      TKP_MF_WHOLE | TKP_MF_HIDE)                                                                  \
    X(REASONING_TOKEN_COUNT, "reasoning_token_count", "Reasoning Token Count", TOKENS, REASONING,  \
      620, TKP_MF_WHOLE)                                                                           \
    X(INPUT_SEQUENCE_LENGTH, "input_sequence_length", "Input Sequence Length", TOKENS, DEFAULT,    \
      700, TKP_MF_WHOLE)                                                                           \
    X(REQUESTED_ISL, "requested_isl", "Requested ISL", TOKENS, DEFAULT, 750,                       \
      TKP_MF_WHOLE | TKP_MF_HIDE | TKP_MF_OURS)                                                    \
    X(REQUESTED_OSL, "requested_osl", "Requested OSL", TOKENS, DEFAULT, 650,                       \
      TKP_MF_WHOLE | TKP_MF_HIDE | TOKPERF_METRIC_INTERNAL)                                        \
    X(OSL_MISMATCH_DIFF_PCT, "osl_mismatch_diff_pct", "OSL Mismatch Diff", PERCENT, DEFAULT, 660,  \
      TKP_MF_HIDE)                                                                                 \
    X(EFFECTIVE_LATENCY, "effective_latency", "Effective Latency (CO-aware)", MS, DEFAULT, 310, 0) \
    X(CREDIT_TO_START_LATENCY, "credit_to_start_latency", "Credit-to-Start Latency", MS, CLIENT,   \
      4000, 0)                                                                                     \
    X(CAP_WAIT, "cap_wait", "Concurrency Cap Wait", MS, CLIENT, 4010, TKP_MF_OURS)                 \
    X(CLIENT_LAG, "client_lag", "Client Lag", MS, CLIENT, 4020, TKP_MF_OURS)                       \
    X(READ_DELAY, "read_delay", "Read Delay", MS, CLIENT, 4030, TKP_MF_OURS)                       \
    TKP_USAGE_METRICS(X)                                                                           \
    TKP_HTTP_METRICS(X)

/* What the server says in its usage object. */
#define TKP_USAGE_METRICS(X)                                                                       \
    X(USAGE_PROMPT_TOKENS, "usage_prompt_tokens", "Usage Prompt Tokens", TOKENS, USAGE, 1200,      \
      TKP_MF_WHOLE)                                                                                \
    X(USAGE_COMPLETION_TOKENS, "usage_completion_tokens", "Usage Completion Tokens", TOKENS,       \
      USAGE, 1210, TKP_MF_WHOLE | TKP_MF_LARGER)                                                   \
    X(USAGE_TOTAL_TOKENS, "usage_total_tokens", "Usage Total Tokens", TOKENS, USAGE, 1220,         \
      TKP_MF_WHOLE)                                                                                \
    X(USAGE_REASONING_TOKENS, "usage_reasoning_tokens", "Usage Reasoning Tokens", TOKENS,          \
      REASONING, 1230, TKP_MF_WHOLE)                                                               \
    X(USAGE_PROMPT_CACHE_READ_TOKENS, "usage_prompt_cache_read_tokens",                            \
      "Usage Prompt Cache Read Tokens", TOKENS, CACHE, 1300, TKP_MF_WHOLE | TKP_MF_LARGER)         \
    X(USAGE_PROMPT_CACHE_WRITE_TOKENS, "usage_prompt_cache_write_tokens",                          \
      "Usage Prompt Cache Write Tokens", TOKENS, CACHE, 1310, TKP_MF_WHOLE)                        \
    X(USAGE_PROMPT_CACHE_MISS_TOKENS, "usage_prompt_cache_miss_tokens",                            \
      "Usage Prompt Cache Miss Tokens", TOKENS, CACHE, 1320, TKP_MF_WHOLE)                         \
    X(USAGE_PROMPT_AUDIO_TOKENS, "usage_prompt_audio_tokens", "Usage Prompt Audio Tokens", TOKENS, \
      USAGE, 1240, TKP_MF_WHOLE)                                                                   \
    X(USAGE_COMPLETION_AUDIO_TOKENS, "usage_completion_audio_tokens",                              \
      "Usage Completion Audio Tokens", TOKENS, USAGE, 1250, TKP_MF_WHOLE)                          \
    X(USAGE_PROMPT_AUDIO_SECONDS, "usage_prompt_audio_seconds", "Usage Prompt Audio Seconds",      \
      SEC_OF_MS, USAGE, 1260, 0)                                                                   \
    X(USAGE_TOOL_USE_PROMPT_TOKENS, "usage_tool_use_prompt_tokens",                                \
      "Usage Tool Use Prompt Tokens", TOKENS, USAGE, 1270, TKP_MF_WHOLE)                           \
    X(USAGE_ACCEPTED_PREDICTION_TOKENS, "usage_accepted_prediction_tokens",                        \
      "Usage Accepted Prediction Tokens", TOKENS, USAGE, 1280, TKP_MF_WHOLE | TKP_MF_LARGER)       \
    X(USAGE_REJECTED_PREDICTION_TOKENS, "usage_rejected_prediction_tokens",                        \
      "Usage Rejected Prediction Tokens", TOKENS, USAGE, 1290, TKP_MF_WHOLE)                       \
    X(USAGE_PROMPT_TOKENS_DIFF_PCT, "usage_prompt_tokens_diff_pct", "Usage Prompt Tokens Diff",    \
      PERCENT, USAGE, 1292, TKP_MF_HIDE)                                                           \
    X(USAGE_COMPLETION_TOKENS_DIFF_PCT, "usage_completion_tokens_diff_pct",                        \
      "Usage Completion Tokens Diff", PERCENT, USAGE, 1294, TKP_MF_HIDE)                           \
    X(USAGE_REASONING_TOKENS_DIFF_PCT, "usage_reasoning_tokens_diff_pct",                          \
      "Usage Reasoning Tokens Diff", PERCENT, USAGE, 1296, TKP_MF_HIDE)

/* With --export-http-trace; k6's names. */
#define TKP_HTTP_METRICS(X)                                                                        \
    X(HTTP_REQ_BLOCKED, "http_req_blocked", "HTTP Blocked", MS, HTTP, 2000, 0)                     \
    X(HTTP_REQ_DNS_LOOKUP, "http_req_dns_lookup", "HTTP DNS Lookup", MS, HTTP, 2010, 0)            \
    X(HTTP_REQ_CONNECTING, "http_req_connecting", "HTTP Connecting", MS, HTTP, 2020, 0)            \
    X(HTTP_REQ_SENDING, "http_req_sending", "HTTP Sending", MS, HTTP, 2030, 0)                     \
    X(HTTP_REQ_WAITING, "http_req_waiting", "HTTP Waiting (TTFB)", MS, HTTP, 2040, 0)              \
    X(HTTP_REQ_RECEIVING, "http_req_receiving", "HTTP Receiving", MS, HTTP, 2050, 0)               \
    X(HTTP_REQ_CONNECTION_REUSED, "http_req_connection_reused", "HTTP Connection Reused", RATIO,   \
      HTTP, 2060, TKP_MF_WHOLE)                                                                    \
    X(HTTP_REQ_DATA_SENT, "http_req_data_sent", "HTTP Data Sent", BYTES, HTTP, 2070, TKP_MF_WHOLE) \
    X(HTTP_REQ_CHUNKS_SENT, "http_req_chunks_sent", "HTTP Chunks Sent", COUNT, HTTP, 2080,         \
      TKP_MF_WHOLE)                                                                                \
    X(HTTP_REQ_DATA_RECEIVED, "http_req_data_received", "HTTP Data Received", BYTES, HTTP, 2090,   \
      TKP_MF_WHOLE)                                                                                \
    X(HTTP_REQ_CHUNKS_RECEIVED, "http_req_chunks_received", "HTTP Chunks Received", COUNT, HTTP,   \
      2100, TKP_MF_WHOLE)                                                                          \
    X(HTTP_REQ_TLS_HANDSHAKING, "http_req_tls_handshaking", "HTTP TLS Handshake", MS, HTTP, 2105,  \
      0)                                                                                           \
    X(HTTP_REQ_CONNECTION_OVERHEAD, "http_req_connection_overhead", "HTTP Connection Overhead",    \
      MS, HTTP, 2110, 0)                                                                           \
    X(HTTP_REQ_DURATION, "http_req_duration", "HTTP Duration (excl. conn)", MS, HTTP, 2120, 0)     \
    X(HTTP_REQ_TOTAL, "http_req_total", "HTTP Total Time", MS, HTTP, 2130, 0)

/* One value per phase. */
#define TKP_RUN_METRICS(X)                                                                         \
    X(OUTPUT_TOKEN_THROUGHPUT, "output_token_throughput", "Output Token Throughput", TOKENS_PER_S, \
      DEFAULT, 800, TKP_MF_LARGER)                                                                 \
    X(INPUT_TOKEN_THROUGHPUT, "input_token_throughput", "Input Token Throughput", TOKENS_PER_S,    \
      DEFAULT, 805, TKP_MF_LARGER)                                                                 \
    X(TOTAL_TOKEN_THROUGHPUT, "total_token_throughput", "Total Token Throughput", TOKENS_PER_S,    \
      DEFAULT, 810, TKP_MF_LARGER | TKP_MF_HIDE)                                                   \
    X(REQUEST_THROUGHPUT, "request_throughput", "Request Throughput", REQUESTS_PER_S, DEFAULT,     \
      900, TKP_MF_LARGER)                                                                          \
    X(OUTPUT_TOKEN_THROUGHPUT_WALL, "output_token_throughput_wall",                                \
      "Output Token Throughput (wall)", TOKENS_PER_S, DEFAULT, 820,                                \
      TKP_MF_LARGER | TKP_MF_HIDE | TKP_MF_OURS)                                                   \
    X(INPUT_TOKEN_THROUGHPUT_WALL, "input_token_throughput_wall", "Input Token Throughput (wall)", \
      TOKENS_PER_S, DEFAULT, 825, TKP_MF_LARGER | TKP_MF_HIDE | TKP_MF_OURS)                       \
    X(TOTAL_TOKEN_THROUGHPUT_WALL, "total_token_throughput_wall", "Total Token Throughput (wall)", \
      TOKENS_PER_S, DEFAULT, 830, TKP_MF_LARGER | TKP_MF_HIDE | TKP_MF_OURS)                       \
    X(REQUEST_THROUGHPUT_WALL, "request_throughput_wall", "Request Throughput (wall)",             \
      REQUESTS_PER_S, DEFAULT, 910, TKP_MF_LARGER | TKP_MF_HIDE | TKP_MF_OURS)                     \
    X(OFFERED_RATE, "offered_rate", "Offered Rate", REQUESTS_PER_S, CLIENT, 4100, TKP_MF_OURS)     \
    X(ACHIEVED_RATE, "achieved_rate", "Achieved Rate", REQUESTS_PER_S, CLIENT, 4110,               \
      TKP_MF_LARGER | TKP_MF_OURS)                                                                 \
    X(GOODPUT, "goodput", "Goodput", REQUESTS_PER_S, DEFAULT, 1000, TKP_MF_LARGER)                 \
    X(GOOD_REQUEST_COUNT, "good_request_count", "Good Request Count", REQUESTS, DEFAULT, 1010,     \
      TKP_MF_WHOLE | TKP_MF_LARGER | TKP_MF_HIDE)                                                  \
    X(GOOD_REQUEST_FRACTION, "good_request_fraction", "Good Request Fraction", RATIO, DEFAULT,     \
      1020, TKP_MF_LARGER | TKP_MF_HIDE)                                                           \
    X(SLO_METRIC_MISSING_COUNT, "slo_metric_missing_count", "SLO Metric Missing Count", REQUESTS,  \
      DEFAULT, 1030, TKP_MF_WHOLE | TKP_MF_HIDE | TKP_MF_OURS)                                     \
    X(REQUEST_ERROR_RATE, "request_error_rate", "Request Error Rate", PERCENT, DEFAULT, 1080, 0)   \
    X(REQUEST_COUNT, "request_count", "Request Count", REQUESTS, DEFAULT, 1100,                    \
      TKP_MF_WHOLE | TKP_MF_LARGER)                                                                \
    X(ERROR_REQUEST_COUNT, "error_request_count", "Error Request Count", REQUESTS, DEFAULT, 1110,  \
      TKP_MF_WHOLE | TKP_MF_HIDE)                                                                  \
    X(CANCELLED_REQUEST_COUNT, "cancelled_request_count", "Cancelled Request Count", REQUESTS,     \
      DEFAULT, 1120, TKP_MF_WHOLE | TKP_MF_HIDE)                                                   \
    X(COMPLETED_REQUEST_COUNT, "completed_request_count", "Completed Request Count", REQUESTS,     \
      DEFAULT, 1130, TKP_MF_WHOLE | TKP_MF_HIDE)                                                   \
    X(RETRY_COUNT, "retry_count", "Retry Count", REQUESTS, CLIENT, 4200,                           \
      TKP_MF_WHOLE | TKP_MF_OURS)                                                                  \
    X(RETRY_AFTER_COUNT, "retry_after_count", "Answers With Retry-After", REQUESTS, CLIENT, 4201,  \
      TKP_MF_WHOLE | TKP_MF_OURS | TKP_MF_HIDE)                                                    \
    X(RETRY_AFTER_MAX, "retry_after_max", "Longest Retry-After", SEC, CLIENT, 4202,                \
      TKP_MF_OURS | TKP_MF_HIDE)                                                                   \
    X(NOT_SENT_COUNT, "not_sent_count", "Not Sent Count", REQUESTS, CLIENT, 4205,                  \
      TKP_MF_WHOLE | TKP_MF_OURS)                                                                  \
    X(NOT_STREAMED_COUNT, "not_streamed_count", "Not Streamed Count", REQUESTS, CLIENT, 4210,      \
      TKP_MF_WHOLE | TKP_MF_OURS | TKP_MF_HIDE)                                                    \
    X(NO_TOKEN_COUNT, "no_token_count", "Requests Without Token Count", REQUESTS, CLIENT, 4220,    \
      TKP_MF_WHOLE | TKP_MF_OURS | TKP_MF_HIDE)                                                    \
    X(CHUNK_COUNT, "chunk_count", "Content Chunk Count", CHUNKS, CLIENT, 4230,                     \
      TKP_MF_WHOLE | TKP_MF_OURS | TKP_MF_HIDE)                                                    \
    X(COALESCED_CHUNK_COUNT, "coalesced_chunk_count", "Coalesced Chunk Count", CHUNKS, CLIENT,     \
      4240, TKP_MF_WHOLE | TKP_MF_OURS | TKP_MF_HIDE)                                              \
    X(BENCHMARK_DURATION, "benchmark_duration", "Benchmark Duration", SEC, DEFAULT, 1140,          \
      TKP_MF_HIDE)                                                                                 \
    X(WALL_DURATION, "wall_duration", "Wall Duration", SEC, DEFAULT, 1150,                         \
      TKP_MF_HIDE | TKP_MF_OURS)                                                                   \
    X(OSL_MISMATCH_COUNT, "osl_mismatch_count", "OSL Mismatch Count", REQUESTS, DEFAULT, 670,      \
      TKP_MF_WHOLE | TKP_MF_HIDE)                                                                  \
    X(USAGE_DISCREPANCY_COUNT, "usage_discrepancy_count", "Usage Discrepancy Count", REQUESTS,     \
      USAGE, 1298, TKP_MF_WHOLE | TKP_MF_HIDE)                                                     \
    X(OVERALL_USAGE_PROMPT_CACHE_READ_PCT, "overall_usage_prompt_cache_read_pct",                  \
      "Overall Usage Prompt Cache Read %", PERCENT, CACHE, 1330, TKP_MF_LARGER)                    \
    X(STEADY_REQUEST_COUNT, "steady_request_count", "Steady Request Count", REQUESTS, STEADY,      \
      5300, TKP_MF_WHOLE | TKP_MF_OURS)                                                            \
    X(STEADY_DURATION, "steady_duration", "Steady Duration", SEC, STEADY, 5310, TKP_MF_OURS)       \
    X(STEADY_REQUEST_THROUGHPUT, "steady_request_throughput", "Steady Request Throughput",         \
      REQUESTS_PER_S, STEADY, 5220, TKP_MF_LARGER | TKP_MF_OURS)                                   \
    X(STEADY_OUTPUT_TOKEN_THROUGHPUT, "steady_output_token_throughput",                            \
      "Steady Output Token Throughput", TOKENS_PER_S, STEADY, 5200, TKP_MF_LARGER | TKP_MF_OURS)   \
    X(STEADY_TOTAL_TOKEN_THROUGHPUT, "steady_total_token_throughput",                              \
      "Steady Total Token Throughput", TOKENS_PER_S, STEADY, 5210, TKP_MF_LARGER | TKP_MF_OURS)

/* Run metrics that are the sum of a per-request metric. Rows: id, summed id, tag, header, unit,
 * group, order, flags. */
#define TKP_SUM_METRICS(X)                                                                         \
    X(TOTAL_OUTPUT_TOKENS, OUTPUT_TOKEN_COUNT, "total_output_tokens", "Total Output Tokens",       \
      TOKENS, DEFAULT, 1160, TKP_MF_WHOLE | TKP_MF_LARGER)                                         \
    X(TOTAL_OSL, OUTPUT_SEQUENCE_LENGTH, "total_osl", "Total Output Sequence Length", TOKENS,      \
      DEFAULT, 1161, TKP_MF_WHOLE | TKP_MF_LARGER)                                                 \
    X(TOTAL_ISL, INPUT_SEQUENCE_LENGTH, "total_isl", "Total Input Sequence Length", TOKENS,        \
      DEFAULT, 1162, TKP_MF_WHOLE | TKP_MF_LARGER)                                                 \
    X(TOTAL_REASONING_TOKENS, REASONING_TOKEN_COUNT, "total_reasoning_tokens",                     \
      "Total Reasoning Tokens", TOKENS, REASONING, 1163, TKP_MF_WHOLE | TKP_MF_LARGER)             \
    X(TOTAL_USAGE_PROMPT_TOKENS, USAGE_PROMPT_TOKENS, "total_usage_prompt_tokens",                 \
      "Total Usage Prompt Tokens", TOKENS, USAGE, 1400, TKP_MF_WHOLE)                              \
    X(TOTAL_USAGE_COMPLETION_TOKENS, USAGE_COMPLETION_TOKENS, "total_usage_completion_tokens",     \
      "Total Usage Completion Tokens", TOKENS, USAGE, 1410, TKP_MF_WHOLE | TKP_MF_LARGER)          \
    X(TOTAL_USAGE_TOTAL_TOKENS, USAGE_TOTAL_TOKENS, "total_usage_total_tokens",                    \
      "Total Usage Total Tokens", TOKENS, USAGE, 1420, TKP_MF_WHOLE)                               \
    X(TOTAL_USAGE_REASONING_TOKENS, USAGE_REASONING_TOKENS, "total_usage_reasoning_tokens",        \
      "Total Usage Reasoning Tokens", TOKENS, REASONING, 1430, TKP_MF_WHOLE)                       \
    X(TOTAL_USAGE_PROMPT_CACHE_READ_TOKENS, USAGE_PROMPT_CACHE_READ_TOKENS,                        \
      "total_usage_prompt_cache_read_tokens", "Total Usage Prompt Cache Read Tokens", TOKENS,      \
      CACHE, 1500, TKP_MF_WHOLE | TKP_MF_LARGER)                                                   \
    X(TOTAL_USAGE_PROMPT_CACHE_WRITE_TOKENS, USAGE_PROMPT_CACHE_WRITE_TOKENS,                      \
      "total_usage_prompt_cache_write_tokens", "Total Usage Prompt Cache Write Tokens", TOKENS,    \
      CACHE, 1510, TKP_MF_WHOLE)                                                                   \
    X(TOTAL_USAGE_PROMPT_CACHE_MISS_TOKENS, USAGE_PROMPT_CACHE_MISS_TOKENS,                        \
      "total_usage_prompt_cache_miss_tokens", "Total Usage Prompt Cache Miss Tokens", TOKENS,      \
      CACHE, 1520, TKP_MF_WHOLE)                                                                   \
    X(TOTAL_USAGE_PROMPT_AUDIO_TOKENS, USAGE_PROMPT_AUDIO_TOKENS,                                  \
      "total_usage_prompt_audio_tokens", "Total Usage Prompt Audio Tokens", TOKENS, USAGE, 1440,   \
      TKP_MF_WHOLE)                                                                                \
    X(TOTAL_USAGE_COMPLETION_AUDIO_TOKENS, USAGE_COMPLETION_AUDIO_TOKENS,                          \
      "total_usage_completion_audio_tokens", "Total Usage Completion Audio Tokens", TOKENS, USAGE, \
      1450, TKP_MF_WHOLE)                                                                          \
    X(TOTAL_USAGE_PROMPT_AUDIO_SECONDS, USAGE_PROMPT_AUDIO_SECONDS,                                \
      "total_usage_prompt_audio_seconds", "Total Usage Prompt Audio Seconds", SEC_OF_MS, USAGE,    \
      1460, 0)                                                                                     \
    X(TOTAL_USAGE_TOOL_USE_PROMPT_TOKENS, USAGE_TOOL_USE_PROMPT_TOKENS,                            \
      "total_usage_tool_use_prompt_tokens", "Total Usage Tool Use Prompt Tokens", TOKENS, USAGE,   \
      1470, TKP_MF_WHOLE)                                                                          \
    X(TOTAL_USAGE_ACCEPTED_PREDICTION_TOKENS, USAGE_ACCEPTED_PREDICTION_TOKENS,                    \
      "total_usage_accepted_prediction_tokens", "Total Usage Accepted Prediction Tokens", TOKENS,  \
      USAGE, 1480, TKP_MF_WHOLE | TKP_MF_LARGER)                                                   \
    X(TOTAL_USAGE_REJECTED_PREDICTION_TOKENS, USAGE_REJECTED_PREDICTION_TOKENS,                    \
      "total_usage_rejected_prediction_tokens", "Total Usage Rejected Prediction Tokens", TOKENS,  \
      USAGE, 1490, TKP_MF_WHOLE)

/* Weighted by time. Rows as of per-request metrics. */
#define TKP_SWEEP_METRICS(X)                                                             \
    X(EFFECTIVE_CONCURRENCY, "effective_concurrency", "Effective Concurrency", REQUESTS, \
      EFFECTIVE, 3000, 0)                                                                \
    X(EFFECTIVE_PREFILL_CONCURRENCY, "effective_prefill_concurrency",                    \
      "Effective Prefill Concurrency", REQUESTS, EFFECTIVE, 3010, 0)                     \
    X(EFFECTIVE_DECODE_CONCURRENCY, "effective_decode_concurrency",                      \
      "Effective Decode Concurrency", REQUESTS, EFFECTIVE, 3020, 0)                      \
    X(TOKENS_IN_FLIGHT, "tokens_in_flight", "Tokens In Flight", TOKENS, EFFECTIVE, 3030, 0)

/* Per-request metrics over the steady window. Rows: id, base id, tag, header, unit, order, flags.
 */
#define TKP_STEADY_METRICS(X)                                                                      \
    X(STEADY_TIME_TO_FIRST_TOKEN, TIME_TO_FIRST_TOKEN, "steady_time_to_first_token",               \
      "Steady Time to First Token", MS, 5010, 0)                                                   \
    X(STEADY_REQUEST_LATENCY, REQUEST_LATENCY, "steady_request_latency", "Steady Request Latency", \
      MS, 5020, 0)                                                                                 \
    X(STEADY_EFFECTIVE_LATENCY, EFFECTIVE_LATENCY, "steady_effective_latency",                     \
      "Steady Effective Latency (CO-aware)", MS, 5030, 0)                                          \
    X(STEADY_INTER_TOKEN_LATENCY, INTER_TOKEN_LATENCY, "steady_inter_token_latency",               \
      "Steady Inter Token Latency", MS_PARTS, 5040, 0)                                             \
    X(STEADY_OUTPUT_TOKEN_THROUGHPUT_PER_USER, OUTPUT_TOKEN_THROUGHPUT_PER_USER,                   \
      "steady_output_token_throughput_per_user", "Steady Output Token Throughput Per User",        \
      PER_USER, 5050, TKP_MF_LARGER)

/* The error-adjusted band. Rows as of the steady ones. */
#define TKP_ADJUSTED_METRICS(X)                                                \
    X(ADJ_REQUEST_LATENCY, REQUEST_LATENCY, "adj_request_latency",             \
      "Request Latency (error-adjusted)", MS, 6000, 0)                         \
    X(ADJ_TIME_TO_FIRST_TOKEN, TIME_TO_FIRST_TOKEN, "adj_time_to_first_token", \
      "Time to First Token (error-adjusted)", MS, 6010, 0)                     \
    X(ADJ_INTER_TOKEN_LATENCY, INTER_TOKEN_LATENCY, "adj_inter_token_latency", \
      "Inter Token Latency (error-adjusted)", MS_PARTS, 6020, 0)               \
    X(ADJ_DECODE_DURATION, DECODE_DURATION, "adj_decode_duration",             \
      "Decode Duration (error-adjusted)", MS, 6030, 0)

/* One range of ids; each family starts where the one before ends. Per-request metrics come first,
 * so that TKP_METRIC_COUNT sizes an array of them; those of the HTTP trace are their last. */
#define TKP_METRIC_ENUM(id, ...) TKP_METRIC_##id,
enum tkp_metric_id {
    TKP_RECORD_METRICS(TKP_METRIC_ENUM) TKP_METRIC_COUNT,
    TKP_METRIC_HTTP_FIRST = TKP_METRIC_HTTP_REQ_BLOCKED,
    TKP_METRIC_RUN_FIRST = TKP_METRIC_COUNT,
    TKP_METRIC_BEFORE_RUN = TKP_METRIC_COUNT - 1,
    TKP_RUN_METRICS(TKP_METRIC_ENUM) TKP_SUM_METRICS(TKP_METRIC_ENUM) TKP_METRIC_SWEEP_FIRST,
    TKP_METRIC_BEFORE_SWEEP = TKP_METRIC_SWEEP_FIRST - 1,
    TKP_SWEEP_METRICS(TKP_METRIC_ENUM) TKP_METRIC_STEADY_FIRST,
    TKP_METRIC_BEFORE_STEADY = TKP_METRIC_STEADY_FIRST - 1,
    TKP_STEADY_METRICS(TKP_METRIC_ENUM) TKP_METRIC_ADJUSTED_FIRST,
    TKP_METRIC_BEFORE_ADJUSTED = TKP_METRIC_ADJUSTED_FIRST - 1,
    TKP_ADJUSTED_METRICS(TKP_METRIC_ENUM) TKP_METRIC_ALL_COUNT
};
#undef TKP_METRIC_ENUM
enum {
    TKP_RUN_METRIC_COUNT = TKP_METRIC_SWEEP_FIRST - TKP_METRIC_RUN_FIRST,
    TKP_SWEEP_COUNT = TKP_METRIC_STEADY_FIRST - TKP_METRIC_SWEEP_FIRST,
    TKP_STEADY_COUNT = TKP_METRIC_ADJUSTED_FIRST - TKP_METRIC_STEADY_FIRST,
    TKP_ADJUSTED_COUNT = TKP_METRIC_ALL_COUNT - TKP_METRIC_ADJUSTED_FIRST
};

struct tkp_metric_def {
    const char *tag, *header, *unit;
    double scale;     /* shown value = base value / scale */
    double key_steps; /* steps per base unit that tell values apart: 1 for whole numbers */
    uint32_t kind, group, flags; /* TOKPERF_METRIC_*, TOKPERF_GROUP_* */
    int32_t order;
    uint32_t base; /* sums, steady_*, adj_*: the per-request metric they are made of; else own id */
};

/* All of them are constant. [any] */
const struct tkp_metric_def *tkp_metric_def(enum tkp_metric_id id); /* id < TKP_METRIC_ALL_COUNT */
/* The metric of a tag, any family; TKP_METRIC_ALL_COUNT when there is none. */
enum tkp_metric_id tkp_metric_find(const char *tag);
double tkp_metric_shown(enum tkp_metric_id id, double base_value);
/* What exporters see of its row, without a statistic yet. */
struct tokperf_metric tkp_metric_empty(enum tkp_metric_id id);
/* A value in display units; NaN and infinity leave no trace. */
void tkp_metric_put(struct tokperf_metric *metric, uint32_t stat, double value);

/* Where token counts come from: one source per run for input, one for output. */
enum tkp_token_source {
    TKP_TOKENS_NONE = 0,
    TKP_TOKENS_SERVER,
    TKP_TOKENS_TOKENIZER,
    TKP_TOKENS_CHUNKS
};
/* "server", "tokenizer", "chunks", "" */
const char *tkp_token_source_name(enum tkp_token_source source);

#endif

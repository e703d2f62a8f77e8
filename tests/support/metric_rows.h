/* SPDX-License-Identifier: Apache-2.0 */
/* Finished requests with stamps given in ns after a base, for tests of metrics. */
#ifndef METRIC_ROWS_H
#define METRIC_ROWS_H

#include <metrics/values.h>
#include <string.h>

#define ROW_BASE_NS UINT64_C(1000000000000) /* so that no stamp is 0 */
#define MS          UINT64_C(1000000)

/* An ok streamed request: start, ready and intended at start_ms; content at first..last. */
static inline struct tkp_row metric_row(uint64_t start_ms, uint64_t first_ms, uint64_t last_ms)
{
    struct tkp_row row;
    memset(&row, 0, sizeof row);
    memset(&row.usage, 0xff, sizeof row.usage); /* -1: the server said nothing */
    row.outcome = TKP_OUTCOME_OK;
    row.flags = TKP_ROW_STREAM_ASKED | TKP_ROW_STREAMED;
    row.http_status = 200;
    row.input_tokens_asked = row.output_tokens_asked = row.first_chunk_tokens = -1;
    row.counted_input = row.counted_output = row.counted_reasoning = -1;
    row.start_ns = row.ready_ns = row.intended_ns = ROW_BASE_NS + start_ms * MS;
    row.send_start_ns = row.send_end_ns = row.start_ns;
    row.first_byte_ns = row.first_token_ns = ROW_BASE_NS + first_ms * MS;
    row.first_output_token_ns = row.first_token_ns;
    row.last_token_ns = row.end_ns = ROW_BASE_NS + last_ms * MS;
    return row;
}

/* One that failed at end_ms without any content. */
static inline struct tkp_row failed_row(uint64_t start_ms, uint64_t end_ms, uint32_t outcome)
{
    struct tkp_row row = metric_row(start_ms, start_ms, end_ms);
    row.outcome = outcome;
    row.flags = TKP_ROW_STREAM_ASKED;
    row.http_status = 0;
    row.first_byte_ns = row.first_token_ns = row.first_output_token_ns = row.last_token_ns = 0;
    return row;
}

static inline struct tkp_metric_context server_tokens(void)
{
    return (struct tkp_metric_context){
        .streaming = true,
        .produces_tokens = true,
        .tokenizes_input = true,
        .isl_source = TKP_TOKENS_SERVER,
        .osl_source = TKP_TOKENS_SERVER,
    };
}

#endif

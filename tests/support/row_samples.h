/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and chunk times for tests: made from a number, so that a reader can say what they must be.
 */
#ifndef TKP_TEST_ROW_SAMPLES_H
#define TKP_TEST_ROW_SAMPLES_H

#include <base/rng.h>
#include <record/block.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLE_SEED = 7, SAMPLE_PIECE = 37 }; /* chunk times come in pieces of 37 */

/* A non-streaming request of 300 ms that went well, as the workers record it. */
static inline struct tkp_row sample_row(uint64_t n)
{
    uint64_t start_ns = UINT64_C(1234567890123456) + n * 1000003;
    struct tkp_row row = {.ordinal = n,
                          .draw = n + 5,
                          .dataset_row = n % 1000,
                          .prompt_hash = tkp_rng_bits(SAMPLE_SEED, 1, n),
                          .phase = 1,
                          .url_index = 1,
                          .turn_index = 2,
                          .outcome = TKP_OUTCOME_OK,
                          .flags = TKP_ROW_REUSED | TKP_ROW_LAST_TURN,
                          .http_status = 200,
                          .intended_ns = start_ns - 40000,
                          .ready_ns = start_ns - 52345,
                          .start_ns = start_ns,
                          .send_start_ns = start_ns + 900,
                          .send_end_ns = start_ns + 15000,
                          .first_byte_ns = start_ns + 300123456,
                          .first_token_ns = start_ns + 300123999,
                          .first_output_token_ns = start_ns + 300123999,
                          .last_token_ns = start_ns + 300123999,
                          .end_ns = start_ns + 300140000,
                          .sent_bytes = 2345,
                          .received_bytes = 1789,
                          .text_bytes = 900,
                          .chunk_count = 1,
                          .input_tokens_asked = 512,
                          .output_tokens_asked = 128,
                          .first_chunk_tokens = -1,
                          .counted_input = -1,
                          .counted_output = -1,
                          .counted_reasoning = -1,
                          .finish_reason = "stop"};
    memset(&row.usage, 0xff, sizeof row.usage); /* every count -1 */
    row.usage.prompt_tokens = 530;
    row.usage.completion_tokens = 128;
    row.usage.total_tokens = 658;
    return row;
}

/* Of a run with a warm-up: row 0 is of that, and every tenth failed. */
static inline struct tkp_row sample_row_of_run(uint64_t n)
{
    struct tkp_row row = sample_row(n);
    row.chunk_count = 0;
    row.phase = n == 0 ? 0 : 1;
    row.last_token_ns += n * 1000;
    if (n % 10 == 9)
        row.outcome = TKP_OUTCOME_HTTP_ERROR;
    return row;
}

/* Arrival of chunk i of row n: about every 20 ms, some together with the one before. */
static inline uint64_t sample_gap_ns(uint64_t n, uint32_t i)
{
    uint64_t bits = tkp_rng_bits(SAMPLE_SEED, 1000 + n, i);
    return bits % 16 == 0 ? 0 : 19000000 + bits % 2000000;
}

/* A chunk source that computes its times. */
struct sample_chunks {
    uint64_t row, time_ns, start_ns;
    uint32_t count, given;
    uint64_t piece[SAMPLE_PIECE];
};

static inline uint32_t sample_next(void *context, const uint64_t **times_ns)
{
    struct sample_chunks *c = context;
    uint32_t len = 0;
    for (; len < SAMPLE_PIECE && c->given < c->count; len++) {
        c->time_ns += sample_gap_ns(c->row, c->given++);
        c->piece[len] = c->time_ns;
    }
    *times_ns = c->piece;
    return len;
}

static inline void sample_rewind(void *context)
{
    struct sample_chunks *c = context;
    c->given = 0;
    c->time_ns = c->start_ns;
}

/* A streamed row with chunk_count chunk times; source reads from chunks. */
static inline struct tkp_row sample_stream(uint64_t n, uint32_t chunk_count,
                                           struct sample_chunks *chunks,
                                           struct tkp_chunk_source *source)
{
    struct tkp_row row = sample_row(n);
    row.flags |= TKP_ROW_STREAM_ASKED | TKP_ROW_STREAMED;
    row.chunk_count = chunk_count;
    *chunks = (struct sample_chunks){.row = n, .start_ns = row.start_ns, .count = chunk_count};
    *source = (struct tkp_chunk_source){chunks, sample_next, sample_rewind};
    return row;
}

/* Kept texts of row n: bytes of one pattern, mostly short, some longer than a block. */
enum { SAMPLE_MAX_TEXT_BYTES = 200001 };
static inline uint64_t sample_text_bytes(uint64_t n)
{
    return n % 40 == 13 ? 150000 + n % 50000 : n * 53 % 900;
}
static inline char sample_text_byte(uint64_t i)
{
    return (char)(i * 7 + i / 251);
}

/* Whether the times are those of sample_stream(n, count). */
static inline bool sample_times_match(uint64_t n, const uint64_t *times_ns, uint32_t count)
{
    uint64_t time_ns = sample_row(n).start_ns;
    for (uint32_t i = 0; i < count; i++) {
        time_ns += sample_gap_ns(n, i);
        if (times_ns[i] != time_ns)
            return false;
    }
    return true;
}

#endif

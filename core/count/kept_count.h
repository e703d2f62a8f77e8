/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the kept texts of one request. Each lane has one; owned by its thread. */
#ifndef TKP_COUNT_KEPT_COUNT_H
#define TKP_COUNT_KEPT_COUNT_H

#include <record/token_counts.h>
#include <token/tokenizer.h>

struct tkp_kept_counter {
    struct tkp_encoder *encoder;
    char *text; /* of one kind, unescaped and joined */
    uint64_t len, capacity;
};

tokperf_status tkp_kept_counter_init(struct tkp_kept_counter *counter,
                                     const struct tkp_tokenizer *tokenizer,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_kept_counter_finish(struct tkp_kept_counter *counter); /* accepts a zeroed one */
/* -1 for both when a text cannot be counted. */
struct tkp_token_count tkp_kept_count(struct tkp_kept_counter *counter, struct tokperf_span texts);

#endif

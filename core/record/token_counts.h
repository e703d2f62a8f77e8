/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens.tkr: what the tokenizer counted of the texts that a record log keeps, one entry a row, in
 * the order of the log. It has the log's blocks: RUN (JSON: the tokenizer), TOKENS, END. Rows
 * behind its last entry are not counted yet. Each end belongs to one thread at a time.
 */
#ifndef TKP_RECORD_TOKEN_COUNTS_H
#define TKP_RECORD_TOKEN_COUNTS_H

#include <record/row.h>

/* -1: the row has no text that could be counted. */
struct tkp_token_count {
    int64_t output, reasoning; /* tokens of all it said and called, and of what it thought */
};

struct tkp_log_writer;
/* Appends the next entries as one block: all of it is there later, or nothing. */
void tkp_token_counts_append(struct tkp_log_writer *writer, const struct tkp_token_count *counts,
                             uint32_t count);

struct tkp_token_counts; /* reader */
/* TOKPERF_E_NOT_FOUND: there is no such file. */
tokperf_status tkp_token_counts_open(const char *path, struct tkp_token_counts **counts,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_token_counts_close(struct tkp_token_counts *counts); /* accepts NULL */
void tkp_token_counts_rewind(struct tkp_token_counts *counts);
/* Whose counts they are, as tkp_token_counts_name wrote it; valid until close. */
const char *tkp_token_counts_tokenizer(const struct tkp_token_counts *counts);
/* The next entry; false behind the last one. */
bool tkp_token_counts_next(struct tkp_token_counts *counts, struct tkp_token_count *count);
/* Gives the log's next row its counts: counted_output and counted_reasoning, and counted_input
 * where its prompt holds the answers of the turns before it. */
void tkp_token_counts_join(struct tkp_token_counts *counts, struct tkp_row *row);

#endif

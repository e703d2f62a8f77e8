/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch of neighbouring rows of the log on its way through the counter. Its leader fills it and
 * commits it, one lane counts it.
 */
#ifndef TKP_COUNT_BATCH_H
#define TKP_COUNT_BATCH_H

#include <count/kept_count.h>

enum {
    TKP_COUNT_BATCH_ROWS = 256,
    TKP_COUNT_BATCH_BYTES = 256 * 1024 /* of texts: about 10 ms of work; one text may be longer */
};

struct tkp_count_batch {
    uint32_t row_count;
    uint64_t text_bytes[TKP_COUNT_BATCH_ROWS]; /* 0: it has none that is to be counted */
    bool is_lost[TKP_COUNT_BATCH_ROWS];        /* it has, and there was no memory for it */
    struct tkp_token_count counts[TKP_COUNT_BATCH_ROWS];
    uint64_t texts, failed, tokens; /* set by count */
    char *bytes;
    uint64_t len, capacity;
    bool done; /* counted; under the counter's mutex */
};

/* Whether a row has a text that is to be counted. */
bool tkp_count_batch_wants(const struct tkp_row *row);
void tkp_count_batch_clear(struct tkp_count_batch *batch);
/* Adds a row, copying its texts; false when the batch is full. Without memory the row is one whose
 * text cannot be counted. */
bool tkp_count_batch_add(struct tkp_count_batch *batch, const struct tkp_row *row,
                         struct tokperf_span texts);
void tkp_count_batch_count(struct tkp_count_batch *batch, struct tkp_kept_counter *kept);
void tkp_count_batch_finish(struct tkp_count_batch *batch); /* accepts a zeroed one */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Rows and their texts, copied out of the log's reader. No locks: the counter hands them around. */
#include <count/batch.h>

#include <stdlib.h>
#include <string.h>

enum { KEPT_BYTES = 4 * TKP_COUNT_BATCH_BYTES }; /* a larger buffer is not kept */

bool tkp_count_batch_wants(const struct tkp_row *row)
{
    return row->outcome == TKP_OUTCOME_OK && row->kept_bytes && !(row->flags & TKP_ROW_TEXT_LOST);
}

void tkp_count_batch_clear(struct tkp_count_batch *batch)
{
    batch->row_count = 0;
    batch->len = 0;
    batch->done = false;
    if (batch->capacity > KEPT_BYTES)
        tkp_count_batch_finish(batch);
}

static bool reserve(struct tkp_count_batch *batch, uint64_t more)
{
    if (batch->capacity - batch->len >= more)
        return true;
    uint64_t capacity = batch->len + more;
    if (capacity < TKP_COUNT_BATCH_BYTES)
        capacity = TKP_COUNT_BATCH_BYTES;
    char *bytes = realloc(batch->bytes, capacity);
    if (!bytes)
        return false;
    batch->bytes = bytes;
    batch->capacity = capacity;
    return true;
}

bool tkp_count_batch_add(struct tkp_count_batch *batch, const struct tkp_row *row,
                         struct tokperf_span texts)
{
    bool wants = tkp_count_batch_wants(row);
    uint64_t len = wants ? texts.len : 0;
    if (batch->row_count == TKP_COUNT_BATCH_ROWS ||
        (batch->len && batch->len + len > TKP_COUNT_BATCH_BYTES))
        return false;
    struct tkp_token_count *count = &batch->counts[batch->row_count];
    *count = (struct tkp_token_count){-1, -1};
    batch->text_bytes[batch->row_count] = len;
    batch->is_lost[batch->row_count] = len && !reserve(batch, len);
    if (len && !batch->is_lost[batch->row_count]) {
        memcpy(batch->bytes + batch->len, texts.data, len);
        batch->len += len;
    }
    batch->row_count++;
    return true;
}

void tkp_count_batch_count(struct tkp_count_batch *batch, struct tkp_kept_counter *kept)
{
    const char *at = batch->bytes;
    batch->texts = batch->failed = batch->tokens = 0;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        struct tokperf_span texts = {at, batch->text_bytes[i]};
        if (!texts.len)
            continue;
        if (!batch->is_lost[i]) {
            at += texts.len;
            batch->counts[i] = tkp_kept_count(kept, texts);
        }
        if (batch->counts[i].output < 0) {
            batch->failed++;
            continue;
        }
        batch->texts++;
        batch->tokens += (uint64_t)(batch->counts[i].output + batch->counts[i].reasoning);
    }
}

void tkp_count_batch_finish(struct tkp_count_batch *batch)
{
    free(batch->bytes);
    batch->bytes = NULL;
    batch->len = batch->capacity = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Record logs for tests, made from rows. Include behind cmocka.h and row_samples.h. */
#ifndef TKP_TEST_ROW_LOG_H
#define TKP_TEST_ROW_LOG_H

#include <record/log.h>

struct row_log {
    struct tkp_log_writer *writer;
    struct tkp_block_channel *channel;
};

static inline void row_log_open(struct row_log *log, const char *path)
{
    struct tokperf_error error;
    assert_int_equal(tkp_log_create(path, true, &log->writer, &error), TOKPERF_OK);
    log->channel = tkp_block_channel_create(0, 8);
    assert_non_null(log->channel);
}

static inline void row_log_note(struct row_log *log, enum tkp_log_kind kind, const char *json)
{
    tkp_log_append(log->writer, kind, json, (uint32_t)strlen(json));
}

/* A row of few chunks and its kept_bytes of texts: it fits the channel's blocks. */
static inline void row_log_add_texts(struct row_log *log, const struct tkp_row *row,
                                     const struct tkp_chunk_source *chunks, const char *texts)
{
    assert_true(tkp_block_put(log->channel, row, chunks, texts, 0));
    tkp_block_flush(log->channel, 0, true);
    for (struct tkp_block *block; (block = tkp_block_take(log->channel));) {
        tkp_log_append(log->writer, block->kind, block->data, block->used_bytes);
        tkp_block_give_back(log->channel, block);
    }
}

static inline void row_log_add(struct row_log *log, const struct tkp_row *row,
                               const struct tkp_chunk_source *chunks)
{
    row_log_add_texts(log, row, chunks, NULL);
}

/* Without its END block the log is that of a run that was killed. */
static inline void row_log_close(struct row_log *log, bool with_end)
{
    if (with_end)
        row_log_note(log, TKP_LOG_END, "{}");
    tkp_log_close(log->writer);
    tkp_block_channel_destroy(log->channel);
}

#endif

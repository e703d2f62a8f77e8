/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row as bytes: what docs/records.md calls a row without its chunk times. Pure functions over
 * the caller's memory. [any]
 */
#ifndef TKP_RECORD_ROW_CODEC_H
#define TKP_RECORD_ROW_CODEC_H

#include <record/row.h>
#include <record/varint.h>

enum {
    TKP_ROW_MAX_BYTES = 1024,         /* of an encoded row, chunk times not counted */
    TKP_ROW_MAX_CHUNK_TIMES = 1 << 24 /* chunk times that are kept of one row: the first ones */
};

/* Writes at most TKP_ROW_MAX_BYTES and returns the byte behind them. base_ns is start_ns of the row
 * before in the same block, 0 for the first one. has_times: the chunk times follow. */
unsigned char *tkp_row_encode(unsigned char *out, const struct tkp_row *row, uint64_t base_ns,
                              bool has_times);
/* Reads one row; false when the bytes are not one. error: becomes the row's if it has one.
 * *time_count: how many chunk times follow. */
bool tkp_row_decode(struct tkp_cursor *in, uint64_t base_ns, struct tkp_row *row,
                    struct tkp_row_error *error, uint32_t *time_count);

#endif

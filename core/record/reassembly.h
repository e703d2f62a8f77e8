/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows out of ROWS and CHUNKS blocks: decodes them and joins a long row's tail, per worker.
 * Feed a block, take its rows until there are no more, feed the next. Owned by one thread; used by
 * the reader of a log and by the recorder for the live rows.
 */
#ifndef TKP_RECORD_REASSEMBLY_H
#define TKP_RECORD_REASSEMBLY_H

#include <record/row.h>

struct tkp_reassembly;

/* A whole row. Pointers are valid until the next call. */
struct tkp_whole_row {
    const struct tkp_row *row;
    const uint64_t *chunk_ns;
    uint32_t chunk_ns_count;
    struct tokperf_span texts; /* its kept_bytes (kept_text.h) */
    bool times_lost;           /* no memory for its chunk times: the count is 0 */
    bool texts_lost;           /* likewise */
};

struct tkp_reassembly *tkp_reassembly_create(void); /* NULL without memory */
void tkp_reassembly_destroy(struct tkp_reassembly *r);
void tkp_reassembly_clear(struct tkp_reassembly *r); /* as after create */
/* Begins a block of kind ROWS or CHUNKS; payload must stay until its rows are taken. */
tokperf_status tkp_reassembly_feed(struct tkp_reassembly *r, uint32_t kind,
                                   struct tokperf_span payload,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
/* The block's next row that is whole; TOKPERF_E_NOT_FOUND when the block is used up,
 * TOKPERF_E_PARSE (at which byte of the payload) when it is damaged. */
tokperf_status tkp_reassembly_next(struct tkp_reassembly *r, struct tkp_whole_row *whole,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
/* Whether a row still waits for the rest of its tail. */
bool tkp_reassembly_is_open(const struct tkp_reassembly *r);

#endif

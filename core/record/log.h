/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record log, records.tkr: append-only blocks {magic, kind, version, length, crc32c}, little
 * endian. Unknown kinds are skipped; a torn tail (kill -9) ends the reading, with a flag.
 */
#ifndef TKP_RECORD_LOG_H
#define TKP_RECORD_LOG_H

#include <record/row.h>

enum tkp_log_kind {
    TKP_LOG_RUN = 1,    /* JSON: the run header, resolved plan redacted */
    TKP_LOG_ROWS = 2,   /* encoded rows with their chunk times */
    TKP_LOG_CHUNKS = 3, /* chunk times of a row that did not fit its block */
    TKP_LOG_TEXT = 4,   /* response texts, where kept */
    TKP_LOG_PHASE = 5,  /* JSON: a phase began or ended */
    TKP_LOG_END = 6     /* JSON: the run ended properly */
};

struct tkp_log_writer;
/* Creates path (must not exist unless `replace`). [main] */
tokperf_status tkp_log_create(const char *path, bool replace, struct tkp_log_writer **writer,
                              struct tokperf_error *error) TOKPERF_MUST_USE;
/* Appends one block. After the first failure everything is counted and dropped. */
void tkp_log_append(struct tkp_log_writer *writer, uint32_t kind, const void *data, uint32_t len);
void tkp_log_sync(struct tkp_log_writer *writer);      /* write() what is buffered, then fsync */
void tkp_log_write_out(struct tkp_log_writer *writer); /* write() what is buffered */
bool tkp_log_failed(const struct tkp_log_writer *writer, struct tokperf_error *error);
void tkp_log_close(struct tkp_log_writer *writer);

struct tkp_log_reader;
tokperf_status tkp_log_open(const char *path, struct tkp_log_reader **reader,
                            struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_log_reader_close(struct tkp_log_reader *reader);
void tkp_log_rewind(struct tkp_log_reader *reader);

/* What next() found. Pointers are valid until the next call. */
struct tkp_log_entry {
    uint32_t kind;               /* TKP_LOG_ROWS for a row, else the kind of the note */
    struct tkp_row row;          /* ROWS */
    const uint64_t *chunk_ns;    /* ROWS: row.chunk_count arrival times */
    struct tokperf_span payload; /* RUN, PHASE, END */
};
/* TOKPERF_E_NOT_FOUND behind the last entry; TOKPERF_E_PARSE with offset for damage. */
tokperf_status tkp_log_next(struct tkp_log_reader *reader, struct tkp_log_entry *entry,
                            struct tokperf_error *error);
/* Whether reading ended at a torn or damaged block instead of the END block. */
bool tkp_log_is_torn(const struct tkp_log_reader *reader);

#endif

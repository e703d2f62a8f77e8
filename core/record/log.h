/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record log, records.tkr: append-only blocks {magic, kind, version, length, crc32c}, little
 * endian. Unknown kinds are skipped; a torn tail (kill -9) ends the reading, with a flag.
 */
#ifndef TKP_RECORD_LOG_H
#define TKP_RECORD_LOG_H

#include <record/row.h>

enum tkp_log_kind {
    TKP_LOG_RUN = 1,       /* JSON: the run header, resolved plan redacted */
    TKP_LOG_ROWS = 2,      /* encoded rows with their chunk times */
    TKP_LOG_CHUNKS = 3,    /* the rest of a row that did not fit its block */
    TKP_LOG_PHASE = 5,     /* JSON: a phase began or ended */
    TKP_LOG_END = 6,       /* JSON: the log is complete; written by the recorder */
    TKP_LOG_DATASET = 7,   /* JSON array: the next session ids, in the order of dataset rows */
    TKP_LOG_STOP = 8,      /* JSON: when and why the run stopped */
    TKP_LOG_TOKENS = 9,    /* of tokens.tkr (token_counts.h) */
    TKP_LOG_CONTROL = 10,  /* JSON: a request that steered a server, and its answer */
    TKP_LOG_GATE = 11,     /* JSON: a baseline gate, or a collector's failure at it */
    TKP_LOG_COLLECTOR = 12 /* JSON: what became of a collector, or of a result that it owes */
};

struct tkp_log_writer;
/* Creates path (must not exist unless `replace`): TOKPERF_E_EXISTS, TOKPERF_E_DENIED,
 * TOKPERF_E_IO. The writer then belongs to one thread at a time. [main] */
tokperf_status tkp_log_create(const char *path, bool replace, struct tkp_log_writer **writer,
                              struct tokperf_error *error) TOKPERF_MUST_USE;
/* To put behind the END of a complete log what is known only later. Where it cannot all be written,
 * closing leaves the file as it was. */
tokperf_status tkp_log_reopen(const char *path, struct tkp_log_writer **writer,
                              struct tokperf_error *error) TOKPERF_MUST_USE;
/* Appends one block of at most 16 MiB. After the first failure everything is counted and dropped.
 */
void tkp_log_append(struct tkp_log_writer *writer, uint32_t kind, const void *data, uint32_t len);
void tkp_log_sync(struct tkp_log_writer *writer);      /* write() what is buffered, then fsync */
void tkp_log_write_out(struct tkp_log_writer *writer); /* write() what is buffered */
/* Whether something could not be written; error (may be NULL) is the first reason. */
bool tkp_log_failed(const struct tkp_log_writer *writer, struct tokperf_error *error);
uint64_t tkp_log_lost_blocks(const struct tkp_log_writer *writer); /* that are not in the file */
void tkp_log_close(struct tkp_log_writer *writer); /* write_out first. NULL is accepted */

struct tkp_log_reader;
/* Reads from front to back in bounded memory; one thread at a time. A file that is not a record
 * log is TOKPERF_E_PARSE. An empty one opens: it is torn. */
tokperf_status tkp_log_open(const char *path, struct tkp_log_reader **reader,
                            struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_log_reader_close(struct tkp_log_reader *reader);
void tkp_log_rewind(struct tkp_log_reader *reader);
/* From here on look() is called before each block, of some 64 KiB, and at each rewind. */
void tkp_log_watch(struct tkp_log_reader *reader, void (*look)(void *context), void *context);

struct tkp_token_counts;
/* From here on rows come with these counts; borrowed, rewound with the reader. NULL: without. */
void tkp_log_join(struct tkp_log_reader *reader, struct tkp_token_counts *counts);

/* What next() found. Pointers are valid until the next call. */
struct tkp_log_entry {
    uint32_t kind;               /* TKP_LOG_ROWS for a row, else the kind of the note */
    struct tkp_row row;          /* ROWS */
    const uint64_t *chunk_ns;    /* ROWS: chunk_ns_count arrival times, monotonic ns */
    uint32_t chunk_ns_count;     /* row.chunk_count (at most 16 M), or 0: none were kept */
    struct tokperf_span texts;   /* ROWS: the row's kept_bytes (kept_text.h) */
    struct tokperf_span payload; /* RUN, PHASE, END */
};
/* TOKPERF_E_NOT_FOUND behind the last entry; TOKPERF_E_PARSE with offset for damage, behind which
 * nothing is read: NOT_FOUND follows. TOKPERF_E_IO, TOKPERF_E_NO_MEMORY likewise. A row whose
 * chunk times the file does not hold to the end is not returned. */
tokperf_status tkp_log_next(struct tkp_log_reader *reader, struct tkp_log_entry *entry,
                            struct tokperf_error *error);
/* After NOT_FOUND at a torn end: goes on with the block that was not whole then. For a file that is
 * being written. */
void tkp_log_resume(struct tkp_log_reader *reader);
/* Whether reading ended at a torn or damaged block instead of the END block. Known once next()
 * returned anything but TOKPERF_OK. */
bool tkp_log_is_torn(const struct tkp_log_reader *reader);

#endif

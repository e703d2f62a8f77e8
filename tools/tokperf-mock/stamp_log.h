/* SPDX-License-Identifier: Apache-2.0 */
/* --stamp-log: one line for each finished inference answer: the request's X-Request-ID ("-" without
 * one), its arrival, then the time at which each content chunk was sent (CLOCK_MONOTONIC, ns). A
 * line grows in its connection and joins its loop's when the answer is sent; a loop writes whole
 * lines, so those of several loops do not mix. */
#ifndef TKP_MOCK_STAMP_LOG_H
#define TKP_MOCK_STAMP_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "buffer.h"

enum { TKP_MOCK_STAMP_LINE_BYTES_MAX = 4 * 1024 * 1024 }; /* 131072 chunks and more */

/* The part of one loop. */
struct tkp_mock_stamp_log {
    int fd; /* shared by all loops; -1: nothing is kept */
    bool failed;
    struct tkp_mock_buffer lines;
};

/* Creates or empties the file; -1 with errno. */
int tkp_mock_stamp_log_open(const char *path);
void tkp_mock_stamp_log_init(struct tkp_mock_stamp_log *log, int fd);
/* Writes what is left; false when a line was lost. */
bool tkp_mock_stamp_log_finish(struct tkp_mock_stamp_log *log);

void tkp_mock_stamp_log_begin(const struct tkp_mock_stamp_log *log, struct tkp_mock_buffer *line,
                              struct tkp_mock_slice request_id, uint64_t arrival_ns);
void tkp_mock_stamp_log_chunk(const struct tkp_mock_stamp_log *log, struct tkp_mock_buffer *line,
                              uint64_t sent_ns);
/* The answer is sent: takes the line. Nothing without a begin. */
void tkp_mock_stamp_log_end(struct tkp_mock_stamp_log *log, struct tkp_mock_buffer *line);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Newline-delimited JSON: one item per non-empty line, LF or CRLF, the last line with or without
 * its end. A line that lies whole in the given bytes is not copied. Owned by one thread.
 */
#ifndef TKP_WORKER_LINES_H
#define TKP_WORKER_LINES_H

#include <worker/event_stream.h>

/* Private, but for its size. */
struct tkp_lines {
    struct tkp_spill_pool *pool;
    struct tkp_spill *held; /* the line that is cut */
    bool dispatched;        /* held was given out */
    uint8_t failed;         /* enum tkp_event_step */
};

void tkp_lines_begin(struct tkp_lines *lines, struct tkp_spill_pool *pool);
/* A line is at most TKP_EVENT_MAX_BYTES long; *line lives until the next call. */
enum tkp_event_step tkp_lines_next(struct tkp_lines *lines, char **at, char *end,
                                   struct tokperf_span *line);
/* After the last byte: the line that has no end, or MORE. */
enum tkp_event_step tkp_lines_last(struct tkp_lines *lines, struct tokperf_span *line);
void tkp_lines_finish(struct tkp_lines *lines); /* accepts a zeroed one */

#endif

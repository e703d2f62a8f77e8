/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event streams by the WHATWG rules (HTML, 9.2.6): CR, LF and CRLF end lines, also across reads; a
 * byte order mark at the start, comments, id and retry are passed over; data lines are joined with
 * LF. An event that lies whole in the given bytes is not copied (several data lines are joined in
 * place, so the bytes are written to); one that is cut waits in a pool buffer. Time is linear in
 * the bytes. Owned by one thread.
 */
#ifndef TKP_WORKER_EVENT_STREAM_H
#define TKP_WORKER_EVENT_STREAM_H

#include <worker/spill.h>

enum { TKP_EVENT_MAX_BYTES = 16 * 1024 * 1024 }; /* data of one event, its last line included */

enum tkp_event_step {
    TKP_EVENT_MORE = 0, /* all given bytes are consumed */
    TKP_EVENT_READY,    /* an event; its spans live until the next call */
    TKP_EVENT_TOO_LONG, /* over TKP_EVENT_MAX_BYTES. Repeats itself */
    TKP_EVENT_NO_MEMORY /* repeats itself */
};

struct tkp_stream_event {
    struct tokperf_span data;
    struct tokperf_span name; /* empty when none was given */
};

/* Private, but for its size. */
struct tkp_event_stream {
    struct tkp_spill_pool *pool;
    struct tkp_spill *held;      /* the event's data so far, then a line that is cut */
    struct tkp_spill *held_name; /* the event's name, when it is not in the given bytes */
    char *data;                  /* the event's data, when it is not held */
    struct tokperf_span name;
    size_t data_len; /* held or not */
    bool has_data, is_held, dispatched, skip_lf, past_first_line;
    uint8_t failed; /* enum tkp_event_step */
};

void tkp_event_stream_begin(struct tkp_event_stream *s, struct tkp_spill_pool *pool);
enum tkp_event_step tkp_event_stream_next(struct tkp_event_stream *s, char **at, char *end,
                                          struct tkp_stream_event *event);
/* After the last byte: an event that no blank line has ended, or MORE when there is none. The
 * standard drops it; whoever knows the dialect decides what its loss means. */
enum tkp_event_step tkp_event_stream_last(struct tkp_event_stream *s,
                                          struct tkp_stream_event *event);
/* Gives back what it holds of the pool; accepts a zeroed one. */
void tkp_event_stream_finish(struct tkp_event_stream *s);

#endif

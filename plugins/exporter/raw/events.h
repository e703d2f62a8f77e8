/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts the body of an answer into messages: those of an event stream, or lines. */
#ifndef RAW_EVENTS_H
#define RAW_EVENTS_H

#include <tokperf/exporter.h>

struct raw_events {
    struct tokperf_span body;
    uint64_t at; /* bytes done */
};

/* The next message of an event stream (WHATWG), without the empty line that ends it; 0 at the end.
 * *end_bytes: where it is complete, in the body. */
uint32_t raw_next_event(struct raw_events *events, struct tokperf_span *message,
                        uint64_t *end_bytes);
/* The next line that is not empty, without its end. */
uint32_t raw_next_line(struct raw_events *events, struct tokperf_span *line, uint64_t *end_bytes);
/* Takes the next field off a message: "data: x" is name "data", value "x"; a comment has an empty
 * name. 0 at the end. */
uint32_t raw_next_field(struct tokperf_span *message, struct tokperf_span *name,
                        struct tokperf_span *value);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* See events.h. Lines end with CR LF, LF or CR. */
#include "events.h"

#include <string.h>

/* Bytes of the line end at text[at]; 0: there is none. */
static uint64_t line_end(struct tokperf_span text, uint64_t at)
{
    if (text.data[at] == '\n')
        return 1;
    if (text.data[at] != '\r')
        return 0;
    return at + 1 < text.len && text.data[at + 1] == '\n' ? 2 : 1;
}

/* The line that begins at `at`; *next is behind its end. */
static struct tokperf_span line_at(struct tokperf_span text, uint64_t at, uint64_t *next)
{
    uint64_t end = at, skipped = 0;
    while (end < text.len && (skipped = line_end(text, end)) == 0)
        end++;
    *next = end + skipped;
    return (struct tokperf_span){text.data + at, end - at};
}

uint32_t raw_next_line(struct raw_events *events, struct tokperf_span *line, uint64_t *end_bytes)
{
    while (events->at < events->body.len) {
        *line = line_at(events->body, events->at, &events->at);
        *end_bytes = events->at;
        if (line->len)
            return 1;
    }
    return 0;
}

uint32_t raw_next_event(struct raw_events *events, struct tokperf_span *message,
                        uint64_t *end_bytes)
{
    uint64_t begin = events->at, end = begin;
    while (events->at < events->body.len) {
        const struct tokperf_span line = line_at(events->body, events->at, &events->at);
        if (line.len)
            end = events->at;
        else if (end > begin)
            break; /* the empty line that ends it */
        else
            begin = end = events->at;
    }
    *message = (struct tokperf_span){events->body.data + begin, end - begin};
    *end_bytes = events->at;
    return end > begin;
}

uint32_t raw_next_field(struct tokperf_span *message, struct tokperf_span *name,
                        struct tokperf_span *value)
{
    uint64_t next;
    if (!message->len)
        return 0;
    const struct tokperf_span line = line_at(*message, 0, &next);
    const char *colon = line.len ? memchr(line.data, ':', line.len) : NULL;
    const uint64_t before = colon ? (uint64_t)(colon - line.data) : line.len;
    uint64_t from = colon ? before + 1 : line.len;
    from += from < line.len && line.data[from] == ' ';
    *name = (struct tokperf_span){line.data, before};
    *value = (struct tokperf_span){line.data + from, line.len - from};
    *message = (struct tokperf_span){message->data + next, message->len - next};
    return 1;
}

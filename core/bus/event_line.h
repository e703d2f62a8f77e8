/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event of the bus as one line, for people or as a JSON object; docs/bus.md has its members.
 * Used by `tokperf events` and by --events-log. [any], a writer: one thread.
 */
#ifndef TKP_BUS_EVENT_LINE_H
#define TKP_BUS_EVENT_LINE_H

#include <bus/subscriber.h>

enum tkp_event_format { TKP_EVENT_TEXT = 1, TKP_EVENT_JSONL };

/* What a frame does not say itself. */
struct tkp_event_context {
    int64_t monotonic_to_realtime_ns;
    const char *const *phases; /* names */
    uint32_t phase_count;
};

/* Appends the line of a frame with its line end. False: nothing is known of its kind or version, or
 * its payload is not what the kind says; nothing is appended. */
bool tkp_event_line_put(struct tkp_buffer *out, enum tkp_event_format format,
                        const struct tkp_event_context *context, enum tkp_topic topic,
                        const struct tkp_frame *frame);

struct tkp_event_writer {
    enum tkp_event_format format;
    struct tkp_event_context context;
    uint32_t topics; /* that are written: bit 1 << enum tkp_topic */
    int fd;          /* the caller's */
    int stop_fd; /* likewise; once it is readable no write is waited for; -1: fd does not block */
    struct tkp_buffer out;
    uint64_t written, malformed; /* events */
    bool ended;                  /* SESSION_ENDED was there */
};
/* Memory for the lines is freed by tkp_buffer_finish(&writer->out). */
void tkp_event_writer_init(struct tkp_event_writer *writer, enum tkp_event_format format,
                           const struct tkp_event_context *context, uint32_t topics, int fd,
                           int stop_fd);
/* Writes the lines of a batch, all of them before it returns. TOKPERF_E_IO: it cannot be written.
 * TOKPERF_E_CANCELLED: stop_fd became readable first; a line longer than PIPE_BUF may be cut. */
tokperf_status tkp_event_writer_batch(struct tkp_event_writer *writer,
                                      struct tkp_frame_reader *batch,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
/* What a listener did not get or could not read, as the rest of a sentence: "12 events missed (10
 * of sample, 2 of snapshot)". False: nothing. */
bool tkp_event_losses(const struct tkp_event_writer *writer,
                      const struct tkp_subscriber_counts *counts, struct tkp_buffer *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Writes batches of events as lines, and says what is missing among them; see event_line.h. */
#include <bus/event_line.h>

#include <base/error.h>
#include <base/files.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum {
    WRITE_BYTES = 64 * 1024,
    LINES_MAX_BYTES = 8 * TKP_BATCH_MAX_BYTES /* a byte of a string may become six */
};

void tkp_event_writer_init(struct tkp_event_writer *writer, enum tkp_event_format format,
                           const struct tkp_event_context *context, uint32_t topics, int fd,
                           int stop_fd)
{
    *writer = (struct tkp_event_writer){
        .format = format, .context = *context, .topics = topics, .fd = fd, .stop_fd = stop_fd};
    tkp_buffer_init(&writer->out, LINES_MAX_BYTES);
}

/* How much poll() promises room for in a pipe, in whole lines unless the first one is longer. */
static size_t next_step(const char *data, size_t len)
{
    if (len <= PIPE_BUF)
        return len;
    const char *end = memrchr(data, '\n', PIPE_BUF);
    return end ? (size_t)(end + 1 - data) : PIPE_BUF;
}

/* Whoever reads may stand still as long as it likes, as a pager does: until it goes on, goes away,
 * or the user has enough. */
static tokperf_status write_until_stopped(const struct tkp_event_writer *writer, const char *data,
                                          size_t len, struct tokperf_error *error)
{
    struct pollfd fds[2] = {{.fd = writer->fd, .events = POLLOUT},
                            {.fd = writer->stop_fd, .events = POLLIN}};
    while (len) {
        if (poll(fds, 2, -1) < 0 && errno == EINTR)
            continue; /* if it was a signal to stop, stop_fd is readable now */
        if (fds[1].revents)
            return tkp_fail(error, TOKPERF_E_CANCELLED, "%zu bytes were not written", len);
        ssize_t n = write(writer->fd, data, next_step(data, len));
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot write %zu bytes", len);
        data += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return TOKPERF_OK;
}

static tokperf_status write_lines(struct tkp_event_writer *writer, struct tokperf_error *error)
{
    const char *lines = tkp_buffer_text(&writer->out);
    tokperf_status status = writer->stop_fd < 0
                                ? tkp_files_write_all(writer->fd, lines, writer->out.len, error)
                                : write_until_stopped(writer, lines, writer->out.len, error);
    tkp_buffer_clear(&writer->out);
    return status;
}

static void put(struct tkp_event_writer *writer, enum tkp_topic topic,
                const struct tkp_frame *frame)
{
    size_t before = writer->out.len;
    bool is_known = frame->version == TKP_FRAME_VERSION && tkp_frame_kind_name(frame->kind);
    if (!is_known) /* counted by the subscriber */
        return;
    bool is_put = tkp_event_line_put(&writer->out, writer->format, &writer->context, topic, frame);
    if (writer->out.failed) { /* longer than any line of ours, or no memory: without this one */
        writer->out.failed = false;
        writer->out.len = before;
        is_put = false;
    }
    writer->written += is_put;
    writer->malformed += !is_put;
}

tokperf_status tkp_event_writer_batch(struct tkp_event_writer *writer,
                                      struct tkp_frame_reader *batch, struct tokperf_error *error)
{
    struct tkp_frame frame;
    struct tokperf_error ignored; /* what is behind a damaged frame is counted by the subscriber */
    tokperf_status status = TOKPERF_OK;
    enum tkp_topic topic = (enum tkp_topic)batch->head.topic;
    while (status == TOKPERF_OK && tkp_frame_reader_next(batch, &frame, &ignored) == TOKPERF_OK) {
        writer->ended |= topic == TKP_TOPIC_SESSION && frame.kind == TKP_FRAME_SESSION_ENDED;
        if (!(writer->topics & 1u << topic))
            continue;
        put(writer, topic, &frame);
        if (writer->out.len >= WRITE_BYTES)
            status = write_lines(writer, error);
    }
    return status == TOKPERF_OK && writer->out.len ? write_lines(writer, error) : status;
}

static void put_part(struct tkp_buffer *out, uint64_t count, const char *what)
{
    if (count)
        tkp_buffer_printf(out, "%s%" PRIu64 " %s", out->len ? "; " : "", count, what);
}

bool tkp_event_losses(const struct tkp_event_writer *writer,
                      const struct tkp_subscriber_counts *counts, struct tkp_buffer *out)
{
    uint64_t missed = 0;
    for (int topic = 0; topic < TKP_TOPIC_COUNT; topic++)
        missed += counts->missed[topic];
    tkp_buffer_clear(out);
    put_part(out, missed, "events missed");
    const char *before = " (";
    for (int topic = 0; topic < TKP_TOPIC_COUNT && missed; topic++) {
        if (!counts->missed[topic])
            continue;
        tkp_buffer_printf(out, "%s%" PRIu64 " of %s", before, counts->missed[topic],
                          tkp_topic_name((enum tkp_topic)topic));
        before = ", ";
    }
    if (missed)
        tkp_buffer_puts(out, ")");
    put_part(out, counts->unknown, "events of unknown kinds skipped");
    put_part(out, counts->damaged, "damaged messages skipped");
    put_part(out, writer->malformed, "malformed events skipped");
    return out->len > 0;
}

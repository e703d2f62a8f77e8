/* SPDX-License-Identifier: Apache-2.0 */
/* See stamp_log.h. Memory only while chunks are sent; the file is written between answers. */
#include "stamp_log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    WRITE_BYTES = 1024 * 1024, /* gathered before a write */
    ID_BYTES_MAX = 128,
};

int tkp_mock_stamp_log_open(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
}

void tkp_mock_stamp_log_init(struct tkp_mock_stamp_log *log, int fd)
{
    *log = (struct tkp_mock_stamp_log){.fd = fd};
    tkp_mock_buffer_init(&log->lines, WRITE_BYTES + TKP_MOCK_STAMP_LINE_BYTES_MAX);
}

static void write_lines(struct tkp_mock_stamp_log *log)
{
    size_t at = 0;
    while (at < log->lines.len && !log->failed) {
        ssize_t n = write(log->fd, log->lines.data + at, log->lines.len - at);
        if (n > 0) {
            at += (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            log->failed = true;
        }
    }
    log->lines.len = 0;
}

bool tkp_mock_stamp_log_finish(struct tkp_mock_stamp_log *log)
{
    write_lines(log);
    tkp_mock_buffer_finish(&log->lines);
    return !log->failed;
}

void tkp_mock_stamp_log_begin(const struct tkp_mock_stamp_log *log, struct tkp_mock_buffer *line,
                              struct tkp_mock_slice request_id, uint64_t arrival_ns)
{
    if (log->fd < 0) {
        return;
    }
    line->len = 0;
    for (size_t i = 0; i < request_id.len && i < ID_BYTES_MAX; i++) {
        unsigned char c = (unsigned char)request_id.data[i];
        tkp_mock_buffer_add(line, c > 0x20 && c < 0x7f ? &request_id.data[i] : "_", 1);
    }
    if (line->len == 0) {
        tkp_mock_buffer_add_text(line, "-");
    }
    tkp_mock_stamp_log_chunk(log, line, arrival_ns);
}

void tkp_mock_stamp_log_chunk(const struct tkp_mock_stamp_log *log, struct tkp_mock_buffer *line,
                              uint64_t sent_ns)
{
    if (log->fd >= 0) {
        tkp_mock_buffer_add_text(line, " ");
        tkp_mock_buffer_add_u64(line, sent_ns);
    }
}

void tkp_mock_stamp_log_end(struct tkp_mock_stamp_log *log, struct tkp_mock_buffer *line)
{
    if (log->fd < 0 || line->len == 0) {
        return;
    }
    tkp_mock_buffer_add_text(line, "\n");
    if (line->failed) {
        log->failed = true;
    } else {
        tkp_mock_buffer_add(&log->lines, line->data, line->len);
    }
    log->failed = log->failed || log->lines.failed;
    line->failed = false;
    line->len = 0;
    if (log->lines.len >= WRITE_BYTES) {
        write_lines(log);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appends blocks to a record log through one buffer. Owned by one thread at a time: main until the
 * recorder has it. A failure is kept and turns everything after it into a count.
 */
#include <record/log.h>

#include <base/error.h>
#include <base/log.h>
#include <errno.h>
#include <fcntl.h>
#include <record/log_format.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1024 * 1024 };

struct tkp_log_writer {
    int fd;
    char *path;
    char *buffer; /* whole blocks only */
    size_t used_bytes;
    uint64_t lost_blocks;
    off_t whole_bytes; /* of a file that was complete; else 0 */
    bool failed;
    struct tokperf_error error;
};

/* Writes all of it, or returns false with errno; *done counts what was written. */
static bool write_all(int fd, const char *data, size_t len, size_t *done)
{
    for (*done = 0; *done < len;) {
        ssize_t n = write(fd, data + *done, len - *done);
        if (n > 0)
            *done += (size_t)n;
        else if (n == 0 || errno != EINTR) {
            errno = n == 0 ? ENOSPC : errno;
            return false;
        }
    }
    return true;
}

static void keep_failure(struct tkp_log_writer *w, int errno_value, const char *verb)
{
    if (w->failed)
        return;
    w->failed = true;
    (void)tkp_fail_errno(&w->error, TOKPERF_E_IO, errno_value, "cannot %s the record log '%s'",
                         verb, w->path);
}

/* How many blocks of the buffer begin or end behind its first `written` bytes. */
static uint64_t blocks_behind(const struct tkp_log_writer *w, size_t written)
{
    uint64_t blocks = 0;
    for (size_t at = 0; at < w->used_bytes;) {
        struct tkp_log_head head;
        memcpy(&head, w->buffer + at, sizeof head);
        at += sizeof head + head.length_bytes;
        blocks += at > written;
    }
    return blocks;
}

/* A block that is larger than the buffer, which is empty. */
static void write_large(struct tkp_log_writer *w, const struct tkp_log_head *head, const void *data)
{
    size_t done;
    if (write_all(w->fd, (const char *)head, sizeof *head, &done) &&
        write_all(w->fd, data, head->length_bytes, &done))
        return;
    keep_failure(w, errno, "write");
    w->lost_blocks++;
}

static tokperf_status open_file(const char *path, int flags, const char *verb,
                                struct tkp_log_writer **writer, struct tokperf_error *error)
{
    *writer = NULL;
    struct tkp_log_writer *w = calloc(1, sizeof *w);
    if (!w)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the record log");
    w->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0644);
    int open_errno = errno;
    w->path = strdup(path);
    w->buffer = malloc(BUFFER_BYTES);
    if (w->fd >= 0 && w->path && w->buffer) {
        *writer = w;
        return TOKPERF_OK;
    }
    bool refused = w->fd < 0;
    tkp_log_close(w);
    if (!refused)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the record log");
    tokperf_status status = TOKPERF_E_IO;
    if (open_errno == EEXIST)
        status = TOKPERF_E_EXISTS;
    else if (open_errno == EACCES || open_errno == EPERM || open_errno == EROFS)
        status = TOKPERF_E_DENIED;
    return tkp_fail_errno(error, status, open_errno, "cannot %s the record log '%s'", verb, path);
}

tokperf_status tkp_log_create(const char *path, bool replace, struct tkp_log_writer **writer,
                              struct tokperf_error *error)
{
    return open_file(path, O_CREAT | (replace ? O_TRUNC : O_EXCL), "create", writer, error);
}

tokperf_status tkp_log_reopen(const char *path, struct tkp_log_writer **writer,
                              struct tokperf_error *error)
{
    struct stat st;
    tokperf_status status = open_file(path, O_APPEND, "add to", writer, error);
    if (status == TOKPERF_OK && !fstat((*writer)->fd, &st))
        (*writer)->whole_bytes = st.st_size;
    return status;
}

void tkp_log_append(struct tkp_log_writer *w, uint32_t kind, const void *data, uint32_t len)
{
    if (len > TKP_LOG_MAX_PAYLOAD_BYTES)
        keep_failure(w, EMSGSIZE, "add a block to");
    if (w->failed) {
        w->lost_blocks++;
        return;
    }
    struct tkp_log_head head = {
        .kind = (uint16_t)kind, .version = TKP_LOG_VERSION, .length_bytes = len};
    memcpy(head.magic, TKP_LOG_MAGIC, sizeof head.magic);
    head.crc32c = tkp_log_checksum(&head, data);
    if (sizeof head + len > BUFFER_BYTES - w->used_bytes) {
        tkp_log_write_out(w);
        if (w->failed) {
            w->lost_blocks++;
            return;
        }
    }
    if (sizeof head + len > BUFFER_BYTES) {
        write_large(w, &head, data);
        return;
    }
    memcpy(w->buffer + w->used_bytes, &head, sizeof head);
    if (len)
        memcpy(w->buffer + w->used_bytes + sizeof head, data, len);
    w->used_bytes += sizeof head + len;
}

void tkp_log_sync(struct tkp_log_writer *w)
{
    tkp_log_write_out(w);
    /* EINVAL, ENOTSUP: not a kind of file that can be synced */
    if (!w->failed && fsync(w->fd) && errno != EINVAL && errno != ENOTSUP)
        keep_failure(w, errno, "sync");
}

void tkp_log_write_out(struct tkp_log_writer *w)
{
    size_t done = 0;
    if (!w->failed && !write_all(w->fd, w->buffer, w->used_bytes, &done)) {
        keep_failure(w, errno, "write");
        w->lost_blocks += blocks_behind(w, done);
    }
    w->used_bytes = 0;
}

bool tkp_log_failed(const struct tkp_log_writer *w, struct tokperf_error *error)
{
    if (w->failed && error)
        *error = w->error;
    return w->failed;
}

uint64_t tkp_log_lost_blocks(const struct tkp_log_writer *w)
{
    return w->lost_blocks;
}

void tkp_log_close(struct tkp_log_writer *w)
{
    if (!w)
        return;
    if (w->used_bytes)
        tkp_log_write_out(w);
    if (w->failed && w->whole_bytes && ftruncate(w->fd, w->whole_bytes))
        tkp_log(TKP_LOG_DEBUG, "the record log '%s' keeps half of a block at its end", w->path);
    if (w->fd >= 0)
        close(w->fd);
    free(w->path);
    free(w->buffer);
    free(w);
}

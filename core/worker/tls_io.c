/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of TLS connections over a worker's two buffers: ciphertext is read into `in` and given to
 * OpenSSL from there; what OpenSSL writes is gathered in `out` and sent with one call.
 */
#include <worker/tls.h>

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <worker/receive_stamp.h>
#include <worker/tls_parts.h>

enum {
    MAX_PENDING_BYTES = 1 << 20 /* answers to a server that asks for more than it reads */
};

/* ---- bytes, for OpenSSL ---- */

size_t tkp_tls_give_bytes(struct tkp_tls *tls, char *data, size_t size)
{
    struct tkp_tls_worker *worker = tls->worker;
    if (worker->in_owner != tls)
        return 0;
    size_t len = worker->in_len - worker->in_at;
    if (len > size)
        len = size;
    memcpy(data, worker->in + worker->in_at, len);
    worker->in_at += len;
    return len;
}

bool tkp_tls_take_bytes(struct tkp_tls *tls, const char *data, size_t len)
{
    struct tkp_tls_worker *worker = tls->worker;
    if (len > TKP_TLS_OUT_BYTES - worker->out_len)
        return false;
    memcpy(worker->out + worker->out_len, data, len);
    worker->out_len += len;
    return true;
}

/* ---- sending ---- */

/* Sends bytes. Returns how many were taken; *reason: 0, EAGAIN or another errno. */
static size_t put(int fd, const char *data, size_t len, int *reason)
{
    size_t done = 0;
    *reason = 0;
    while (done < len) {
        ssize_t n = send(fd, data + done, len - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            *reason = errno == EWOULDBLOCK ? EAGAIN : errno;
            break;
        }
        done += (size_t)n;
    }
    return done;
}

/* What the kernel did not take waits in a buffer of the connection. */
static int keep_rest(struct tkp_tls *tls, const char *data, size_t len)
{
    size_t waiting = tls->pending ? tls->pending->len : 0;
    if (len > MAX_PENDING_BYTES - waiting ||
        !tkp_spill_append(tls->worker->spills, &tls->pending, data, len))
        return ENOBUFS;
    return EAGAIN;
}

static int flush_pending(struct tkp_tls *tls)
{
    int reason;
    if (!tls->pending)
        return 0;
    tls->pending_at += put(tls->fd, tls->pending->data + tls->pending_at,
                           tls->pending->len - tls->pending_at, &reason);
    if (reason == 0) {
        tkp_spill_give(tls->worker->spills, tls->pending);
        tls->pending = NULL;
        tls->pending_at = 0;
    }
    return reason;
}

int tkp_tls_flush(struct tkp_tls *tls)
{
    struct tkp_tls_worker *worker = tls->worker;
    size_t len = worker->out_len, done = 0;
    int reason = flush_pending(tls);
    worker->out_len = 0;
    if (reason == 0)
        done = put(tls->fd, worker->out, len, &reason);
    return reason == EAGAIN && done < len ? keep_rest(tls, worker->out + done, len - done) : reason;
}

/* Encrypts one piece: all that lies in one part, or several short parts together. Returns its
 * length; 0: it failed. */
static size_t encrypt(struct tkp_tls *tls, const struct iovec *parts, uint32_t count,
                      uint64_t offset)
{
    char joined[TKP_TLS_RECORD_BYTES];
    size_t len = 0, written = 0;
    const char *data = joined;
    for (uint32_t i = 0; i < count && len < TKP_TLS_RECORD_BYTES; i++) {
        if (offset >= parts[i].iov_len) {
            offset -= parts[i].iov_len;
            continue;
        }
        const char *from = (const char *)parts[i].iov_base + offset;
        size_t left = parts[i].iov_len - offset;
        offset = 0;
        if (!len && (left >= TKP_TLS_RECORD_BYTES || i + 1 == count)) {
            data = from; /* no copy */
            len = left < TKP_TLS_RECORD_BYTES ? left : TKP_TLS_RECORD_BYTES;
            break;
        }
        if (left > TKP_TLS_RECORD_BYTES - len)
            left = TKP_TLS_RECORD_BYTES - len;
        memcpy(joined + len, from, left);
        len += left;
    }
    ERR_clear_error();
    if (SSL_write_ex(tls->ssl, data, len, &written) == 1)
        return written;
    tls->failed = true;
    tkp_tls_describe_failure(tls);
    return 0;
}

ssize_t tkp_tls_send(struct tkp_tls *tls, const struct iovec *parts, uint32_t count,
                     uint64_t offset)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += parts[i].iov_len;
    if (!tls->unreported_bytes) {
        size_t done = 0;
        for (int i = 0; i < TKP_TLS_SEND_RECORDS && offset + done < total && !tls->failed; i++)
            done += encrypt(tls, parts, count, offset + done);
        tls->unreported_bytes = done;
    }
    int reason = tls->failed ? EPROTO : 0;
    int flushed = tkp_tls_flush(tls);
    if (reason || flushed) {
        errno = reason ? reason : flushed;
        return -1;
    }
    ssize_t sent = (ssize_t)tls->unreported_bytes;
    tls->unreported_bytes = 0;
    return sent;
}

/* ---- receiving ---- */

ssize_t tkp_tls_receive(struct tkp_tls *tls)
{
    struct tkp_tls_worker *worker = tls->worker;
    worker->in_owner = tls;
    worker->in_at = worker->in_len = 0;
    worker->in_wall_ns = 0;
    ssize_t n;
    do
        n = worker->stamps ? tkp_receive_stamp_read(tls->fd, worker->in, TKP_TLS_READ_BYTES,
                                                    &worker->in_wall_ns)
                           : recv(tls->fd, worker->in, TKP_TLS_READ_BYTES, 0);
    while (n < 0 && errno == EINTR);
    worker->in_len = n > 0 ? (size_t)n : 0;
    return n;
}

/* Decrypts all whole records of the last read; notes a close or a failure behind them. */
static size_t decrypt(struct tkp_tls *tls, char *plain)
{
    size_t len = 0, got = 0;
    ERR_clear_error();
    while (SSL_read_ex(tls->ssl, plain + len, TKP_TLS_PLAIN_BYTES - len, &got) == 1)
        len += got;
    switch (SSL_get_error(tls->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        break;
    case SSL_ERROR_ZERO_RETURN:
        tls->closed = true;
        break;
    default:
        tls->failed = true;
        tkp_tls_describe_failure(tls);
        break;
    }
    if (tls->worker->out_len) /* an alert, or the answer to a new key: no matter when it goes */
        (void)tkp_tls_flush(tls);
    return len;
}

ssize_t tkp_tls_read(struct tkp_tls *tls, char *plain, uint64_t *wall_ns, bool *full)
{
    struct tkp_tls_worker *worker = tls->worker;
    bool waiting = tkp_tls_has_bytes(tls);
    *full = false;
    for (;;) {
        if (tls->failed) {
            errno = EPROTO;
            return -1;
        }
        if (tls->closed)
            return 0;
        if (!waiting) {
            ssize_t n = tkp_tls_receive(tls);
            if (n <= 0)
                return n;
        }
        waiting = false;
        size_t len = decrypt(tls, plain);
        *wall_ns = worker->in_wall_ns;
        *full = worker->in_len == TKP_TLS_READ_BYTES;
        if (len)
            return (ssize_t)len;
    }
}

bool tkp_tls_has_bytes(const struct tkp_tls *tls)
{
    const struct tkp_tls_worker *worker = tls->worker;
    return worker->in_owner == tls && worker->in_at < worker->in_len;
}

bool tkp_tls_is_closed(const struct tkp_tls *tls)
{
    return tls->closed;
}

bool tkp_tls_has_end(const struct tkp_tls *tls)
{
    return tls->closed || tls->failed;
}

bool tkp_tls_stays_idle(struct tkp_tls *tls, char *plain)
{
    uint64_t wall_ns;
    bool full;
    return tkp_tls_read(tls, plain, &wall_ns, &full) < 0 && errno == EAGAIN;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS over a worker's two buffers: ciphertext is read into `in` and given to OpenSSL from there;
 * what OpenSSL writes is gathered in `out` and sent with one call. OpenSSL allocates on its own:
 * for each connection, and a little at handshakes.
 */
#include <worker/tls.h>

#include <base/text.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <worker/receive_stamp.h>
#include <worker/tls_parts.h>

enum {
    RECORD_BYTES = SSL3_RT_MAX_PLAIN_LENGTH, /* RFC 8446, 5.1: 2^14 */
    SEND_RECORDS = 8,                        /* encrypted before they are sent with one call */
    /* with what each record brings (header, tag, padding), and a flight of a handshake */
    OUT_BYTES = SEND_RECORDS * (RECORD_BYTES + 512) + 64 * 1024,
    MAX_PENDING_BYTES = 1 << 20 /* answers to a server that asks for more than it reads */
};

struct tkp_tls_sessions {
    SSL_SESSION *latest; /* or NULL */
};

/* ---- a worker ---- */

struct tkp_tls_worker *tkp_tls_worker_create(struct tkp_tls_context *context, uint32_t target_count,
                                             bool stamps, struct tkp_spill_pool *spills)
{
    struct tkp_tls_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return NULL;
    worker->context = context;
    worker->spills = spills;
    worker->stamps = stamps;
    worker->target_count = target_count;
    worker->sessions = calloc(target_count, sizeof *worker->sessions);
    worker->in = malloc(TKP_TLS_READ_BYTES);
    worker->out = malloc(OUT_BYTES);
    if (worker->sessions && worker->in && worker->out)
        return worker;
    tkp_tls_worker_destroy(worker);
    return NULL;
}

void tkp_tls_worker_destroy(struct tkp_tls_worker *worker)
{
    if (!worker)
        return;
    for (uint32_t i = 0; worker->sessions && i < worker->target_count; i++)
        SSL_SESSION_free(worker->sessions[i].latest);
    free(worker->sessions);
    free(worker->in);
    free(worker->out);
    free(worker);
}

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
    if (len > OUT_BYTES - worker->out_len)
        return false;
    memcpy(worker->out + worker->out_len, data, len);
    worker->out_len += len;
    return true;
}

void tkp_tls_keep_session(struct tkp_tls *tls, SSL_SESSION *session)
{
    struct tkp_tls_sessions *sessions = &tls->worker->sessions[tls->target];
    SSL_SESSION_free(sessions->latest);
    sessions->latest = session;
}

/* ---- a connection ---- */

static bool is_address(const char *host)
{
    return strchr(host, ':') || !host[strspn(host, "0123456789.")];
}

/* RFC 6066, 3: a literal address is not sent as the server's name. */
static bool set_host(const struct tkp_tls *tls)
{
    X509_VERIFY_PARAM *verify = SSL_get0_param(tls->ssl);
    if (is_address(tls->host))
        return X509_VERIFY_PARAM_set1_ip_asc(verify, tls->host) == 1;
    X509_VERIFY_PARAM_set_hostflags(verify, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(tls->ssl, tls->host) == 1 && SSL_set1_host(tls->ssl, tls->host);
}

struct tkp_tls *tkp_tls_open(struct tkp_tls_worker *worker, int fd, uint32_t target,
                             const char *host)
{
    struct tkp_tls *tls = calloc(1, sizeof *tls);
    if (!tls)
        return NULL;
    *tls = (struct tkp_tls){.worker = worker, .fd = fd, .target = target, .host = host};
    tls->ssl = SSL_new(worker->context->ssl);
    BIO *bio = BIO_new(worker->context->method);
    if (!tls->ssl || !bio || !set_host(tls)) {
        BIO_free(bio);
        tkp_tls_close(tls);
        return NULL;
    }
    BIO_set_data(bio, tls);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_app_data(tls->ssl, tls);
    SSL_set_connect_state(tls->ssl);
    if (worker->sessions[target].latest)
        SSL_set_session(tls->ssl, worker->sessions[target].latest);
    return tls;
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

/* Sends all that was encrypted, the oldest first: 0, EAGAIN or another errno. */
static int flush(struct tkp_tls *tls)
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
    char joined[RECORD_BYTES];
    size_t len = 0, written = 0;
    const char *data = joined;
    for (uint32_t i = 0; i < count && len < RECORD_BYTES; i++) {
        if (offset >= parts[i].iov_len) {
            offset -= parts[i].iov_len;
            continue;
        }
        const char *from = (const char *)parts[i].iov_base + offset;
        size_t left = parts[i].iov_len - offset;
        offset = 0;
        if (!len && (left >= RECORD_BYTES || i + 1 == count)) {
            data = from; /* no copy */
            len = left < RECORD_BYTES ? left : RECORD_BYTES;
            break;
        }
        if (left > RECORD_BYTES - len)
            left = RECORD_BYTES - len;
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
        for (int i = 0; i < SEND_RECORDS && offset + done < total && !tls->failed; i++)
            done += encrypt(tls, parts, count, offset + done);
        tls->unreported_bytes = done;
    }
    int reason = tls->failed ? EPROTO : 0;
    int flushed = flush(tls);
    if (reason || flushed) {
        errno = reason ? reason : flushed;
        return -1;
    }
    ssize_t sent = (ssize_t)tls->unreported_bytes;
    tls->unreported_bytes = 0;
    return sent;
}

/* ---- receiving ---- */

static ssize_t receive(struct tkp_tls *tls)
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
        (void)flush(tls);
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
            ssize_t n = receive(tls);
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

/* ---- handshake ---- */

static enum tkp_tls_step fail_handshake(struct tkp_tls *tls, const char *type, const char *message)
{
    tls->failed = true;
    tls->worker->failure.type = type;
    tkp_text_copy(tls->worker->failure.message, sizeof tls->worker->failure.message,
                  tkp_span(message));
    return TKP_TLS_FAILED;
}

static enum tkp_tls_step lost_handshake(struct tkp_tls *tls, int reason)
{
    return reason ? fail_handshake(tls, "reset", "the connection was reset in the TLS handshake")
                  : fail_handshake(tls, "closed",
                                   "the server closed the connection in the TLS handshake");
}

enum tkp_tls_step tkp_tls_handshake(struct tkp_tls *tls)
{
    for (;;) {
        ERR_clear_error();
        int done = SSL_do_handshake(tls->ssl);
        bool failed = done != 1 && SSL_get_error(tls->ssl, done) != SSL_ERROR_WANT_READ;
        if (failed)
            tkp_tls_describe_failure(tls);
        int reason = flush(tls); /* also the alert that says why */
        if (failed) {
            tls->failed = true;
            return TKP_TLS_FAILED;
        }
        if (reason && reason != EAGAIN)
            return lost_handshake(tls, reason);
        if (done == 1) {
            tls->established = true;
            return TKP_TLS_READY;
        }
        ssize_t n = receive(tls);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return TKP_TLS_WAIT;
        if (n <= 0)
            return lost_handshake(tls, n < 0 ? errno : 0);
    }
}

/* The session stays good for others only when both sides count as closed. */
void tkp_tls_close(struct tkp_tls *tls)
{
    if (!tls)
        return;
    struct tkp_tls_worker *worker = tls->worker;
    ERR_clear_error();
    if (tls->ssl && tls->established && !tls->failed && !tls->pending) {
        (void)SSL_shutdown(tls->ssl);
        (void)flush(tls);
    }
    if (worker->in_owner == tls)
        worker->in_owner = NULL;
    tkp_spill_give(worker->spills, tls->pending);
    SSL_free(tls->ssl);
    free(tls);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS of one worker's connections, by OpenSSL, without a call that waits. The socket is read and
 * written here and not by OpenSSL, so that a read keeps the kernel's receive stamp: what comes in
 * goes into a buffer of the worker, is stamped as one read, and is decrypted from there. A record
 * is whole when its last segment has come, which is the one that the stamp is of. Owned by one
 * thread.
 */
#ifndef TKP_WORKER_TLS_H
#define TKP_WORKER_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct tkp_tls_context;
struct tkp_spill_pool;

/* What OpenSSL 3.0 holds for a connection: measured, between two numbers of connections. */
enum { TKP_TLS_CONNECTION_BYTES = 30 * 1024 };

/* What one read of ciphertext is at most, and what it is decrypted to at most: together with a
 * record that was begun before. */
enum { TKP_TLS_READ_BYTES = 224 * 1024, TKP_TLS_PLAIN_BYTES = 256 * 1024 };

/* Why the last thing failed: texts are valid until the next failure of the worker. */
struct tkp_tls_failure {
    const char *type; /* "verify", "handshake", "version", "not_tls", "alert", "protocol" */
    char message[256];
};

/* Of a worker: buffers, and for each target the session to resume. */
struct tkp_tls_worker {
    struct tkp_tls_context *context;
    struct tkp_spill_pool *spills;
    bool stamps; /* reads ask for the kernel's stamp */
    struct tkp_tls_failure failure;
    struct tkp_tls_sessions *sessions; /* per target */
    uint32_t target_count;

    char *in; /* the last read, decrypted up to in_at */
    size_t in_at, in_len;
    uint64_t in_wall_ns; /* its stamp */
    struct tkp_tls *in_owner;
    char *out; /* encrypted; empty between two calls */
    size_t out_len;
};

/* context and spills are borrowed. NULL without memory. [main] */
struct tkp_tls_worker *tkp_tls_worker_create(struct tkp_tls_context *context, uint32_t target_count,
                                             bool stamps, struct tkp_spill_pool *spills);
void tkp_tls_worker_destroy(struct tkp_tls_worker *worker); /* accepts NULL */

struct tkp_tls; /* of a connection */

/* For a socket that is connected to a target; host is borrowed: the name or address that the
 * certificate must have. NULL without memory. */
struct tkp_tls *tkp_tls_open(struct tkp_tls_worker *worker, int fd, uint32_t target,
                             const char *host);
/* Says goodbye (close_notify) where that can be, and frees; the socket stays open. NULL is fine. */
void tkp_tls_close(struct tkp_tls *tls);

enum tkp_tls_step {
    TKP_TLS_WAIT,  /* for the socket: call again when it has events */
    TKP_TLS_READY, /* the handshake is done */
    TKP_TLS_FAILED /* worker->failure says why */
};
/* Goes on with the handshake. */
enum tkp_tls_step tkp_tls_handshake(struct tkp_tls *tls);

/* One read, stamped as recvmsg() says (realtime ns, 0: none), decrypted into plain, which has
 * TKP_TLS_PLAIN_BYTES. Returns their number; 0 when the connection has ended: tkp_tls_is_closed()
 * tells whether the server had said so; -1 and errno: EAGAIN, or EPROTO with worker->failure, or
 * the socket's. *full: the socket may hold more. */
ssize_t tkp_tls_read(struct tkp_tls *tls, char *plain, uint64_t *wall_ns, bool *full);
/* Writes parts from offset on. Returns how many bytes of them have been taken by the kernel, at
 * least one; -1 and errno: EAGAIN, EPROTO with worker->failure, or the socket's. */
ssize_t tkp_tls_send(struct tkp_tls *tls, const struct iovec *parts, uint32_t count,
                     uint64_t offset);
/* Bytes that came with the handshake and that OpenSSL has not taken yet. */
bool tkp_tls_has_bytes(const struct tkp_tls *tls);
/* Whether the server has said that nothing follows (close_notify). */
bool tkp_tls_is_closed(const struct tkp_tls *tls);
/* Whether it has, or TLS has failed: the next read tells, and nothing can be sent. */
bool tkp_tls_has_end(const struct tkp_tls *tls);
/* An idle connection has events: whether it can carry another request. Session tickets are taken.
 */
bool tkp_tls_stays_idle(struct tkp_tls *tls, char *plain);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of TLS (tls_context.c, tls.c, tls_io.c, tls_failure.c); they alone know
 * OpenSSL.
 */
#ifndef TKP_WORKER_TLS_PARTS_H
#define TKP_WORKER_TLS_PARTS_H

#include <openssl/ssl.h>
#include <worker/spill.h>
#include <worker/tls.h>
#include <worker/tls_context.h>

struct tkp_tls_context {
    SSL_CTX *ssl;
    BIO_METHOD *method; /* between OpenSSL and the worker's buffers */
};

struct tkp_tls {
    SSL *ssl;
    struct tkp_tls_worker *worker;
    const char *host;          /* that the certificate has to name */
    struct tkp_spill *pending; /* encrypted, and not taken by the kernel yet; or NULL */
    size_t pending_at;
    size_t unreported_bytes; /* of the message: encrypted, the last of them not sent yet */
    int fd;
    uint32_t target;
    bool established; /* the handshake is done */
    bool closed;      /* the server has sent close_notify */
    bool failed;      /* nothing can be sent or received any more */
};

enum {
    TKP_TLS_RECORD_BYTES = SSL3_RT_MAX_PLAIN_LENGTH, /* RFC 8446, 5.1: 2^14 */
    TKP_TLS_SEND_RECORDS = 8,                        /* encrypted before they are sent together */
    /* with what each record brings (header, tag, padding), and a flight of a handshake */
    TKP_TLS_OUT_BYTES = TKP_TLS_SEND_RECORDS * (TKP_TLS_RECORD_BYTES + 512) + 64 * 1024
};

/* Sends all that was encrypted, the oldest first: 0, EAGAIN or another errno. */
int tkp_tls_flush(struct tkp_tls *tls);
/* Reads the socket into the worker's buffer, as recvmsg() does. */
ssize_t tkp_tls_receive(struct tkp_tls *tls);

/* How TLS reaches bytes, for the BIO method; both use the worker's buffers alone. */
size_t tkp_tls_give_bytes(struct tkp_tls *tls, char *data, size_t size);
bool tkp_tls_take_bytes(struct tkp_tls *tls, const char *data, size_t len);
/* A ticket to resume with has come. Takes the session. */
void tkp_tls_keep_session(struct tkp_tls *tls, SSL_SESSION *session);

/* SSL_CTX_set_verify: notes what is wrong with a certificate, for the message. */
int tkp_tls_note_verify(int good, X509_STORE_CTX *store);
/* Says in worker->failure what OpenSSL's error queue and the verification say. */
void tkp_tls_describe_failure(struct tkp_tls *tls);

#endif

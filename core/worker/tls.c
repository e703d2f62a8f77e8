/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's TLS, its connections from handshake to goodbye, and the sessions they resume. OpenSSL
 * allocates on its own: for each connection, and a little at handshakes. */
#include <worker/tls.h>

#include <base/text.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <worker/tls_parts.h>

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
    worker->out = malloc(TKP_TLS_OUT_BYTES);
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
        int reason = tkp_tls_flush(tls); /* also the alert that says why */
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
        ssize_t n = tkp_tls_receive(tls);
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
        (void)tkp_tls_flush(tls);
    }
    if (worker->in_owner == tls)
        worker->in_owner = NULL;
    tkp_spill_give(worker->spills, tls->pending);
    SSL_free(tls->ssl);
    free(tls);
}

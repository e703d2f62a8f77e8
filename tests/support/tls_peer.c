/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of a TLS connection in one thread. Whatever fails here fails the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls_peer.h"

/* ---- a server with a certificate of its own ---- */

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *made = X509_new();
    X509_NAME *name = X509_get_subject_name(made);
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), -60);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    X509_set_pubkey(made, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)TLS_PEER_HOST, -1,
                               -1, 0);
    X509_set_issuer_name(made, name);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:" TLS_PEER_HOST);
    assert_true(names && X509_add_ext(made, names, -1));
    X509_EXTENSION_free(names);
    assert_true(X509_sign(made, key, EVP_sha256()) > 0);
    return made;
}

static void make_server(struct tls_peer *peer)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key);
    BIO *file = BIO_new_file(peer->ca_file, "w");
    assert_true(file && PEM_write_bio_X509(file, certificate));
    BIO_free(file);
    peer->server_context = SSL_CTX_new(TLS_server_method());
    assert_true(SSL_CTX_use_certificate(peer->server_context, certificate) == 1);
    assert_true(SSL_CTX_use_PrivateKey(peer->server_context, key) == 1);
    SSL_CTX_set_session_id_context(peer->server_context, (const unsigned char *)"t", 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* What the client has sent, into the server's memory. */
void tls_peer_feed(struct tls_peer *peer)
{
    char bytes[65536];
    ssize_t n;
    while ((n = recv(peer->server_fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        assert_int_equal(BIO_write(SSL_get_rbio(peer->server), bytes, (int)n), n);
}

/* What the server has written to its memory, in pieces of that many bytes. */
size_t tls_peer_take(struct tls_peer *peer, char *out, size_t capacity)
{
    int n = BIO_read(SSL_get_wbio(peer->server), out, (int)capacity);
    return n > 0 ? (size_t)n : 0;
}

void tls_peer_deliver(struct tls_peer *peer)
{
    char bytes[65536];
    size_t n;
    while ((n = tls_peer_take(peer, bytes, sizeof bytes)))
        assert_int_equal(send(peer->server_fd, bytes, n, MSG_DONTWAIT), n);
}

void tls_peer_says(struct tls_peer *peer, const char *text)
{
    assert_true(SSL_write(peer->server, text, (int)strlen(text)) == (int)strlen(text));
}

/* ---- a client ---- */

static void begin(struct tls_peer *peer, const struct tkp_tls_plan *plan)
{
    struct tokperf_error error;
    assert_int_equal(tkp_tls_context_create(plan, &peer->context, &error), TOKPERF_OK);
    peer->worker = tkp_tls_worker_create(peer->context, TLS_PEER_TARGETS, false, &peer->spills);
    assert_non_null(peer->worker);
}

void tls_peer_open(struct tls_peer *peer, uint32_t target, const char *host)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    peer->server_fd = pair[0];
    peer->client_fd = pair[1];
    peer->server = SSL_new(peer->server_context);
    SSL_set_bio(peer->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(peer->server);
    peer->tls = tkp_tls_open(peer->worker, peer->client_fd, target, host);
    assert_non_null(peer->tls);
}

void tls_peer_close(struct tls_peer *peer)
{
    tkp_tls_close(peer->tls);
    SSL_free(peer->server);
    close(peer->server_fd);
    close(peer->client_fd);
    peer->tls = NULL;
    peer->server = NULL;
}

enum tkp_tls_step tls_peer_shake_hands(struct tls_peer *peer)
{
    enum tkp_tls_step step = TKP_TLS_WAIT;
    for (int i = 0; i < 10 && step == TKP_TLS_WAIT; i++) {
        step = tkp_tls_handshake(peer->tls);
        tls_peer_feed(peer);
        (void)SSL_do_handshake(peer->server);
        tls_peer_deliver(peer);
    }
    return step;
}

void tls_peer_connect(struct tls_peer *peer, uint32_t target)
{
    tls_peer_open(peer, target, TLS_PEER_HOST);
    assert_int_equal(tls_peer_shake_hands(peer), TKP_TLS_READY);
}

ssize_t tls_peer_client_reads(struct tls_peer *peer)
{
    uint64_t wall_ns;
    bool full;
    return tkp_tls_read(peer->tls, peer->plain, &wall_ns, &full);
}

void tls_peer_assert_reads(struct tls_peer *peer, const char *text)
{
    assert_int_equal(tls_peer_client_reads(peer), strlen(text));
    assert_memory_equal(peer->plain, text, strlen(text));
}

void tls_peer_assert_nothing(struct tls_peer *peer)
{
    assert_int_equal(tls_peer_client_reads(peer), -1);
    assert_int_equal(errno, EAGAIN);
}

ssize_t tls_peer_client_sends(struct tls_peer *peer, const char *text)
{
    struct iovec part = {(void *)(uintptr_t)text, strlen(text)};
    return tkp_tls_send(peer->tls, &part, 1, 0);
}

int tls_peer_set_up(void **state)
{
    struct tls_peer *peer = calloc(1, sizeof *peer);
    temp_dir_make(&peer->directory);
    snprintf(peer->ca_file, sizeof peer->ca_file, "%s", temp_dir_path(&peer->directory, "ca.pem"));
    tkp_spill_pool_init(&peer->spills, 64 << 20);
    peer->plain = malloc(TKP_TLS_PLAIN_BYTES);
    peer->sent = malloc(TLS_PEER_BYTES);
    for (int i = 0; i < TLS_PEER_BYTES; i++)
        peer->sent[i] = (char)(i * 31 + i / 997);
    make_server(peer);
    begin(peer,
          &(struct tkp_tls_plan){.ca_file = peer->ca_file, .min_version = TKP_TLS_VERSION_1_2});
    *state = peer;
    return 0;
}

int tls_peer_tear_down(void **state)
{
    struct tls_peer *peer = *state;
    if (peer->tls)
        tls_peer_close(peer);
    tkp_tls_worker_destroy(peer->worker);
    tkp_tls_context_destroy(peer->context);
    SSL_CTX_free(peer->server_context);
    tkp_spill_pool_finish(&peer->spills);
    temp_dir_remove(&peer->directory);
    free(peer->plain);
    free(peer->sent);
    free(peer);
    return 0;
}

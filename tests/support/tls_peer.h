/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's TLS and OpenSSL as its server at the two ends of a socket pair, in one thread. The
 * server's records lie in memory first, so that a test says in which pieces they come.
 */
#ifndef TKP_TEST_TLS_PEER_H
#define TKP_TEST_TLS_PEER_H

#include <openssl/ssl.h>
#include <worker/spill.h>
#include <worker/tls.h>
#include <worker/tls_context.h>

#include "temp_dir.h"

#define TLS_PEER_HOST "server.test"

enum { TLS_PEER_BYTES = 600 * 1024, TLS_PEER_TARGETS = 2 };

struct tls_peer {
    struct temp_dir directory;
    char ca_file[128];
    SSL_CTX *server_context;
    struct tkp_tls_context *context;
    struct tkp_tls_worker *worker;
    struct tkp_spill_pool spills;
    SSL *server;
    int server_fd, client_fd;
    struct tkp_tls *tls;
    char *plain, *sent;
};

/* cmocka's: *state is a new struct tls_peer that trusts its server's certificate. */
int tls_peer_set_up(void **state);
int tls_peer_tear_down(void **state);

/* A connection without a handshake, one with it, and its end. */
void tls_peer_open(struct tls_peer *peer, uint32_t target, const char *host);
void tls_peer_connect(struct tls_peer *peer, uint32_t target);
void tls_peer_close(struct tls_peer *peer);
enum tkp_tls_step tls_peer_shake_hands(struct tls_peer *peer);

/* Moves what the client has sent into the server's memory. */
void tls_peer_feed(struct tls_peer *peer);
/* Writes text as a record into the server's memory. */
void tls_peer_says(struct tls_peer *peer, const char *text);
/* Sends all that the server has written. */
void tls_peer_deliver(struct tls_peer *peer);
/* Takes of it what fits, for a test that sends it itself. */
size_t tls_peer_take(struct tls_peer *peer, char *out, size_t capacity);

ssize_t tls_peer_client_sends(struct tls_peer *peer, const char *text);
ssize_t tls_peer_client_reads(struct tls_peer *peer);
void tls_peer_assert_reads(struct tls_peer *peer, const char *text);
void tls_peer_assert_nothing(struct tls_peer *peer);

#endif

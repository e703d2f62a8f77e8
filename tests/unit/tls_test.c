/* SPDX-License-Identifier: Apache-2.0 */
/* TLS of a worker's connections: bytes in any pieces, ends, sessions, trust. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls_peer.h"

static void speaks_in_both_directions(void **state)
{
    struct tls_peer *peer = *state;
    char text[64] = "";
    tls_peer_connect(peer, 0);
    tls_peer_assert_nothing(peer); /* tickets */
    assert_int_equal(tls_peer_client_sends(peer, "question"), 8);
    tls_peer_feed(peer);
    assert_int_equal(SSL_read(peer->server, text, sizeof text), 8);
    assert_string_equal(text, "question");
    assert_string_equal(SSL_get_servername(peer->server, TLSEXT_NAMETYPE_host_name), TLS_PEER_HOST);
    tls_peer_says(peer, "one ");
    tls_peer_says(peer, "two ");
    tls_peer_says(peer, "three");
    tls_peer_deliver(peer);
    tls_peer_assert_reads(peer, "one two three"); /* one read, like bytes that are not encrypted */
    tls_peer_assert_nothing(peer);
}

/* A record is whole with its last byte, and whatever is whole is not held back by what is not. */
static void records_come_in_pieces(void **state)
{
    struct tls_peer *peer = *state;
    char bytes[1024];
    tls_peer_connect(peer, 0);
    tls_peer_assert_nothing(peer);
    tls_peer_says(peer, "first");
    size_t first = tls_peer_take(peer, bytes, sizeof bytes);
    tls_peer_says(peer, "second");
    size_t all = first + tls_peer_take(peer, bytes + first, sizeof bytes - first);
    for (size_t i = 0; i + 1 < first; i++) {
        assert_int_equal(send(peer->server_fd, bytes + i, 1, 0), 1);
        tls_peer_assert_nothing(peer);
    }
    assert_int_equal(send(peer->server_fd, bytes + first - 1, all - first, 0), all - first);
    tls_peer_assert_reads(peer, "first");
    tls_peer_assert_nothing(peer);
    assert_int_equal(send(peer->server_fd, bytes + all - 1, 1, 0), 1);
    tls_peer_assert_reads(peer, "second");
}

/* More than a socket holds: what the kernel does not take waits, and no byte is sent twice. */
static void long_messages_wait_for_room(void **state)
{
    struct tls_peer *peer = *state;
    char *got = malloc(TLS_PEER_BYTES);
    const size_t cut = 100; /* a head, and a body in two parts */
    struct iovec parts[] = {{peer->sent, cut},
                            {peer->sent + cut, TLS_PEER_BYTES / 2},
                            {peer->sent + cut + TLS_PEER_BYTES / 2, TLS_PEER_BYTES / 2 - cut}};
    uint64_t sent = 0;
    size_t have = 0;
    int waits = 0;
    tls_peer_connect(peer, 0);
    for (int i = 0; i < 10000 && have < TLS_PEER_BYTES; i++) {
        ssize_t n = sent < TLS_PEER_BYTES ? tkp_tls_send(peer->tls, parts, 3, sent) : 0;
        if (n > 0) {
            sent += (uint64_t)n;
            continue;
        }
        assert_true(n == 0 || errno == EAGAIN);
        waits += n < 0;
        tls_peer_feed(peer);
        int got_now;
        while ((got_now = SSL_read(peer->server, got + have, (int)(TLS_PEER_BYTES - have))) > 0)
            have += (size_t)got_now;
    }
    assert_int_equal(have, TLS_PEER_BYTES);
    assert_int_equal(sent, TLS_PEER_BYTES);
    assert_true(waits > 0);
    assert_memory_equal(got, peer->sent, TLS_PEER_BYTES);
    free(got);
}

static void long_answers_are_read_in_full(void **state)
{
    struct tls_peer *peer = *state;
    size_t have = 0;
    tls_peer_connect(peer, 0);
    tls_peer_assert_nothing(peer);
    for (size_t at = 0; at < TLS_PEER_BYTES; at += TLS_PEER_BYTES / 8) {
        ssize_t n;
        assert_int_equal(SSL_write(peer->server, peer->sent + at, TLS_PEER_BYTES / 8),
                         TLS_PEER_BYTES / 8);
        tls_peer_deliver(peer);
        while ((n = tls_peer_client_reads(peer)) > 0) {
            assert_memory_equal(peer->plain, peer->sent + have, (size_t)n);
            have += (size_t)n;
        }
    }
    assert_int_equal(have, TLS_PEER_BYTES);
}

/* Tickets may come at any time; the end of a connection is something else. */
static void tickets_leave_a_connection_idle(void **state)
{
    struct tls_peer *peer = *state;
    tls_peer_connect(peer, 0);
    assert_true(tkp_tls_stays_idle(peer->tls, peer->plain));
    assert_int_equal(SSL_new_session_ticket(peer->server), 1);
    assert_int_equal(SSL_do_handshake(peer->server), 1);
    tls_peer_deliver(peer);
    assert_true(tkp_tls_stays_idle(peer->tls, peer->plain));
    assert_int_equal(tls_peer_client_sends(peer, "still there"), 11);
    SSL_shutdown(peer->server);
    tls_peer_deliver(peer);
    assert_false(tkp_tls_stays_idle(peer->tls, peer->plain));
    assert_true(tkp_tls_is_closed(peer->tls));
}

static void unasked_bytes_end_idleness(void **state)
{
    struct tls_peer *peer = *state;
    tls_peer_connect(peer, 0);
    tls_peer_says(peer, "HTTP/1.1 408 Request Timeout\r\n\r\n");
    tls_peer_deliver(peer);
    assert_false(tkp_tls_stays_idle(peer->tls, peer->plain));
}

static void keys_are_updated(void **state)
{
    struct tls_peer *peer = *state;
    char text[16] = "";
    tls_peer_connect(peer, 0);
    tls_peer_assert_nothing(peer);
    tls_peer_says(peer, "old");
    assert_int_equal(SSL_key_update(peer->server, SSL_KEY_UPDATE_REQUESTED), 1);
    tls_peer_says(peer, "new");
    tls_peer_deliver(peer);
    tls_peer_assert_reads(peer, "oldnew");
    assert_int_equal(tls_peer_client_sends(peer, "mine"), 4);
    tls_peer_feed(peer);
    assert_int_equal(SSL_read(peer->server, text, sizeof text), 4);
    assert_string_equal(text, "mine");
}

static void renegotiation_is_refused(void **state)
{
    struct tls_peer *peer = *state;
    char text[16];
    SSL_CTX_set_max_proto_version(peer->server_context, TLS1_2_VERSION);
    tls_peer_connect(peer, 0);
    assert_int_equal(SSL_renegotiate(peer->server), 1);
    (void)SSL_do_handshake(peer->server);
    tls_peer_deliver(peer);
    tls_peer_assert_nothing(peer);
    tls_peer_feed(peer);
    assert_true(SSL_read(peer->server, text, sizeof text) <= 0);
    assert_int_equal(SSL_get_error(peer->server, -1), SSL_ERROR_SSL); /* no_renegotiation */
}

static void the_end_is_told_after_the_bytes(void **state)
{
    struct tls_peer *peer = *state;
    tls_peer_connect(peer, 0);
    tls_peer_assert_nothing(peer);
    tls_peer_says(peer, "last words");
    SSL_shutdown(peer->server);
    tls_peer_deliver(peer);
    assert_false(tkp_tls_has_end(peer->tls));
    tls_peer_assert_reads(peer, "last words");
    assert_true(tkp_tls_has_end(peer->tls));
    assert_int_equal(tls_peer_client_reads(peer), 0);
    assert_true(tkp_tls_is_closed(peer->tls));
}

static void a_close_without_goodbye_is_told_apart(void **state)
{
    struct tls_peer *peer = *state;
    tls_peer_connect(peer, 0);
    tls_peer_says(peer, "half");
    tls_peer_deliver(peer);
    shutdown(peer->server_fd, SHUT_WR);
    tls_peer_assert_reads(peer, "half");
    assert_int_equal(tls_peer_client_reads(peer), 0);
    assert_false(tkp_tls_is_closed(peer->tls));
}

static void what_breaks_tls_is_named(void **state)
{
    struct tls_peer *peer = *state;
    static const char forged[] = "\x17\x03\x03\x00\x20 a record that no key of ours made";
    tls_peer_connect(peer, 0);
    tls_peer_assert_nothing(peer);
    tls_peer_says(peer, "good");
    tls_peer_deliver(peer);
    assert_int_equal(send(peer->server_fd, forged, sizeof forged - 1, 0), sizeof forged - 1);
    tls_peer_assert_reads(peer, "good");
    assert_int_equal(tls_peer_client_reads(peer), -1);
    assert_int_equal(errno, EPROTO);
    assert_string_equal(peer->worker->failure.type, "protocol");
    assert_non_null(strstr(peer->worker->failure.message, "the server broke TLS"));
    assert_int_equal(tls_peer_client_sends(peer, "x"), -1);
    assert_int_equal(errno, EPROTO);
}

static void sessions_are_resumed_by_target(void **state)
{
    struct tls_peer *peer = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX_set_max_proto_version(peer->server_context, version);
        for (uint32_t target = 0; target < TLS_PEER_TARGETS; target++)
            for (int i = 0; i < 3; i++) {
                tls_peer_connect(peer, target);
                tls_peer_assert_nothing(peer);
                /* none of its own yet, or one of an older version */
                bool first = i == 0;
                assert_int_equal(SSL_session_reused(peer->server), !first);
                tls_peer_close(peer);
            }
    }
}

static void assert_refused(struct tls_peer *peer, const char *host, const char *part)
{
    tls_peer_open(peer, 0, host);
    assert_int_equal(tls_peer_shake_hands(peer), TKP_TLS_FAILED);
    assert_string_equal(peer->worker->failure.type, "verify");
    if (!strstr(peer->worker->failure.message, part))
        fail_msg("'%s' has no '%s'", peer->worker->failure.message, part);
    tls_peer_close(peer);
}

static void names_are_verified(void **state)
{
    struct tls_peer *peer = *state;
    assert_refused(peer, "other.test",
                   "cannot verify other.test: the certificate is for " TLS_PEER_HOST);
    assert_refused(peer, "127.0.0.1",
                   "cannot verify 127.0.0.1: the certificate is for " TLS_PEER_HOST);
    tls_peer_connect(peer, 0);
}

static void the_server_may_not_speak_tls(void **state)
{
    struct tls_peer *peer = *state;
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    tls_peer_open(peer, 0, TLS_PEER_HOST);
    assert_int_equal(tkp_tls_handshake(peer->tls), TKP_TLS_WAIT);
    assert_int_equal(send(peer->server_fd, answer, sizeof answer - 1, 0), sizeof answer - 1);
    assert_int_equal(tkp_tls_handshake(peer->tls), TKP_TLS_FAILED);
    assert_string_equal(peer->worker->failure.type, "not_tls");
    tls_peer_close(peer);
    tls_peer_open(peer, 0, TLS_PEER_HOST);
    assert_int_equal(tkp_tls_handshake(peer->tls), TKP_TLS_WAIT);
    shutdown(peer->server_fd, SHUT_WR);
    assert_int_equal(tkp_tls_handshake(peer->tls), TKP_TLS_FAILED);
    assert_string_equal(peer->worker->failure.type, "closed");
}

static void files_are_checked(void **state)
{
    struct tls_peer *peer = *state;
    const char *text = temp_dir_write(&peer->directory, "text", "no PEM\n");
    const char *none = temp_dir_path(&peer->directory, "none");
    const char *dir = peer->directory.path, *ca = peer->ca_file;
    const struct {
        struct tkp_tls_plan plan;
        const char *message;
    } cases[] = {
        {{.ca_file = none}, "--cacert: cannot read '"},
        {{.ca_file = dir}, "is not a file"},
        {{.ca_file = text}, "has no certificate in PEM"},
        {{.cert_file = text, .key_file = text, .insecure = true}, "--cert: '"},
        {{.cert_file = ca, .key_file = none, .insecure = true}, "--key: cannot read '"},
        {{.cert_file = ca, .key_file = ca, .insecure = true}, "has no private key in PEM"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tkp_tls_context *context = NULL;
        struct tokperf_error error;
        assert_int_equal(tkp_tls_context_create(&cases[i].plan, &context, &error),
                         TOKPERF_E_INVALID);
        if (!strstr(error.message, cases[i].message))
            fail_msg("'%s' has no '%s'", error.message, cases[i].message);
    }
}

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, tls_peer_set_up, tls_peer_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TLS_TEST(speaks_in_both_directions),
        TLS_TEST(records_come_in_pieces),
        TLS_TEST(long_messages_wait_for_room),
        TLS_TEST(long_answers_are_read_in_full),
        TLS_TEST(tickets_leave_a_connection_idle),
        TLS_TEST(unasked_bytes_end_idleness),
        TLS_TEST(keys_are_updated),
        TLS_TEST(renegotiation_is_refused),
        TLS_TEST(the_end_is_told_after_the_bytes),
        TLS_TEST(a_close_without_goodbye_is_told_apart),
        TLS_TEST(what_breaks_tls_is_named),
        TLS_TEST(sessions_are_resumed_by_target),
        TLS_TEST(names_are_verified),
        TLS_TEST(the_server_may_not_speak_tls),
        TLS_TEST(files_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS of a worker against OpenSSL as a server at the other end of a socket pair, in one thread. The
 * server's records lie in memory first, so that a test says in which pieces they come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <worker/spill.h>
#include <worker/tls.h>
#include <worker/tls_context.h>

#include "temp_dir.h"

#define HOST "server.test"

enum { BYTES = 600 * 1024, TARGETS = 2 };

struct place {
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
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)HOST, -1, -1, 0);
    X509_set_issuer_name(made, name);
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:" HOST);
    assert_true(names && X509_add_ext(made, names, -1));
    X509_EXTENSION_free(names);
    assert_true(X509_sign(made, key, EVP_sha256()) > 0);
    return made;
}

static void make_server(struct place *place)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key);
    BIO *file = BIO_new_file(place->ca_file, "w");
    assert_true(file && PEM_write_bio_X509(file, certificate));
    BIO_free(file);
    place->server_context = SSL_CTX_new(TLS_server_method());
    assert_true(SSL_CTX_use_certificate(place->server_context, certificate) == 1);
    assert_true(SSL_CTX_use_PrivateKey(place->server_context, key) == 1);
    SSL_CTX_set_session_id_context(place->server_context, (const unsigned char *)"t", 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* What the client has sent, into the server's memory. */
static void feed_server(struct place *place)
{
    char bytes[65536];
    ssize_t n;
    while ((n = recv(place->server_fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        assert_int_equal(BIO_write(SSL_get_rbio(place->server), bytes, (int)n), n);
}

/* What the server has written to its memory, in pieces of that many bytes. */
static size_t take_from_server(struct place *place, char *out, size_t capacity)
{
    int n = BIO_read(SSL_get_wbio(place->server), out, (int)capacity);
    return n > 0 ? (size_t)n : 0;
}

static void deliver(struct place *place)
{
    char bytes[65536];
    size_t n;
    while ((n = take_from_server(place, bytes, sizeof bytes)))
        assert_int_equal(send(place->server_fd, bytes, n, MSG_DONTWAIT), n);
}

static void server_says(struct place *place, const char *text)
{
    assert_true(SSL_write(place->server, text, (int)strlen(text)) == (int)strlen(text));
}

/* ---- a client ---- */

static void begin(struct place *place, const struct tkp_tls_plan *plan)
{
    struct tokperf_error error;
    assert_int_equal(tkp_tls_context_create(plan, &place->context, &error), TOKPERF_OK);
    place->worker = tkp_tls_worker_create(place->context, TARGETS, false, &place->spills);
    assert_non_null(place->worker);
}

static void open_connection(struct place *place, uint32_t target, const char *host)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    place->server_fd = pair[0];
    place->client_fd = pair[1];
    place->server = SSL_new(place->server_context);
    SSL_set_bio(place->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(place->server);
    place->tls = tkp_tls_open(place->worker, place->client_fd, target, host);
    assert_non_null(place->tls);
}

static void close_connection(struct place *place)
{
    tkp_tls_close(place->tls);
    SSL_free(place->server);
    close(place->server_fd);
    close(place->client_fd);
    place->tls = NULL;
    place->server = NULL;
}

static enum tkp_tls_step shake_hands(struct place *place)
{
    enum tkp_tls_step step = TKP_TLS_WAIT;
    for (int i = 0; i < 10 && step == TKP_TLS_WAIT; i++) {
        step = tkp_tls_handshake(place->tls);
        feed_server(place);
        (void)SSL_do_handshake(place->server);
        deliver(place);
    }
    return step;
}

static void connect_to(struct place *place, uint32_t target)
{
    open_connection(place, target, HOST);
    assert_int_equal(shake_hands(place), TKP_TLS_READY);
}

static ssize_t client_reads(struct place *place)
{
    uint64_t wall_ns;
    bool full;
    return tkp_tls_read(place->tls, place->plain, &wall_ns, &full);
}

static void assert_client_reads(struct place *place, const char *text)
{
    assert_int_equal(client_reads(place), strlen(text));
    assert_memory_equal(place->plain, text, strlen(text));
}

static void assert_nothing_to_read(struct place *place)
{
    assert_int_equal(client_reads(place), -1);
    assert_int_equal(errno, EAGAIN);
}

static ssize_t client_sends(struct place *place, const char *text)
{
    struct iovec part = {(void *)(uintptr_t)text, strlen(text)};
    return tkp_tls_send(place->tls, &part, 1, 0);
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);
    temp_dir_make(&place->directory);
    snprintf(place->ca_file, sizeof place->ca_file, "%s",
             temp_dir_path(&place->directory, "ca.pem"));
    tkp_spill_pool_init(&place->spills, 64 << 20);
    place->plain = malloc(TKP_TLS_PLAIN_BYTES);
    place->sent = malloc(BYTES);
    for (int i = 0; i < BYTES; i++)
        place->sent[i] = (char)(i * 31 + i / 997);
    make_server(place);
    begin(place,
          &(struct tkp_tls_plan){.ca_file = place->ca_file, .min_version = TKP_TLS_VERSION_1_2});
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    if (place->tls)
        close_connection(place);
    tkp_tls_worker_destroy(place->worker);
    tkp_tls_context_destroy(place->context);
    SSL_CTX_free(place->server_context);
    tkp_spill_pool_finish(&place->spills);
    temp_dir_remove(&place->directory);
    free(place->plain);
    free(place->sent);
    free(place);
    return 0;
}

/* ---- tests ---- */

static void speaks_in_both_directions(void **state)
{
    struct place *place = *state;
    char text[64] = "";
    connect_to(place, 0);
    assert_nothing_to_read(place); /* tickets */
    assert_int_equal(client_sends(place, "question"), 8);
    feed_server(place);
    assert_int_equal(SSL_read(place->server, text, sizeof text), 8);
    assert_string_equal(text, "question");
    assert_string_equal(SSL_get_servername(place->server, TLSEXT_NAMETYPE_host_name), HOST);
    server_says(place, "one ");
    server_says(place, "two ");
    server_says(place, "three");
    deliver(place);
    assert_client_reads(place, "one two three"); /* one read, like bytes that are not encrypted */
    assert_nothing_to_read(place);
}

/* A record is whole with its last byte, and whatever is whole is not held back by what is not. */
static void records_come_in_pieces(void **state)
{
    struct place *place = *state;
    char bytes[1024];
    connect_to(place, 0);
    assert_nothing_to_read(place);
    server_says(place, "first");
    size_t first = take_from_server(place, bytes, sizeof bytes);
    server_says(place, "second");
    size_t all = first + take_from_server(place, bytes + first, sizeof bytes - first);
    for (size_t i = 0; i + 1 < first; i++) {
        assert_int_equal(send(place->server_fd, bytes + i, 1, 0), 1);
        assert_nothing_to_read(place);
    }
    assert_int_equal(send(place->server_fd, bytes + first - 1, all - first, 0), all - first);
    assert_client_reads(place, "first");
    assert_nothing_to_read(place);
    assert_int_equal(send(place->server_fd, bytes + all - 1, 1, 0), 1);
    assert_client_reads(place, "second");
}

/* More than a socket holds: what the kernel does not take waits, and no byte is sent twice. */
static void long_messages_wait_for_room(void **state)
{
    struct place *place = *state;
    char *got = malloc(BYTES);
    const size_t cut = 100; /* a head, and a body in two parts */
    struct iovec parts[] = {{place->sent, cut},
                            {place->sent + cut, BYTES / 2},
                            {place->sent + cut + BYTES / 2, BYTES / 2 - cut}};
    uint64_t sent = 0;
    size_t have = 0;
    int waits = 0;
    connect_to(place, 0);
    for (int i = 0; i < 10000 && have < BYTES; i++) {
        ssize_t n = sent < BYTES ? tkp_tls_send(place->tls, parts, 3, sent) : 0;
        if (n > 0) {
            sent += (uint64_t)n;
            continue;
        }
        assert_true(n == 0 || errno == EAGAIN);
        waits += n < 0;
        feed_server(place);
        int got_now;
        while ((got_now = SSL_read(place->server, got + have, (int)(BYTES - have))) > 0)
            have += (size_t)got_now;
    }
    assert_int_equal(have, BYTES);
    assert_int_equal(sent, BYTES);
    assert_true(waits > 0);
    assert_memory_equal(got, place->sent, BYTES);
    free(got);
}

static void long_answers_are_read_in_full(void **state)
{
    struct place *place = *state;
    size_t have = 0;
    connect_to(place, 0);
    assert_nothing_to_read(place);
    for (size_t at = 0; at < BYTES; at += BYTES / 8) {
        ssize_t n;
        assert_int_equal(SSL_write(place->server, place->sent + at, BYTES / 8), BYTES / 8);
        deliver(place);
        while ((n = client_reads(place)) > 0) {
            assert_memory_equal(place->plain, place->sent + have, n);
            have += (size_t)n;
        }
    }
    assert_int_equal(have, BYTES);
}

/* Tickets may come at any time; the end of a connection is something else. */
static void tickets_leave_a_connection_idle(void **state)
{
    struct place *place = *state;
    connect_to(place, 0);
    assert_true(tkp_tls_stays_idle(place->tls, place->plain));
    assert_int_equal(SSL_new_session_ticket(place->server), 1);
    assert_int_equal(SSL_do_handshake(place->server), 1);
    deliver(place);
    assert_true(tkp_tls_stays_idle(place->tls, place->plain));
    assert_int_equal(client_sends(place, "still there"), 11);
    SSL_shutdown(place->server);
    deliver(place);
    assert_false(tkp_tls_stays_idle(place->tls, place->plain));
    assert_true(tkp_tls_is_closed(place->tls));
}

static void unasked_bytes_end_idleness(void **state)
{
    struct place *place = *state;
    connect_to(place, 0);
    server_says(place, "HTTP/1.1 408 Request Timeout\r\n\r\n");
    deliver(place);
    assert_false(tkp_tls_stays_idle(place->tls, place->plain));
}

static void keys_are_updated(void **state)
{
    struct place *place = *state;
    char text[16] = "";
    connect_to(place, 0);
    assert_nothing_to_read(place);
    server_says(place, "old");
    assert_int_equal(SSL_key_update(place->server, SSL_KEY_UPDATE_REQUESTED), 1);
    server_says(place, "new");
    deliver(place);
    assert_client_reads(place, "oldnew");
    assert_int_equal(client_sends(place, "mine"), 4);
    feed_server(place);
    assert_int_equal(SSL_read(place->server, text, sizeof text), 4);
    assert_string_equal(text, "mine");
}

static void renegotiation_is_refused(void **state)
{
    struct place *place = *state;
    char text[16];
    SSL_CTX_set_max_proto_version(place->server_context, TLS1_2_VERSION);
    connect_to(place, 0);
    assert_int_equal(SSL_renegotiate(place->server), 1);
    (void)SSL_do_handshake(place->server);
    deliver(place);
    assert_nothing_to_read(place);
    feed_server(place);
    assert_true(SSL_read(place->server, text, sizeof text) <= 0);
    assert_int_equal(SSL_get_error(place->server, -1), SSL_ERROR_SSL); /* no_renegotiation */
}

static void the_end_is_told_after_the_bytes(void **state)
{
    struct place *place = *state;
    connect_to(place, 0);
    assert_nothing_to_read(place);
    server_says(place, "last words");
    SSL_shutdown(place->server);
    deliver(place);
    assert_false(tkp_tls_has_end(place->tls));
    assert_client_reads(place, "last words");
    assert_true(tkp_tls_has_end(place->tls));
    assert_int_equal(client_reads(place), 0);
    assert_true(tkp_tls_is_closed(place->tls));
}

static void a_close_without_goodbye_is_told_apart(void **state)
{
    struct place *place = *state;
    connect_to(place, 0);
    server_says(place, "half");
    deliver(place);
    shutdown(place->server_fd, SHUT_WR);
    assert_client_reads(place, "half");
    assert_int_equal(client_reads(place), 0);
    assert_false(tkp_tls_is_closed(place->tls));
}

static void what_breaks_tls_is_named(void **state)
{
    struct place *place = *state;
    static const char forged[] = "\x17\x03\x03\x00\x20 a record that no key of ours made";
    connect_to(place, 0);
    assert_nothing_to_read(place);
    server_says(place, "good");
    deliver(place);
    assert_int_equal(send(place->server_fd, forged, sizeof forged - 1, 0), sizeof forged - 1);
    assert_client_reads(place, "good");
    assert_int_equal(client_reads(place), -1);
    assert_int_equal(errno, EPROTO);
    assert_string_equal(place->worker->failure.type, "protocol");
    assert_non_null(strstr(place->worker->failure.message, "the server broke TLS"));
    assert_int_equal(client_sends(place, "x"), -1);
    assert_int_equal(errno, EPROTO);
}

static void sessions_are_resumed_by_target(void **state)
{
    struct place *place = *state;
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        SSL_CTX_set_max_proto_version(place->server_context, version);
        for (uint32_t target = 0; target < TARGETS; target++)
            for (int i = 0; i < 3; i++) {
                connect_to(place, target);
                assert_nothing_to_read(place);
                /* none of its own yet, or one of an older version */
                bool first = i == 0;
                assert_int_equal(SSL_session_reused(place->server), !first);
                close_connection(place);
            }
    }
}

static void assert_refused(struct place *place, const char *host, const char *part)
{
    open_connection(place, 0, host);
    assert_int_equal(shake_hands(place), TKP_TLS_FAILED);
    assert_string_equal(place->worker->failure.type, "verify");
    if (!strstr(place->worker->failure.message, part))
        fail_msg("'%s' has no '%s'", place->worker->failure.message, part);
    close_connection(place);
}

static void names_are_verified(void **state)
{
    struct place *place = *state;
    assert_refused(place, "other.test", "cannot verify other.test: the certificate is for " HOST);
    assert_refused(place, "127.0.0.1", "cannot verify 127.0.0.1: the certificate is for " HOST);
    connect_to(place, 0);
}

static void the_server_may_not_speak_tls(void **state)
{
    struct place *place = *state;
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    open_connection(place, 0, HOST);
    assert_int_equal(tkp_tls_handshake(place->tls), TKP_TLS_WAIT);
    assert_int_equal(send(place->server_fd, answer, sizeof answer - 1, 0), sizeof answer - 1);
    assert_int_equal(tkp_tls_handshake(place->tls), TKP_TLS_FAILED);
    assert_string_equal(place->worker->failure.type, "not_tls");
    close_connection(place);
    open_connection(place, 0, HOST);
    assert_int_equal(tkp_tls_handshake(place->tls), TKP_TLS_WAIT);
    shutdown(place->server_fd, SHUT_WR);
    assert_int_equal(tkp_tls_handshake(place->tls), TKP_TLS_FAILED);
    assert_string_equal(place->worker->failure.type, "closed");
}

static void files_are_checked(void **state)
{
    struct place *place = *state;
    const char *text = temp_dir_write(&place->directory, "text", "no PEM\n");
    const char *none = temp_dir_path(&place->directory, "none");
    const char *dir = place->directory.path, *ca = place->ca_file;
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

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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

/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL's context of a run: trust, the client's certificate, versions, ALPN, and the BIO that
 * stands between it and the workers' buffers. */
#include <worker/tls_context.h>

#include <base/error.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <worker/tls_parts.h>

/* ---- bytes ---- */

static int bio_read(BIO *bio, char *data, size_t size, size_t *got)
{
    *got = tkp_tls_give_bytes(BIO_get_data(bio), data, size);
    BIO_clear_retry_flags(bio);
    if (*got)
        return 1;
    BIO_set_retry_read(bio); /* never an end: that is for the owner of the socket to see */
    return 0;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *put)
{
    BIO_clear_retry_flags(bio);
    *put = tkp_tls_take_bytes(BIO_get_data(bio), data, len) ? len : 0;
    return *put == len;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH; /* what is written lies in a buffer: nothing to do */
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *make_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tokperf worker");
    if (method && BIO_meth_set_read_ex(method, bio_read) &&
        BIO_meth_set_write_ex(method, bio_write) && BIO_meth_set_ctrl(method, bio_control) &&
        BIO_meth_set_create(method, bio_create))
        return method;
    BIO_meth_free(method);
    return NULL;
}

/* ---- sessions ---- */

static int new_session(SSL *ssl, SSL_SESSION *session)
{
    tkp_tls_keep_session(SSL_get_app_data(ssl), session);
    return 1; /* taken */
}

/* ---- files ---- */

/* A key that needs a passphrase is refused; nobody is asked. */
static int no_passphrase(char *buffer, int size, int writing, void *needed)
{
    (void)buffer, (void)size, (void)writing;
    *(bool *)needed = true;
    return -1;
}

/* The innermost reason of OpenSSL's error queue, which is emptied. */
static const char *last_reason(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return reason ? reason : "unknown error";
}

static tokperf_status check_file(const char *option, const char *path, struct tokperf_error *error)
{
    struct stat about;
    int fd =
        open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO is not waited for */
    if (fd < 0)
        return tkp_fail_errno(error, TOKPERF_E_INVALID, errno, "%s: cannot read '%s'", option,
                              path);
    bool regular = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    close(fd);
    return regular ? TOKPERF_OK
                   : tkp_fail(error, TOKPERF_E_INVALID, "%s: '%s' is not a file", option, path);
}

static tokperf_status load_trust(SSL_CTX *ssl, const struct tkp_tls_plan *plan,
                                 struct tokperf_error *error)
{
    if (plan->insecure) {
        SSL_CTX_set_verify(ssl, SSL_VERIFY_NONE, NULL);
        return TOKPERF_OK;
    }
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, tkp_tls_note_verify);
    if (!plan->ca_file)
        return SSL_CTX_set_default_verify_paths(ssl)
                   ? TOKPERF_OK
                   : tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                              "the system's certificate authorities cannot be read: %s; name a "
                              "file with --cacert",
                              last_reason());
    tokperf_status status = check_file("--cacert", plan->ca_file, error);
    if (status == TOKPERF_OK && SSL_CTX_load_verify_locations(ssl, plan->ca_file, NULL) != 1)
        status = tkp_fail(error, TOKPERF_E_INVALID, "--cacert: '%s' has no certificate in PEM: %s",
                          plan->ca_file, last_reason());
    return status;
}

static tokperf_status load_key(SSL_CTX *ssl, const struct tkp_tls_plan *plan,
                               struct tokperf_error *error)
{
    bool needs_passphrase = false;
    const char *option = plan->key_file == plan->cert_file ? "--cert" : "--key";
    tokperf_status status = check_file(option, plan->key_file, error);
    if (status != TOKPERF_OK)
        return status;
    SSL_CTX_set_default_passwd_cb(ssl, no_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(ssl, &needs_passphrase);
    int good = SSL_CTX_use_PrivateKey_file(ssl, plan->key_file, SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(ssl, NULL);
    if (good == 1)
        return TOKPERF_OK;
    if (needs_passphrase)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: the key in '%s' has a passphrase, which cannot be asked for; give a "
                        "key without (openssl pkey removes it)",
                        option, plan->key_file);
    if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: the key in '%s' is not that of the certificate in '%s'", option,
                        plan->key_file, plan->cert_file);
    return tkp_fail(error, TOKPERF_E_INVALID, "%s: '%s' has no private key in PEM: %s", option,
                    plan->key_file, last_reason());
}

static tokperf_status load_certificate(SSL_CTX *ssl, const struct tkp_tls_plan *plan,
                                       struct tokperf_error *error)
{
    if (!plan->cert_file)
        return TOKPERF_OK;
    tokperf_status status = check_file("--cert", plan->cert_file, error);
    if (status != TOKPERF_OK)
        return status;
    if (SSL_CTX_use_certificate_chain_file(ssl, plan->cert_file) != 1)
        return tkp_fail(error, TOKPERF_E_INVALID, "--cert: '%s' has no certificate in PEM: %s",
                        plan->cert_file, last_reason());
    status = load_key(ssl, plan, error);
    ERR_clear_error();
    return status;
}

static bool set_protocol(SSL_CTX *ssl, const struct tkp_tls_plan *plan)
{
    static const unsigned char http_1_1[] = "\x08http/1.1"; /* RFC 7301, 3.1 */
    int version = plan->min_version == TKP_TLS_VERSION_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, new_session);
    SSL_CTX_set_read_ahead(ssl, 1); /* one look into the worker's buffer a record, not two */
    return SSL_CTX_set_min_proto_version(ssl, version) == 1 &&
           SSL_CTX_set_alpn_protos(ssl, http_1_1, sizeof http_1_1 - 1) == 0;
}

tokperf_status tkp_tls_context_create(const struct tkp_tls_plan *plan,
                                      struct tkp_tls_context **context, struct tokperf_error *error)
{
    struct tkp_tls_context *made = calloc(1, sizeof *made);
    if (!made)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for TLS");
    made->ssl = SSL_CTX_new(TLS_client_method());
    made->method = make_method();
    tokperf_status status = TOKPERF_OK;
    if (!made->ssl || !made->method || !set_protocol(made->ssl, plan))
        status = tkp_fail(error, TOKPERF_E_UNSUPPORTED, "TLS cannot be set up: %s", last_reason());
    if (status == TOKPERF_OK)
        status = load_trust(made->ssl, plan, error);
    if (status == TOKPERF_OK)
        status = load_certificate(made->ssl, plan, error);
    if (status != TOKPERF_OK) {
        tkp_tls_context_destroy(made);
        return status;
    }
    *context = made;
    return TOKPERF_OK;
}

void tkp_tls_context_destroy(struct tkp_tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->method);
    free(context);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a server's certificate or a handshake, in a sentence with what to do. */
#include <worker/tls_parts.h>

#include <base/text.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* ---- certificates ---- */

/* The first DNS names of a certificate, or its common name: for "it is for ...". */
static void list_names(X509 *certificate, char *out, size_t capacity)
{
    size_t used = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    out[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS)
            continue;
        int len = ASN1_STRING_length(name->d.dNSName);
        if (len <= 0 || used + (size_t)len + 3 > capacity)
            break;
        used += (size_t)snprintf(out + used, capacity - used, "%s%.*s", used ? ", " : "", len,
                                 (const char *)ASN1_STRING_get0_data(name->d.dNSName));
    }
    GENERAL_NAMES_free(names);
    if (!used && X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, out,
                                           (int)capacity) < 0)
        tkp_text_copy(out, capacity, tkp_span("another address"));
}

static void note(struct tkp_tls_failure *failure, const struct tkp_tls *tls, int code,
                 X509 *certificate)
{
    char names[96];
    failure->type = "verify";
    switch (code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        list_names(certificate, names, sizeof names);
        snprintf(
            failure->message, sizeof failure->message,
            "cannot verify %s: the certificate is for %s; use that name (--resolve gives it an "
            "address), or --insecure",
            tls->host, names);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(failure->message, sizeof failure->message,
                 "cannot verify %s: %s; renew it, set the clock, or give --insecure", tls->host,
                 X509_verify_cert_error_string(code));
        break;
    default:
        snprintf(failure->message, sizeof failure->message,
                 "cannot verify %s: %s; give its authority with --cacert, or --insecure", tls->host,
                 X509_verify_cert_error_string(code));
        break;
    }
}

int tkp_tls_note_verify(int good, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct tkp_tls *tls = SSL_get_app_data(ssl);
    if (!good)
        note(&tls->worker->failure, tls, X509_STORE_CTX_get_error(store),
             X509_STORE_CTX_get_current_cert(store));
    return good;
}

/* ---- handshakes ---- */

struct known_failure {
    int reason; /* of OpenSSL's SSL library */
    const char *type, *message;
};

static const struct known_failure known[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "not_tls",
     "the server's answer is not TLS; use http:// if it speaks plain HTTP"},
    {SSL_R_HTTP_REQUEST, "not_tls",
     "the server's answer is not TLS; use http:// if it speaks plain HTTP"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "version",
     "the server wants an older TLS than is spoken here (--tls-min-version)"},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "version",
     "the server speaks no version of TLS that is spoken here (1.3 down to --tls-min-version)"},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "alert",
     "the server wants a client certificate; give --cert and --key"},
    {SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE, "alert",
     "the server refused the TLS handshake (handshake_failure); it may want a client certificate "
     "(--cert, --key) or other ciphers"},
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, "alert",
     "the server does not know the authority of the client certificate; correct --cert"},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "alert",
     "the server refused the client certificate (bad_certificate); correct --cert"},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "alert",
     "the server refused the client certificate: it has expired; renew --cert"},
    {SSL_R_TLSV1_UNRECOGNIZED_NAME, "alert",
     "the server knows no host of the name that the URL has (unrecognized_name)"},
    {SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, "alert",
     "the server does not speak HTTP/1.1 over TLS (ALPN)"},
};

static const struct known_failure *find_known(int reason)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].reason == reason)
            return &known[i];
    return NULL;
}

void tkp_tls_describe_failure(struct tkp_tls *tls)
{
    struct tkp_tls_failure *failure = &tls->worker->failure;
    unsigned long code = ERR_peek_error(); /* the first: later ones follow from it */
    int reason = ERR_GET_REASON(code);
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && failure->type)
        return; /* tkp_tls_note_verify has said it */
    const struct known_failure *found =
        ERR_GET_LIB(code) == ERR_LIB_SSL ? find_known(reason) : NULL;
    const char *text = code ? ERR_reason_error_string(code) : NULL;
    if (found) {
        failure->type = found->type;
        tkp_text_copy(failure->message, sizeof failure->message, tkp_span(found->message));
        return;
    }
    bool alert = reason >= SSL_AD_REASON_OFFSET && ERR_GET_LIB(code) == ERR_LIB_SSL;
    failure->type = alert ? "alert" : tls->established ? "protocol" : "handshake";
    snprintf(failure->message, sizeof failure->message, "%s: %s",
             alert              ? "the server ended TLS with an alert"
             : tls->established ? "the server broke TLS"
                                : "the TLS handshake failed",
             text ? text : "unknown error");
}

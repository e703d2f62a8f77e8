/* SPDX-License-Identifier: Apache-2.0 */
/* From libcurl's words for a failure to the outcome that the native transport has for it. */
#include <worker/curl_parts.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <worker/answer.h>
#include <worker/request.h>
#include <worker/row_text.h>

static const char *words_of(const struct tkp_curl_transfer *t, CURLcode code)
{
    return t->error[0] ? t->error : curl_easy_strerror(code);
}

/* ---- before the request had a connection ---- */

/* What libcurl and OpenSSL say of a failure of TLS, the type that the native transport has for it
 * (tls_failure.c), and what to do. The first whose words are found. */
static const struct tls_words {
    const char *words, *type, *advice;
} tls_words[] = {
    {"wrong version number", "not_tls", "use http:// if the server speaks plain HTTP"},
    {"http request", "not_tls", "use http:// if the server speaks plain HTTP"},
    {"protocol version", "version",
     "the server speaks no version that is spoken here (1.3 down to --tls-min-version)"},
    {"unsupported protocol", "version",
     "the server wants an older TLS than is spoken here (--tls-min-version)"},
    {"alert certificate required", "alert", "give --cert and --key"},
    {" alert ", "alert",
     "the server may want a client certificate, or another one (--cert, --key), or other ciphers"},
    {"reset by peer", "reset", "it was in the TLS handshake"},
    {"SSL_ERROR_SYSCALL", "closed", "the server closed it in the TLS handshake"},
    {"subject name", "verify",
     "use a name that it has (--resolve gives that an address), or --insecure"},
    {"expired", "verify", "renew it, set the clock, or give --insecure"},
    {"not yet valid", "verify", "renew it, set the clock, or give --insecure"},
    {"SSL certificate problem", "verify", "give its authority with --cacert, or --insecure"},
};

static void fail_tls(struct tkp_curl_transfer *t, struct tls_words failure, CURLcode code)
{
    char text[TKP_ROW_MESSAGE_BYTES];
    for (size_t i = 0; i < sizeof tls_words / sizeof tls_words[0]; i++)
        if (strstr(t->error, tls_words[i].words)) {
            failure = tls_words[i];
            break;
        }
    tkp_gauge_add(&t->multi->curl->w->stats.tls_errors, 1);
    snprintf(text, sizeof text, "%.120s; %s", words_of(t, code), failure.advice);
    tkp_row_end_text(&t->slot->row, TKP_OUTCOME_TLS_ERROR, failure.type, text);
}

static void fail_handshake(struct tkp_curl_transfer *t, CURLcode code)
{
    static const struct tls_words other = {"", "handshake", "see what the server says about it"};
    fail_tls(t, other, code);
}

static void fail_verification(struct tkp_curl_transfer *t, CURLcode code)
{
    static const struct tls_words other = {"", "verify",
                                           "give its authority with --cacert, or --insecure"};
    fail_tls(t, other, code);
}

/* In TLS 1.3 a server may refuse the client's certificate when the client thinks that the
 * handshake is over and has sent its request. */
static bool is_refused_late(const struct tkp_curl_transfer *t)
{
    return !t->slot->row.received_bytes && strstr(t->error, "SSL routines") &&
           strstr(t->error, " alert ");
}

static void fail_to_connect(struct tkp_curl_transfer *t)
{
    struct tkp_worker *w = t->multi->curl->w;
    long reason = 0;
    if (t->socket_errno)
        reason = t->socket_errno;
    else if (curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &reason) != CURLE_OK || !reason)
        reason = ECONNREFUSED;
    tkp_request_set_connect_error(w, t->slot, (int)reason);
}

static void fail_other(struct tkp_curl_transfer *t, CURLcode code)
{
    bool has_proxy = t->multi->curl->w->shared->proxy != NULL;
    tkp_row_end_text(&t->slot->row, TKP_OUTCOME_CONNECT_ERROR,
                     has_proxy || code == CURLE_PROXY ? "proxy" : "connect", words_of(t, code));
}

static void fail_connection(struct tkp_curl_transfer *t, CURLcode code)
{
    switch ((int)code) {
    case CURLE_COULDNT_CONNECT:
        fail_to_connect(t);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
        fail_verification(t, code);
        break;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
        fail_handshake(t, code);
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        tkp_row_end_text(&t->slot->row, TKP_OUTCOME_CONNECT_ERROR, "resolve", words_of(t, code));
        break;
    case CURLE_OPERATION_TIMEDOUT:
        tkp_row_end_text(&t->slot->row, TKP_OUTCOME_TIMEOUT, "connect", words_of(t, code));
        break;
    case CURLE_OUT_OF_MEMORY:
        tkp_row_end_text(&t->slot->row, TKP_OUTCOME_CLIENT_ERROR, "memory",
                         "libcurl has no memory for a connection");
        break;
    default:
        fail_other(t, code);
        break;
    }
}

/* ---- after it ---- */

/* What came is not HTTP, as far as libcurl's own parser can tell: in which words, or NULL. */
static const char *misread(const struct tkp_curl_transfer *t, CURLcode code)
{
    if (code == CURLE_UNSUPPORTED_PROTOCOL)
        return "the answer does not begin with an HTTP status line";
    if (code == CURLE_OUT_OF_MEMORY && t->slot->row.first_byte_ns && !t->has_head)
        return "a header is longer than libcurl takes";
    if (code == CURLE_WEIRD_SERVER_REPLY ||
        (code == CURLE_RECV_ERROR && strstr(t->error, "chunked-encoding")))
        return words_of(t, code);
    return NULL;
}

/* A server that does not know HTTP/2 closes when it is greeted in it. */
static void fail_without_answer(struct tkp_curl_transfer *t, bool closed, CURLcode code)
{
    enum tkp_http_version version = t->multi->curl->w->shared->plan->http_version;
    const char *words = words_of(t, code);
    if (code == CURLE_HTTP2_STREAM)
        words = "the stream was reset before any byte of the answer";
    else if (closed && version == TKP_HTTP_VERSION_2_PRIOR)
        words = "the connection was closed before any byte of the answer; does the server speak "
                "HTTP/2?";
    else if (closed)
        words = "the connection was closed before any byte of the answer";
    tkp_row_end_text(&t->slot->row, TKP_OUTCOME_NO_RESPONSE, closed ? "closed" : "reset", words);
}

static void fail_answer(struct tkp_curl_transfer *t, CURLcode code)
{
    struct tkp_slot *slot = t->slot;
    bool closed = code == CURLE_GOT_NOTHING || code == CURLE_PARTIAL_FILE;
    const char *error = misread(t, code);
    if (error)
        tkp_answer_refuse(slot, error);
    else if (slot->row.received_bytes)
        tkp_answer_lose(t->multi->curl->w, slot, tkp_http_response_end(&slot->http), !closed);
    else
        fail_without_answer(t, closed, code);
}

void tkp_curl_fail(struct tkp_curl_transfer *t, CURLcode code)
{
    if (t->slot->row.send_start_ns && is_refused_late(t))
        fail_handshake(t, code);
    else if (t->slot->row.send_start_ns)
        fail_answer(t, code);
    else
        fail_connection(t, code);
    /* whatever else libcurl has to say */
    tkp_row_end_text(&t->slot->row, TKP_OUTCOME_CLIENT_ERROR, "libcurl", words_of(t, code));
}

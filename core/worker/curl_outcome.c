/* SPDX-License-Identifier: Apache-2.0 */
/* From libcurl's words for a failure to the outcome that the native transport has for it. */
#include <worker/curl_parts.h>

#include <errno.h>
#include <string.h>
#include <worker/answer.h>
#include <worker/request.h>
#include <worker/row_text.h>

static const char *words_of(const struct tkp_curl_transfer *t, CURLcode code)
{
    return t->error[0] ? t->error : curl_easy_strerror(code);
}

/* ---- before the request had a connection ---- */

static void fail_tls(struct tkp_curl_transfer *t, const char *type, CURLcode code)
{
    tkp_row_end_text(&t->slot->row, TKP_OUTCOME_TLS_ERROR, type, words_of(t, code));
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
        fail_tls(t, "verify", code);
        break;
    case CURLE_SSL_CONNECT_ERROR:
        fail_tls(t, strstr(t->error, "wrong version number") ? "not_tls" : "handshake", code);
        break;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
        fail_tls(t, "handshake", code);
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

/* What came is not HTTP, as far as libcurl's own parser can tell. */
static bool is_misread(const struct tkp_curl_transfer *t, CURLcode code)
{
    return code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_WEIRD_SERVER_REPLY ||
           (code == CURLE_RECV_ERROR && strstr(t->error, "chunked-encoding"));
}

static void fail_answer(struct tkp_curl_transfer *t, CURLcode code)
{
    struct tkp_slot *slot = t->slot;
    bool closed = code == CURLE_GOT_NOTHING || code == CURLE_PARTIAL_FILE;
    if (is_misread(t, code))
        tkp_answer_refuse(slot, words_of(t, code));
    else if (slot->row.received_bytes)
        tkp_answer_lose(t->multi->curl->w, slot, tkp_http_response_end(&slot->http), !closed);
    else
        tkp_row_end_text(&slot->row, TKP_OUTCOME_NO_RESPONSE, closed ? "closed" : "reset",
                         closed ? "the connection was closed before any byte of the answer"
                                : words_of(t, code));
}

void tkp_curl_fail(struct tkp_curl_transfer *t, CURLcode code)
{
    if (t->slot->row.send_start_ns)
        fail_answer(t, code);
    else
        fail_connection(t, code);
    /* whatever else libcurl has to say */
    tkp_row_end_text(&t->slot->row, TKP_OUTCOME_CLIENT_ERROR, "libcurl", words_of(t, code));
}

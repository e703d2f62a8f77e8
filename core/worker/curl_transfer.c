/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request on a libcurl handle: what is sent, libcurl's callbacks on the way, and its end. The
 * callbacks give the head to the strict parser line by line and the body to answer.h; libcurl
 * undoes the transfer coding. Nothing is ended inside of a callback.
 */
#include <worker/curl_parts.h>

#include <base/text.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <target/curl_options.h>
#include <unistd.h>
#include <worker/answer.h>
#include <worker/request.h>
#include <worker/row_text.h>

enum { MAX_BODY_BYTES = 1 << 30 }; /* far above what a dataset renders */

static struct tkp_worker *worker_of(const struct tkp_curl_transfer *t)
{
    return t->multi->curl->w;
}

static const struct tkp_target *target_of(const struct tkp_curl_transfer *t)
{
    return &worker_of(t)->shared->targets[t->slot->event.url_index];
}

/* ---- the connection ---- */

/* CURLOPT_OPENSOCKETFUNCTION */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct tkp_curl_transfer *t = context;
    struct tkp_worker *w = worker_of(t);
    int fd;
    (void)purpose;
    t->must_open = t->multi->curl->joins && !t->opens;
    if (t->must_open)
        return CURL_SOCKET_BAD;
    if (!t->opened && t->attempts)
        t->slot->row.connect_start_ns = tkp_clock_now_ns();
    t->opened = true;
    t->socket_errno = tkp_connections_socket(&w->connections, address->family, &fd);
    if (!t->socket_errno)
        return fd;
    if (fd >= 0)
        close(fd);
    return CURL_SOCKET_BAD;
}

/* libcurl knows when TCP was connected, as a span since it began, but not when a proxy's tunnel
 * was.
 */
static void note_tls(struct tkp_curl_transfer *t)
{
    struct tkp_row *row = &t->slot->row;
    curl_off_t connected_us = 0;
    if (target_of(t)->url->scheme == TKP_URL_HTTPS && !worker_of(t)->shared->proxy &&
        curl_easy_getinfo(t->easy, CURLINFO_CONNECT_TIME_T, &connected_us) == CURLE_OK &&
        connected_us > 0)
        row->tls_start_ns = t->begin_ns + (uint64_t)connected_us * TKP_NS_PER_US;
    if (row->tls_start_ns > row->connect_end_ns)
        row->tls_start_ns = row->connect_end_ns;
}

/* CURLOPT_PREREQFUNCTION: the request has a connection and goes out next. A second time: libcurl
 * repeats it, since its connection was lost before any byte of an answer, or its stream refused. */
static int begin_sending(void *context, char *remote, char *local, int remote_port, int local_port)
{
    struct tkp_curl_transfer *t = context;
    struct tkp_worker *w = worker_of(t);
    struct tkp_row *row = &t->slot->row;
    (void)remote, (void)local, (void)remote_port, (void)local_port;
    w->now_ns = tkp_clock_now_ns();
    if (t->attempts++) {
        row->retries++;
        tkp_gauge_add(&w->stats.retries, 1);
    }
    if (t->opened) {
        row->connect_end_ns = w->now_ns;
        if (!row->retries)
            note_tls(t);
        row->flags &= ~(uint32_t)TKP_ROW_REUSED;
        t->slot->backoff_ns = 0;
        tkp_gauge_set(&w->stats.connect_errors_in_row, 0);
    } else {
        row->connect_start_ns = row->connect_end_ns = row->tls_start_ns = 0;
        row->flags |= TKP_ROW_REUSED;
    }
    t->opened = false;
    row->send_start_ns = w->now_ns;
    row->send_end_ns = 0;
    t->slot->sent_all = false;
    tkp_request_arm(w, t->slot);
    return CURL_PREREQFUNC_OK;
}

/* CURLOPT_XFERINFOFUNCTION: what has been handed over of the request, and when all had. */
static int look_at_progress(void *context, curl_off_t down_total, curl_off_t down,
                            curl_off_t up_total, curl_off_t up)
{
    const struct tkp_curl_transfer *t = context;
    struct tkp_row *row = &t->slot->row;
    (void)down_total, (void)down, (void)up_total;
    if (t->slot->sent_all || !row->send_start_ns)
        return 0;
    row->sent_bytes = t->head_bytes + (uint64_t)up;
    if ((uint64_t)up < t->body_bytes)
        return 0;
    t->slot->sent_all = true;
    row->send_end_ns = worker_of(t)->now_ns = tkp_clock_now_ns();
    return 0;
}

/* ---- the answer ---- */

/* Bytes have come; all that one call of libcurl reads share the time of the first. */
static void note_bytes(struct tkp_curl_transfer *t, size_t len)
{
    struct tkp_worker *w = worker_of(t);
    struct tkp_slot *slot = t->slot;
    uint64_t *stamp_ns = &t->multi->curl->stamp_ns;
    if (!*stamp_ns)
        *stamp_ns = w->now_ns = tkp_clock_now_ns();
    if (slot->last_read_ns != *stamp_ns)
        slot->row.read_count += w->shared->plan->http_trace;
    slot->last_read_ns = slot->arrival_ns = *stamp_ns;
    slot->row.received_bytes += len;
    if (slot->row.first_byte_ns)
        return;
    slot->row.first_byte_ns = *stamp_ns;
    tkp_gauge_set(&w->stats.connect_errors_in_row, 0);
    tkp_request_arm(w, slot);
}

static void note_decided(struct tkp_curl_transfer *t)
{
    struct tkp_worker *w = worker_of(t);
    if (t->slot->row.outcome == TKP_OUTCOME_NONE || t->slot->decided_ns)
        return;
    t->slot->decided_ns = w->now_ns;
    tkp_request_arm(w, t->slot);
}

/* A server that does not speak the version that was asked for is not measured in another. */
static bool is_right_version(struct tkp_curl_transfer *t)
{
    bool wants_http2 = worker_of(t)->shared->plan->http_version != TKP_HTTP_VERSION_1_1;
    if (t->is_http2 == wants_http2)
        return true;
    tkp_row_end_text(&t->slot->row, TKP_OUTCOME_CONNECT_ERROR, "http_version",
                     wants_http2 ? "the server did not agree to HTTP/2; leave --http-version out"
                                 : "the server answers in HTTP/2 although HTTP/1.1 was asked for");
    return false;
}

/* A line of the head, with its line end; false: it is refused. */
static bool take_line(struct tkp_curl_transfer *t, char *line, size_t len)
{
    struct tokperf_span body;
    char *at = line, *end = line + len;
    switch (tkp_http_response_next(&t->slot->http, &at, end, &body)) {
    case TKP_HTTP_HEAD:
        t->has_head = true;
        tkp_answer_begin(worker_of(t), t->slot);
        break;
    case TKP_HTTP_BAD:
        tkp_answer_refuse(t->slot, t->slot->http.error);
        return false;
    case TKP_HTTP_MORE:
    case TKP_HTTP_BODY:
    case TKP_HTTP_DONE:
        break;
    }
    note_decided(t);
    return true;
}

/* CURLOPT_HEADERFUNCTION: a line at a time, informational heads and trailers too. */
static size_t take_head(char *data, size_t size, size_t count, void *context)
{
    static const char http2[] = "HTTP/2 ", http1[] = "HTTP/1.1 ";
    struct tkp_curl_transfer *t = context;
    struct tkp_worker *w = worker_of(t);
    size_t len = size * count;
    note_bytes(t, len);
    if (t->has_head) /* a trailer */
        return len;
    if (len > TKP_WORKER_READ_BYTES / 2)
        return 0;
    size_t used = 0;
    bool is_status = len > 5 && memcmp(data, "HTTP/", 5) == 0;
    if (len >= sizeof http2 && memcmp(data, http2, sizeof http2 - 1) == 0) {
        t->is_http2 = true;
        memcpy(w->read_buffer, http1, sizeof http1 - 1);
        used = sizeof http1 - 1;
        data += sizeof http2 - 1;
        len -= sizeof http2 - 1;
    }
    if (is_status && !is_right_version(t))
        return 0;
    memcpy(w->read_buffer + used, data, len); /* libcurl's bytes are not ours to write */
    return take_line(t, w->read_buffer, used + len) ? size * count : 0;
}

/* CURLOPT_WRITEFUNCTION: at most CURL_MAX_WRITE_SIZE, which is less than the read buffer. */
static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct tkp_curl_transfer *t = context;
    struct tkp_worker *w = worker_of(t);
    size_t len = size * count;
    char *at = w->read_buffer, *end = at + len;
    struct tokperf_span body;
    if (len > TKP_WORKER_READ_BYTES || !t->has_head)
        return 0;
    note_bytes(t, len);
    memcpy(at, data, len);
    w->now_ns = tkp_clock_now_ns();
    if (t->slot->http.chunked) { /* its coding is undone already */
        tkp_answer_take(w, t->slot, at, len);
    } else {
        while (tkp_http_response_next(&t->slot->http, &at, end, &body) == TKP_HTTP_BODY)
            tkp_answer_take(w, t->slot, at - body.len, body.len);
        t->complete = tkp_http_response_end(&t->slot->http) == TKP_HTTP_END_AFTER;
    }
    if (tkp_answer_is_success(t->slot))
        tkp_answer_note_time(w, t->slot);
    note_decided(t);
    return len;
}

/* ---- the handle ---- */

/* libcurl's deadlines are none of ours: the slot's come first. */
static bool set_limits(CURL *easy, const struct tkp_plan *plan)
{
    uint64_t ms = plan->connect_timeout_ns / TKP_NS_PER_MS + 60000;
    return curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, ms < INT_MAX ? (long)ms : INT_MAX) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

static bool set_callbacks(struct tkp_curl_transfer *t)
{
    CURL *e = t->easy;
    return curl_easy_setopt(e, CURLOPT_PRIVATE, t) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->error) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, begin_sending) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_PREREQDATA, t) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, look_at_progress) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_XFERINFODATA, t) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, take_head) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_HEADERDATA, t) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_WRITEDATA, t) == CURLE_OK;
}

static bool set_fixed(struct tkp_curl_transfer *t)
{
    const struct tkp_curl *curl = t->multi->curl;
    const struct tkp_plan *plan = curl->w->shared->plan;
    long never = plan->reuse == TKP_REUSE_NEVER;
    long waits = plan->http_version != TKP_HTTP_VERSION_1_1 && !never;
    return set_limits(t->easy, plan) && set_callbacks(t) && tkp_curl_options_set(t->easy, plan) &&
           curl_easy_setopt(t->easy, CURLOPT_SHARE, curl->share) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_RESOLVE, curl->addresses) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_PIPEWAIT, waits) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, never) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, never) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_HTTP_CONTENT_DECODING, 0L) == CURLE_OK;
}

struct tkp_curl_transfer *tkp_curl_transfer_create(struct tkp_curl_multi *multi)
{
    struct tkp_curl_transfer *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->multi = multi;
    tkp_buffer_init(&t->body, MAX_BODY_BYTES);
    t->easy = curl_easy_init();
    if (t->easy && set_fixed(t))
        return t;
    tkp_curl_transfer_destroy(t);
    return NULL;
}

void tkp_curl_transfer_destroy(struct tkp_curl_transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    tkp_buffer_finish(&t->body);
    free(t);
}

/* ---- the life of a request ---- */

/* Where a connection has to be opened by a request that says so. */
static bool set_joining(struct tkp_curl_transfer *t, bool opens)
{
    t->opens = opens;
    t->must_open = false;
    return !t->multi->curl->joins ||
           (curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION,
                             opens ? (long)CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE
                                   : (long)CURL_HTTP_VERSION_2TLS) == CURLE_OK &&
            curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, (long)opens) == CURLE_OK);
}

static bool open_instead(struct tkp_curl_transfer *t)
{
    curl_multi_remove_handle(t->multi->handle, t->easy);
    return set_joining(t, true) && curl_multi_add_handle(t->multi->handle, t->easy) == CURLM_OK;
}

static bool add_to_multi(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_curl_transfer *t = tkp_curl_take_transfer(w->curl);
    if (!t)
        return false;
    t->slot = slot;
    slot->transfer = t;
    t->begin_ns = w->now_ns;
    t->attempts = 0;
    t->socket_errno = 0;
    t->opened = t->has_head = t->is_http2 = t->complete = false;
    t->error[0] = '\0';
    return !t->is_spoilt && tkp_curl_request_set(t) && set_joining(t, false) &&
           curl_multi_add_handle(t->multi->handle, t->easy) == CURLM_OK;
}

void tkp_curl_start(struct tkp_worker *w, struct tkp_slot *slot)
{
    w->now_ns = tkp_clock_now_ns();
    if (!slot->row.connect_start_ns) /* else it has waited for a backlog */
        slot->row.connect_start_ns = w->now_ns;
    if (!add_to_multi(w, slot)) {
        tkp_row_end_text(&slot->row, TKP_OUTCOME_CLIENT_ERROR, "memory",
                         "there is no memory for the request, or its head exceeds 256 KiB");
        tkp_request_end(w, slot, false);
        return;
    }
    tkp_request_arm(w, slot);
    tkp_curl_act(slot->transfer->multi, CURL_SOCKET_TIMEOUT, 0);
    if (slot->transfer && slot->transfer->opens) /* it has begun anew */
        tkp_curl_act(slot->transfer->multi, CURL_SOCKET_TIMEOUT, 0);
}

/* libcurl counts what it repeats over all requests of a handle and fails at the sixth. */
static void forget_retries(struct tkp_curl_transfer *t)
{
    curl_easy_reset(t->easy);
    t->is_spoilt = !set_fixed(t);
}

void tkp_curl_end(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_curl_transfer *t = slot->transfer;
    (void)w;
    slot->transfer = NULL;
    curl_multi_remove_handle(t->multi->handle,
                             t->easy); /* with its connection, when it is in use */
    t->slot = NULL;
    if (t->attempts > 1)
        forget_retries(t);
    curl_slist_free_all(t->headers);
    t->headers = NULL;
    tkp_buffer_clear(&t->body);
    tkp_curl_give_transfer(t);
}

/* The body has come to its end, as far as libcurl knows. */
static void end_body(struct tkp_curl_transfer *t)
{
    struct tkp_slot *slot = t->slot;
    enum tkp_http_end where = tkp_http_response_end(&slot->http);
    if (!t->has_head || (where == TKP_HTTP_END_CLOSED && !t->is_http2))
        tkp_answer_lose(worker_of(t), slot, where, false);
    else
        tkp_answer_end(worker_of(t), slot);
}

/* Of a UNIX socket that does not connect at once libcurl waits for what never comes, and then knows
 * no reason. */
static bool found_backlog_full(const struct tkp_curl_transfer *t, CURLcode code)
{
    long reason = 0;
    return code == CURLE_COULDNT_CONNECT && !t->socket_errno &&
           target_of(t)->url->scheme == TKP_URL_UNIX &&
           curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &reason) == CURLE_OK &&
           (!reason || reason == EAGAIN);
}

void tkp_curl_transfer_done(struct tkp_curl_transfer *t, CURLcode code)
{
    struct tkp_worker *w = worker_of(t);
    struct tkp_slot *slot = t->slot;
    bool is_connecting = !slot->row.send_start_ns;
    if (t->must_open && open_instead(t))
        return;
    if (is_connecting && found_backlog_full(t, code)) {
        tkp_curl_end(w, slot);
        tkp_request_wait_for_backlog(w, slot);
        return;
    }
    if (code == CURLE_OK || t->complete)
        end_body(t);
    else if (code != CURLE_WRITE_ERROR || slot->row.outcome == TKP_OUTCOME_NONE)
        tkp_curl_fail(t, code);
    if (is_connecting)
        tkp_request_fail_connect(w, slot);
    else
        tkp_request_end(w, slot, false);
}

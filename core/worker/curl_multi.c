/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multi handles of one worker, filled one after the other, and what they ask of its event loop:
 * sockets, watched level-triggered as libcurl expects, and one timer each.
 */
#include <worker/curl_parts.h>

#include <arpa/inet.h>
#include <base/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <worker/request.h>

/* ---- sockets ---- */

static uint32_t epoll_events(int what)
{
    return (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
           (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
}

static struct tkp_curl_socket *take_socket(struct tkp_curl_multi *multi, curl_socket_t fd)
{
    struct tkp_curl *curl = multi->curl;
    struct tkp_curl_socket *s = curl->free;
    if (s)
        curl->free = s->next;
    else if (!(s = malloc(sizeof *s)))
        return NULL;
    *s = (struct tkp_curl_socket){.connection = {.fd = fd, .state = TKP_CONNECTION_CURL},
                                  .multi = multi};
    return s;
}

static int unwatch(struct tkp_curl_multi *multi, curl_socket_t fd, struct tkp_curl_socket *s)
{
    if (!s)
        return 0;
    tkp_loop_unwatch(&multi->curl->w->loop, fd);
    s->connection.state = TKP_CONNECTION_CLOSED;
    s->next = multi->curl->closed;
    multi->curl->closed = s;
    curl_multi_assign(multi->handle, fd, NULL);
    return 0;
}

/* CURLMOPT_SOCKETFUNCTION */
static int watch(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    struct tkp_curl_multi *multi = context;
    struct tkp_curl_socket *s = known;
    struct tkp_loop *loop = &multi->curl->w->loop;
    (void)easy;
    if (what == CURL_POLL_REMOVE)
        return unwatch(multi, fd, s);
    if (s)
        return tkp_loop_watch_level(loop, fd, epoll_events(what), s, false) == 0 ? 0 : -1;
    s = take_socket(multi, fd);
    if (!s)
        return -1;
    if (tkp_loop_watch_level(loop, fd, epoll_events(what), s, true) != 0) {
        s->next = multi->curl->free;
        multi->curl->free = s;
        return -1;
    }
    curl_multi_assign(multi->handle, fd, s);
    return 0;
}

void tkp_curl_ready(struct tkp_worker *w, struct tkp_connection *connection, uint32_t events)
{
    struct tkp_curl_socket *s = (struct tkp_curl_socket *)(void *)connection;
    int bits = 0;
    (void)w;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
        bits |= CURL_CSELECT_IN;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        bits |= CURL_CSELECT_OUT;
    tkp_curl_act(s->multi, connection->fd, bits);
}

void tkp_curl_recycle(struct tkp_curl *curl)
{
    while (curl->closed) {
        struct tkp_curl_socket *s = curl->closed;
        curl->closed = s->next;
        s->next = curl->free;
        curl->free = s;
    }
}

/* ---- timers ---- */

/* CURLMOPT_TIMERFUNCTION */
static int set_timer(CURLM *handle, long timeout_ms, void *context)
{
    struct tkp_curl_multi *multi = context;
    (void)handle;
    multi->at_ns = TKP_NEVER_NS;
    if (timeout_ms >= 0)
        multi->at_ns = tkp_clock_after_ns(tkp_clock_now_ns(), (uint64_t)timeout_ms * TKP_NS_PER_MS);
    return 0;
}

uint64_t tkp_curl_next_ns(const struct tkp_curl *curl)
{
    uint64_t at_ns = TKP_NEVER_NS;
    for (uint32_t i = 0; i < curl->multi_count; i++)
        if (curl->multis[i]->at_ns < at_ns)
            at_ns = curl->multis[i]->at_ns;
    return at_ns;
}

/* libcurl tells of a timer only when its time changes: after one has run, it is asked. */
static void run_timer(struct tkp_curl_multi *multi)
{
    long timeout_ms = -1;
    multi->at_ns = TKP_NEVER_NS;
    tkp_curl_act(multi, CURL_SOCKET_TIMEOUT, 0);
    if (curl_multi_timeout(multi->handle, &timeout_ms) == CURLM_OK)
        set_timer(multi->handle, timeout_ms, multi);
}

void tkp_curl_run_timers(struct tkp_worker *w)
{
    struct tkp_curl *curl = w->curl;
    for (uint32_t i = 0; i < curl->multi_count; i++)
        if (curl->multis[i]->at_ns <= w->now_ns)
            run_timer(curl->multis[i]);
}

/* ---- calls ---- */

void tkp_curl_act(struct tkp_curl_multi *multi, curl_socket_t fd, int events)
{
    int running, left;
    struct CURLMsg *message;
    multi->curl->stamp_ns = 0;
    curl_multi_socket_action(multi->handle, fd, events, &running);
    multi->curl->w->now_ns = tkp_clock_now_ns();
    while ((message = curl_multi_info_read(multi->handle, &left))) {
        void *transfer = NULL;
        CURLcode code = message->data.result;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer) ==
                CURLE_OK)
            tkp_curl_transfer_done(transfer, code);
    }
}

/* ---- multi handles ---- */

static bool set_multi(struct tkp_curl_multi *multi, bool multiplexes)
{
    CURLM *h = multi->handle;
    const long connections = TKP_CURL_CONNECTIONS_EACH, streams = TKP_CURL_STREAMS_EACH;
    return curl_multi_setopt(h, CURLMOPT_SOCKETFUNCTION, watch) == CURLM_OK &&
           curl_multi_setopt(h, CURLMOPT_SOCKETDATA, multi) == CURLM_OK &&
           curl_multi_setopt(h, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
           curl_multi_setopt(h, CURLMOPT_TIMERDATA, multi) == CURLM_OK &&
           curl_multi_setopt(h, CURLMOPT_MAXCONNECTS, connections) == CURLM_OK &&
           curl_multi_setopt(h, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections) == CURLM_OK &&
           curl_multi_setopt(h, CURLMOPT_MAX_CONCURRENT_STREAMS, streams) == CURLM_OK &&
           curl_multi_setopt(h, CURLMOPT_PIPELINING,
                             multiplexes ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING) == CURLM_OK;
}

static void destroy_multi(struct tkp_curl_multi *multi)
{
    while (multi->idle) {
        struct tkp_curl_transfer *t = multi->idle;
        multi->idle = t->next;
        tkp_curl_transfer_destroy(t);
    }
    curl_multi_cleanup(multi->handle);
    free(multi);
}

static struct tkp_curl_multi *add_multi(struct tkp_curl *curl)
{
    uint32_t count = curl->multi_count;
    const struct tkp_plan *plan = curl->w->shared->plan;
    if ((count & (count - 1)) == 0) { /* 0 or a power of two: the list is full and doubles */
        struct tkp_curl_multi **list =
            realloc(curl->multis, (count ? 2 * (size_t)count : 1) * sizeof *list);
        if (!list)
            return NULL;
        curl->multis = list;
    }
    struct tkp_curl_multi *multi = calloc(1, sizeof *multi);
    if (!multi)
        return NULL;
    multi->handle = curl_multi_init();
    multi->curl = curl;
    multi->index = count;
    multi->at_ns = TKP_NEVER_NS;
    if (!multi->handle || !set_multi(multi, plan->http_version != TKP_HTTP_VERSION_1_1 &&
                                                plan->reuse != TKP_REUSE_NEVER)) {
        destroy_multi(multi);
        return NULL;
    }
    curl->multis[curl->multi_count++] = multi;
    return multi;
}

struct tkp_curl_transfer *tkp_curl_take_transfer(struct tkp_curl *curl)
{
    while (curl->room_from < curl->multi_count &&
           curl->multis[curl->room_from]->busy == curl->requests_each)
        curl->room_from++;
    struct tkp_curl_multi *multi =
        curl->room_from < curl->multi_count ? curl->multis[curl->room_from] : add_multi(curl);
    if (!multi)
        return NULL;
    struct tkp_curl_transfer *t = multi->idle;
    if (t)
        multi->idle = t->next;
    else
        t = tkp_curl_transfer_create(multi);
    multi->busy += t != NULL;
    return t;
}

void tkp_curl_give_transfer(struct tkp_curl_transfer *t)
{
    struct tkp_curl_multi *multi = t->multi;
    t->next = multi->idle;
    multi->idle = t;
    multi->busy--;
    if (multi->index < multi->curl->room_from)
        multi->curl->room_from = multi->index;
}

/* ---- the worker's ---- */

/* "host:port:address,address": what main has resolved is not looked up again. */
static bool add_addresses(struct tkp_curl *curl, const struct tkp_target *target)
{
    char text[1024];
    int used = snprintf(text, sizeof text, "%s:%u:", target->url->host, target->url->port);
    uint32_t added = 0;
    for (uint32_t i = 0; i < target->address_count; i++) {
        char address[INET6_ADDRSTRLEN];
        bool is_v6 = target->addresses[i].ss_family == AF_INET6;
        const void *bytes =
            is_v6
                ? (const void *)&((const struct sockaddr_in6 *)(const void *)&target->addresses[i])
                      ->sin6_addr
                : (const void *)&((const struct sockaddr_in *)(const void *)&target->addresses[i])
                      ->sin_addr;
        if (target->addresses[i].ss_family == AF_UNIX || used < 0 || used >= (int)sizeof text)
            continue;
        inet_ntop(target->addresses[i].ss_family, bytes, address, sizeof address);
        used += snprintf(text + used, sizeof text - (size_t)used, "%s%s%s%s", added++ ? "," : "",
                         is_v6 ? "[" : "", address, is_v6 ? "]" : "");
    }
    if (!added || used < 0 || used >= (int)sizeof text)
        return true; /* a path, a name that the proxy resolves, or no name at all */
    struct curl_slist *longer = curl_slist_append(curl->addresses, text);
    if (longer)
        curl->addresses = longer;
    return longer != NULL;
}

static bool init(struct tkp_curl *curl)
{
    const struct tkp_worker_shared *shared = curl->w->shared;
    bool is_http2 = shared->plan->http_version != TKP_HTTP_VERSION_1_1;
    curl->requests_each = is_http2 ? TKP_CURL_STREAMS_EACH : TKP_CURL_CONNECTIONS_EACH;
    curl->joins = shared->plan->http_version == TKP_HTTP_VERSION_2_PRIOR &&
                  shared->plan->reuse != TKP_REUSE_NEVER &&
                  curl_version_info(CURLVERSION_NOW)->version_num < 0x080000;
    curl->share = curl_share_init();
    if (!curl->share ||
        curl_share_setopt(curl->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK)
        return false;
    for (uint32_t i = 0; i < shared->plan->url_count; i++)
        if (!add_addresses(curl, &shared->targets[i]))
            return false;
    return !shared->proxy || add_addresses(curl, shared->proxy);
}

tokperf_status tkp_curl_create(struct tkp_worker *w, struct tkp_curl **curl,
                               struct tokperf_error *error)
{
    struct tkp_curl *c = calloc(1, sizeof *c);
    *curl = c;
    if (c)
        c->w = w;
    if (!c || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !init(c))
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for libcurl of worker %u", w->index);
    return TOKPERF_OK;
}

static void free_sockets(struct tkp_curl_socket *list)
{
    while (list) {
        struct tkp_curl_socket *next = list->next;
        free(list);
        list = next;
    }
}

void tkp_curl_destroy(struct tkp_curl *curl)
{
    if (!curl)
        return;
    for (uint32_t i = 0; i < curl->multi_count; i++)
        destroy_multi(curl->multis[i]);
    free(curl->multis);
    free_sockets(curl->closed);
    free_sockets(curl->free);
    curl_slist_free_all(curl->addresses);
    curl_share_cleanup(curl->share);
    free(curl);
    curl_global_cleanup();
}

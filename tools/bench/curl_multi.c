/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client on libcurl's multi interface costs: N connections send M POSTs of one body and drop
 * the answers. One thread, one epoll set, and at most 64 connections per multi handle, since a
 * handle gets slower with the number of its connections. A program of tools/bench, no part of
 * tokperf. Prints the number of answers; exit 1 unless all came with status 200.
 */
#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_PER_MULTI = 64,
    EVENTS_PER_WAIT = 256,
    MAX_CONNECTIONS = 100000,
    MAX_BODY_BYTES = 1 << 20
};

#define NEVER_MS INT64_MAX

struct bench {
    int epoll_fd;
    uint64_t wanted, started, ended, failed;
    struct group *groups;
    size_t group_count;
};

/* One multi handle. */
struct group {
    struct bench *bench;
    CURLM *multi;
    int64_t due_ms; /* when it wants to be called without an event */
};

/* ---- what libcurl calls ---- */

static int64_t read_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static size_t drop_body(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    (void)context;
    return size * count;
}

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct group *group = context;
    (void)multi;
    group->due_ms = timeout_ms < 0 ? NEVER_MS : read_clock_ms() + timeout_ms;
    return 0;
}

/* The group travels with the socket in the epoll data, the socket's number beside it: a group's
 * index and a descriptor fit into 32 bits each. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    struct group *group = context;
    struct bench *bench = group->bench;
    uint64_t index = (uint64_t)(group - bench->groups);
    struct epoll_event event = {.data.u64 = index << 32 | (uint32_t)fd};
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(bench->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    if (what & CURL_POLL_IN)
        event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT)
        event.events |= EPOLLOUT;
    if (epoll_ctl(bench->epoll_fd, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0)
        return -1;
    if (!known)
        curl_multi_assign(group->multi, fd, group);
    return 0;
}

/* ---- the load ---- */

static void start_request(struct group *group, CURL *easy)
{
    struct bench *bench = group->bench;
    if (bench->started == bench->wanted) {
        curl_easy_cleanup(easy);
        return;
    }
    bench->started++;
    curl_multi_add_handle(group->multi, easy);
}

static void take_results(struct group *group)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(group->multi, &left))) {
        long status = 0;
        CURL *easy = message->easy_handle;
        CURLcode result = message->data.result;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        group->bench->ended++;
        group->bench->failed += result != CURLE_OK || status != 200;
        curl_multi_remove_handle(group->multi, easy);
        start_request(group, easy);
    }
}

static void act(struct group *group, curl_socket_t fd, int what)
{
    int running;
    curl_multi_socket_action(group->multi, fd, what, &running);
    take_results(group);
}

static void run_timers(struct bench *bench)
{
    int64_t now_ms = read_clock_ms();
    for (size_t i = 0; i < bench->group_count; i++) {
        struct group *group = &bench->groups[i];
        if (group->due_ms > now_ms)
            continue;
        group->due_ms = NEVER_MS;
        act(group, CURL_SOCKET_TIMEOUT, 0);
    }
}

static int next_timeout_ms(const struct bench *bench)
{
    int64_t due_ms = NEVER_MS, now_ms = read_clock_ms();
    for (size_t i = 0; i < bench->group_count; i++)
        if (bench->groups[i].due_ms < due_ms)
            due_ms = bench->groups[i].due_ms;
    if (due_ms == NEVER_MS)
        return 1000;
    return due_ms <= now_ms ? 0 : (int)(due_ms - now_ms < 1000 ? due_ms - now_ms : 1000);
}

static void run(struct bench *bench)
{
    struct epoll_event events[EVENTS_PER_WAIT];
    while (bench->ended < bench->wanted) {
        int count = epoll_wait(bench->epoll_fd, events, EVENTS_PER_WAIT, next_timeout_ms(bench));
        for (int i = 0; i < count; i++) {
            uint32_t ready = events[i].events;
            int what = (ready & EPOLLIN ? CURL_CSELECT_IN : 0) |
                       (ready & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                       (ready & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
            act(&bench->groups[events[i].data.u64 >> 32],
                (curl_socket_t)(events[i].data.u64 & UINT32_MAX), what);
        }
        run_timers(bench);
    }
}

/* ---- set-up ---- */

static CURL *make_easy(const char *url, const char *body, size_t body_bytes,
                       struct curl_slist *headers)
{
    CURL *easy = curl_easy_init();
    if (!easy)
        return NULL;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)body_bytes);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_body);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    return easy;
}

static bool make_group(struct bench *bench, size_t index, size_t connections)
{
    struct group *group = &bench->groups[index];
    *group = (struct group){bench, curl_multi_init(), NEVER_MS};
    if (!group->multi)
        return false;
    curl_multi_setopt(group->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(group->multi, CURLMOPT_SOCKETDATA, group);
    curl_multi_setopt(group->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(group->multi, CURLMOPT_TIMERDATA, group);
    curl_multi_setopt(group->multi, CURLMOPT_MAXCONNECTS, (long)connections);
    return true;
}

static bool start(struct bench *bench, size_t connections, const char *url, const char *body,
                  size_t body_bytes)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    bench->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    bench->group_count = (connections + CONNECTIONS_PER_MULTI - 1) / CONNECTIONS_PER_MULTI;
    bench->groups = calloc(bench->group_count, sizeof *bench->groups);
    if (bench->epoll_fd < 0 || !bench->groups)
        return false;
    for (size_t i = 0; i < bench->group_count; i++)
        if (!make_group(bench, i, CONNECTIONS_PER_MULTI))
            return false;
    for (size_t i = 0; i < connections; i++) {
        CURL *easy = make_easy(url, body, body_bytes, headers);
        if (!easy)
            return false;
        start_request(&bench->groups[i / CONNECTIONS_PER_MULTI], easy);
    }
    return true; /* the headers live as long as the program */
}

static void finish(struct bench *bench)
{
    for (size_t i = 0; bench->groups && i < bench->group_count; i++)
        curl_multi_cleanup(bench->groups[i].multi);
    free(bench->groups);
    if (bench->epoll_fd >= 0)
        close(bench->epoll_fd);
}

static size_t read_file(const char *path, char *out)
{
    FILE *file = fopen(path, "rbe");
    size_t bytes = file ? fread(out, 1, MAX_BODY_BYTES, file) : 0;
    if (file)
        fclose(file);
    return bytes;
}

int main(int count, char **words)
{
    static char body[MAX_BODY_BYTES];
    struct bench bench = {.epoll_fd = -1};
    size_t connections = count == 5 ? strtoul(words[2], NULL, 10) : 0;
    bench.wanted = count == 5 ? strtoul(words[3], NULL, 10) : 0;
    if (!connections || connections > MAX_CONNECTIONS || !bench.wanted) {
        fputs("Usage: curl_multi URL CONNECTIONS REQUESTS BODY_FILE\n", stderr);
        return 2;
    }
    size_t body_bytes = read_file(words[4], body);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (!body_bytes || !start(&bench, connections, words[1], body, body_bytes)) {
        fprintf(stderr, "curl_multi: cannot read %s, or no memory or descriptors\n", words[4]);
        finish(&bench);
        return 1;
    }
    run(&bench);
    printf("%llu answers, %llu failed\n", (unsigned long long)bench.ended,
           (unsigned long long)bench.failed);
    finish(&bench);
    return bench.failed ? 1 : 0;
}

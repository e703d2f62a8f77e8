/* SPDX-License-Identifier: Apache-2.0 */
/* Start and stop of the loops. Each has its own listening socket on the same port (SO_REUSEPORT),
 * so the kernel spreads connections and the loops share nothing. */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"

enum { BACKLOG = 4096 }; /* the kernel cuts it to net.core.somaxconn */

struct member {
    struct tkp_mock_loop loop;
    pthread_t thread;
};

struct tkp_mock_server {
    struct tkp_mock_shared shared;
    struct sockaddr_in address;
    struct member *members;
    size_t inited;  /* members with a loop */
    size_t started; /* members with a thread */
};

static void *run_member(void *argument)
{
    struct member *member = argument;
    tkp_mock_loop_run(&member->loop);
    return NULL;
}

/* A bound socket, or -1 with errno. Options set here are inherited by accepted connections. */
static int bind_one(const struct sockaddr_in *address, bool shares_port)
{
    const int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (shares_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        bind(fd, (const struct sockaddr *)address, sizeof *address) != 0 ||
        listen(fd, BACKLOG) != 0) {
        int cause = errno;
        (void)close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}

/* Fails when someone else listens on the port: SO_REUSEPORT alone would share it in silence. */
static bool is_port_free(const struct sockaddr_in *address)
{
    int fd = bind_one(address, false);
    if (fd < 0) {
        return false;
    }
    (void)close(fd);
    return true;
}

static bool start_member(struct tkp_mock_server *server, bool shares_port)
{
    struct member *member = &server->members[server->inited];
    int fd = bind_one(&server->address, shares_port);
    if (fd < 0) {
        return false;
    }
    socklen_t len = sizeof server->address; /* the others use the port that the first one got */
    server->inited++;
    server->shared.counters[server->shared.counter_sets++] = &member->loop.counters;
    return tkp_mock_loop_init(&member->loop, &server->shared, fd) &&
           getsockname(fd, (struct sockaddr *)&server->address, &len) == 0;
}

static bool start_members(struct tkp_mock_server *server, size_t count)
{
    if (!is_port_free(&server->address)) {
        return false;
    }
    while (server->inited < count) {
        if (!start_member(server, count > 1)) {
            return false;
        }
    }
    while (server->started < count) {
        struct member *member = &server->members[server->started];
        int result = pthread_create(&member->thread, NULL, run_member, member);
        if (result != 0) {
            errno = result;
            return false;
        }
        server->started++;
    }
    return true;
}

struct tkp_mock_server *tkp_mock_server_start(const struct tkp_mock_options *options, char *error,
                                              size_t error_bytes)
{
    size_t count = (size_t)options->threads;
    struct tkp_mock_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        (void)snprintf(error, error_bytes, "there is no memory to start with");
        return NULL;
    }
    server->shared.options = options;
    server->shared.start_ns = tkp_mock_now_ns();
    server->shared.stamp_fd = -1;
    server->shared.counters = calloc(count, sizeof(void *));
    server->members = calloc(count, sizeof *server->members);
    server->address.sin_family = AF_INET;
    server->address.sin_port = htons((uint16_t)options->port);
    (void)inet_pton(AF_INET, options->host, &server->address.sin_addr); /* checked by options.c */
    if (options->stamp_log != NULL &&
        (server->shared.stamp_fd = tkp_mock_stamp_log_open(options->stamp_log)) < 0) {
        (void)snprintf(error, error_bytes, "--stamp-log: cannot write '%s': %s", options->stamp_log,
                       strerror(errno));
    } else if (server->shared.counters == NULL || server->members == NULL ||
               !start_members(server, count)) {
        (void)snprintf(error, error_bytes,
                       "cannot listen on %s port %u: %s; choose another port, "
                       "or 0 for a free one",
                       options->host, (unsigned)options->port, strerror(errno));
    } else {
        return server;
    }
    (void)tkp_mock_server_stop(server);
    return NULL;
}

uint16_t tkp_mock_server_port(const struct tkp_mock_server *server)
{
    return ntohs(server->address.sin_port);
}

bool tkp_mock_server_stop(struct tkp_mock_server *server)
{
    bool complete = true;
    for (size_t i = 0; i < server->started; i++) {
        tkp_mock_loop_stop(&server->members[i].loop);
    }
    for (size_t i = 0; i < server->started; i++) {
        (void)pthread_join(server->members[i].thread, NULL);
    }
    for (size_t i = 0; i < server->inited; i++) {
        complete = tkp_mock_loop_finish(&server->members[i].loop) && complete;
    }
    if (server->shared.stamp_fd >= 0 && close(server->shared.stamp_fd) != 0) {
        complete = false;
    }
    free(server->members);
    free(server->shared.counters);
    free(server);
    return complete;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Threads, blocking sockets, and an eventfd that ends every wait. */
#include "scripted_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CONNECTIONS = 512, HEAD_BYTES = 16384, LAST_BYTES = 4096, MAX_SCRIPTS = 64 };

struct scripted_server {
    const struct script *scripts;
    int listen_fd, stop_fd;
    uint16_t port;
    pthread_t acceptor, threads[MAX_CONNECTIONS];
    pthread_mutex_t lock; /* of what follows */
    unsigned connections, requests;
    unsigned runs[MAX_SCRIPTS];
    char last[LAST_BYTES];
};

struct peer {
    struct scripted_server *server;
    int fd;
};

/* One request: head and the first bytes of its body. */
struct request {
    char head[HEAD_BYTES];
    size_t head_len, have; /* with the part of the body that came along */
    size_t body_bytes;
    char name[64];
};

/* false when the server stops before the time is over or fd is ready. */
static bool wait_for(const struct scripted_server *server, int fd, int ms)
{
    struct pollfd fds[2] = {{.fd = server->stop_fd, .events = POLLIN},
                            {.fd = fd, .events = POLLIN}};
    poll(fds, fd >= 0 ? 2 : 1, ms);
    return !(fds[0].revents & POLLIN);
}

static size_t body_length(const char *head)
{
    const char *line = strcasestr(head, "\r\ncontent-length:");
    return line ? strtoul(line + 17, NULL, 10) : 0;
}

static bool read_head(const struct peer *peer, struct request *r)
{
    r->have = 0;
    for (;;) {
        if (!wait_for(peer->server, peer->fd, -1))
            return false;
        ssize_t n = recv(peer->fd, r->head + r->have, HEAD_BYTES - 1 - r->have, 0);
        if (n <= 0)
            return false;
        r->have += (size_t)n;
        r->head[r->have] = '\0';
        char *end = strstr(r->head, "\r\n\r\n");
        if (!end)
            continue;
        r->head_len = (size_t)(end + 4 - r->head);
        r->body_bytes = body_length(r->head);
        return true;
    }
}

static bool read_body(const struct peer *peer, struct request *r)
{
    static _Thread_local char rest[65536];
    while (r->have < r->head_len + r->body_bytes) {
        bool fits = r->have < HEAD_BYTES - 1;
        ssize_t n = fits ? recv(peer->fd, r->head + r->have, HEAD_BYTES - 1 - r->have, 0)
                         : recv(peer->fd, rest, sizeof rest, 0);
        if (n <= 0)
            return false;
        r->have += (size_t)n;
        if (fits)
            r->head[r->have] = '\0';
    }
    return true;
}

/* The body begins with the name of the script; of an early one it need not be there yet. */
static const struct script *find_script(const struct scripted_server *server, struct request *r)
{
    size_t len = strcspn(r->head + r->head_len, "|");
    snprintf(r->name, sizeof r->name, "%.*s", (int)len, r->head + r->head_len);
    for (const struct script *s = server->scripts; s->name; s++)
        if (strncmp(r->name, s->name, strlen(s->name)) == 0)
            return s;
    return NULL;
}

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

static void send_by_byte(const struct peer *peer, const char *bytes)
{
    for (; *bytes; bytes++) {
        send_all(peer->fd, bytes, 1);
        wait_for(peer->server, -1, 0);
    }
}

static void echo(const struct peer *peer, const struct request *r)
{
    char text[LAST_BYTES];
    int n = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\nt:%.*s",
                     r->body_bytes + 2, (int)r->body_bytes, r->head + r->head_len);
    if (n > 0 && (size_t)n < sizeof text)
        send_all(peer->fd, text, (size_t)n);
}

/* How often the script ran before. */
static unsigned count_run(struct scripted_server *server, const struct script *script)
{
    pthread_mutex_lock(&server->lock);
    unsigned before = server->runs[script - server->scripts]++;
    pthread_mutex_unlock(&server->lock);
    return before;
}

/* false: the connection is to be closed. */
static bool run_step(const struct peer *peer, const struct request *r, const struct script *script,
                     const struct script_step *step)
{
    struct linger reset = {1, 0};
    switch (step->kind) {
    case SCRIPT_SEND:
        send_all(peer->fd, step->bytes, strlen(step->bytes));
        break;
    case SCRIPT_SEND_BY_BYTE:
        send_by_byte(peer, step->bytes);
        break;
    case SCRIPT_WAIT:
        return wait_for(peer->server, -1, step->ms);
    case SCRIPT_ECHO:
        echo(peer, r);
        break;
    case SCRIPT_CLOSE_ONCE:
        return count_run(peer->server, script) > 0;
    case SCRIPT_RESET:
        setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        return false;
    case SCRIPT_CLOSE:
        return false;
    case SCRIPT_END:
        break;
    }
    return true;
}

static bool run_script(const struct peer *peer, const struct request *r,
                       const struct script *script)
{
    for (size_t i = 0; i < 6 && script->steps[i].kind; i++)
        if (!run_step(peer, r, script, &script->steps[i]))
            return false;
    return true;
}

static void note_request(struct scripted_server *server, const struct request *r)
{
    pthread_mutex_lock(&server->lock);
    server->requests++;
    snprintf(server->last, sizeof server->last, "%.*s", LAST_BYTES - 1, r->head);
    pthread_mutex_unlock(&server->lock);
}

static bool serve_one(const struct peer *peer, struct request *r)
{
    if (!read_head(peer, r))
        return false;
    if (r->have == r->head_len && !read_body(peer, r))
        return false;
    const struct script *script = find_script(peer->server, r);
    if (!script || (!script->early && !read_body(peer, r)))
        return false;
    note_request(peer->server, r);
    return run_script(peer, r, script);
}

static void *serve(void *context)
{
    struct peer *peer = context;
    struct request *request = malloc(sizeof *request);
    while (request && serve_one(peer, request))
        continue;
    free(request);
    close(peer->fd);
    free(peer);
    return NULL;
}

static void *accept_all(void *context)
{
    struct scripted_server *server = context;
    while (wait_for(server, server->listen_fd, -1)) {
        struct peer *peer = malloc(sizeof *peer);
        int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && errno == EINVAL) { /* refuses now */
            free(peer);
            break;
        }
        if (!peer || fd < 0 || server->connections == MAX_CONNECTIONS) {
            free(peer);
            if (fd >= 0)
                close(fd);
            continue;
        }
        int at_once = 1; /* what is sent apart is not kept back for an acknowledgement */
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
        *peer = (struct peer){server, fd};
        pthread_mutex_lock(&server->lock);
        unsigned index = server->connections++;
        pthread_mutex_unlock(&server->lock);
        if (pthread_create(&server->threads[index], NULL, serve, peer) != 0)
            abort();
    }
    return NULL;
}

struct scripted_server *scripted_server_start(const struct script *scripts)
{
    struct scripted_server *server = calloc(1, sizeof *server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof address;
    if (!server)
        return NULL;
    server->scripts = scripts;
    pthread_mutex_init(&server->lock, NULL);
    server->stop_fd = eventfd(0, EFD_CLOEXEC);
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server->listen_fd, (struct sockaddr *)&address, len) != 0 ||
        listen(server->listen_fd, MAX_CONNECTIONS) != 0 ||
        getsockname(server->listen_fd, (struct sockaddr *)&address, &len) != 0 ||
        pthread_create(&server->acceptor, NULL, accept_all, server) != 0)
        abort();
    server->port = ntohs(address.sin_port);
    return server;
}

uint16_t scripted_server_port(const struct scripted_server *server)
{
    return server->port;
}

static unsigned read_locked(struct scripted_server *server, const unsigned *value)
{
    pthread_mutex_lock(&server->lock);
    unsigned now = *value;
    pthread_mutex_unlock(&server->lock);
    return now;
}

unsigned scripted_server_connections(struct scripted_server *server)
{
    return read_locked(server, &server->connections);
}

unsigned scripted_server_requests(struct scripted_server *server)
{
    return read_locked(server, &server->requests);
}

const char *scripted_server_last(struct scripted_server *server)
{
    read_locked(server, &server->requests); /* what was written before is seen */
    return server->last;
}

void scripted_server_refuse(struct scripted_server *server)
{
    shutdown(server->listen_fd, SHUT_RDWR);
}

void scripted_server_stop(struct scripted_server *server)
{
    uint64_t one = 1;
    if (write(server->stop_fd, &one, sizeof one) != sizeof one)
        abort();
    pthread_join(server->acceptor, NULL);
    for (unsigned i = 0; i < server->connections; i++)
        pthread_join(server->threads[i], NULL);
    close(server->listen_fd);
    close(server->stop_fd);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

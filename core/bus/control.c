/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and replies: a ROUTER that knows its clients by the names that they give themselves, and
 * their DEALERs. One part to a message (behind the name at the ROUTER): a frame. Each socket is its
 * owner's thread's; no send waits.
 */
#include <bus/control.h>

#include <base/error.h>
#include <bus/socket.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <zmq.h>

enum {
    HIGH_WATER_MESSAGES = 64 /* a controller and its child exchange a handful for each phase */
};

static const struct tkp_socket_bounds bounds = {HIGH_WATER_MESSAGES, TKP_CONTROL_REFUSED_BYTES};

struct tkp_control_server {
    struct tkp_bus *bus;
    void *socket;
    zmq_msg_t received;
};

struct tkp_control_client {
    struct tkp_bus *bus;
    void *socket;
    zmq_msg_t received;
};

/* A message's frame, which borrows from it. frame is zeroed; an error leaves it but for its kind.
 */
static tokperf_status read_frame(zmq_msg_t *message, struct tkp_frame *frame,
                                 struct tokperf_error *error)
{
    struct tokperf_span bytes = {zmq_msg_data(message), zmq_msg_size(message)};
    struct tkp_frame_head head;
    if (bytes.len < sizeof head)
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "a control message of %" PRIu64 " bytes is no frame", bytes.len);
    memcpy(&head, bytes.data, sizeof head);
    frame->kind = head.version == TKP_FRAME_VERSION ? head.kind : 0;
    if (bytes.len - sizeof head > TKP_CONTROL_MAX_BYTES)
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "a control message of %" PRIu64 " bytes is too long: the limit is %d",
                        bytes.len - (uint64_t)sizeof head, TKP_CONTROL_MAX_BYTES);
    if (head.length_bytes != bytes.len - sizeof head)
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "a control message says that it has %" PRIu32 " bytes, and has %" PRIu64,
                        head.length_bytes, bytes.len - (uint64_t)sizeof head);
    *frame = (struct tkp_frame){
        .kind = head.kind,
        .version = head.version,
        .payload = {bytes.data + sizeof head, head.length_bytes},
    };
    if (head.version != TKP_FRAME_VERSION)
        return tkp_fail(error, TOKPERF_E_UNSUPPORTED, "a control message of the unknown version %u",
                        (unsigned)head.version);
    return TOKPERF_OK;
}

/* A message with a frame; the caller closes it unless it is sent. */
static tokperf_status make_message(zmq_msg_t *message, uint32_t kind, struct tokperf_span payload,
                                   struct tokperf_error *error)
{
    struct tkp_frame_head head = {(uint16_t)kind, TKP_FRAME_VERSION, (uint32_t)payload.len};
    if (payload.len > TKP_CONTROL_MAX_BYTES)
        return tkp_fail(error, TOKPERF_E_LIMIT,
                        "a control message of %" PRIu64 " bytes is too long: the limit is %d",
                        payload.len, TKP_CONTROL_MAX_BYTES);
    if (zmq_msg_init_size(message, sizeof head + payload.len))
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a control message");
    memcpy(zmq_msg_data(message), &head, sizeof head);
    if (payload.len)
        memcpy((char *)zmq_msg_data(message) + sizeof head, payload.data, payload.len);
    return TOKPERF_OK;
}

/* Receives the rest of a message, of which `parts` have come; its last part stays in `last`.
 * Returns how many parts the message has. */
static uint32_t receive_rest(void *socket, zmq_msg_t *last, uint32_t parts)
{
    while (zmq_msg_more(last) && zmq_msg_recv(last, socket, ZMQ_DONTWAIT) >= 0)
        parts++;
    return parts;
}

tokperf_status tkp_control_server_open(struct tkp_bus *bus, const char *address,
                                       struct tkp_control_server **server,
                                       struct tokperf_error *error)
{
    static const char name[] = "the control socket";
    *server = NULL;
    struct tkp_control_server *s = calloc(1, sizeof *s);
    if (!s)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for %s", name);
    s->bus = bus;
    zmq_msg_init(&s->received);
    int on = 1;
    tokperf_status status = tkp_socket_open(bus, ZMQ_ROUTER, name, &bounds, &s->socket, error);
    if (!status && (zmq_setsockopt(s->socket, ZMQ_ROUTER_MANDATORY, &on, sizeof on) ||
                    zmq_setsockopt(s->socket, ZMQ_ROUTER_HANDOVER, &on, sizeof on)))
        status = tkp_fail(error, TOKPERF_E_INTERNAL, "cannot set up %s: %s", name,
                          zmq_strerror(zmq_errno()));
    if (!status)
        status = tkp_socket_bind(s->socket, address, name, error);
    if (status) {
        tkp_control_server_close(s, 0);
        return status;
    }
    *server = s;
    return TOKPERF_OK;
}

int tkp_control_server_fd(const struct tkp_control_server *server)
{
    return tkp_socket_fd(server->socket);
}

/* The name that the ROUTER puts first. One that it made up itself begins with a zero byte. */
static bool read_name(zmq_msg_t *part, struct tkp_control_peer *peer)
{
    size_t len = zmq_msg_size(part);
    if (len == 0 || len >= sizeof peer->name || memchr(zmq_msg_data(part), 0, len))
        return false;
    memcpy(peer->name, zmq_msg_data(part), len);
    peer->name[len] = '\0';
    return true;
}

tokperf_status tkp_control_server_next(struct tkp_control_server *server,
                                       struct tkp_control_peer *peer, struct tkp_frame *frame,
                                       struct tokperf_error *error)
{
    struct tkp_control_server *s = server;
    memset(peer, 0, sizeof *peer);
    *frame = (struct tkp_frame){0};
    if (zmq_msg_recv(&s->received, s->socket, ZMQ_DONTWAIT) < 0)
        return tkp_fail(error, TOKPERF_E_TIMEOUT, "no control message is there");
    bool is_named = read_name(&s->received, peer);
    uint32_t parts = receive_rest(s->socket, &s->received, 1);
    if (!is_named)
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "a control message came from a client without a name of up to %d bytes",
                        TKP_CONTROL_NAME_BYTES - 1);
    if (parts != 2)
        return tkp_fail(error, TOKPERF_E_PARSE, "a control message of '%s' has %u parts, not one",
                        peer->name, (unsigned)parts - 1);
    return read_frame(&s->received, frame, error);
}

/* Sends all of a message or nothing; an interrupted call has sent nothing. */
static int send_part(void *socket, zmq_msg_t *part, int flags)
{
    while (zmq_msg_send(part, socket, ZMQ_DONTWAIT | flags) < 0)
        if (zmq_errno() != EINTR)
            return zmq_errno();
    return 0;
}

static tokperf_status refuse(int failed, const char *name, struct tokperf_error *error)
{
    if (failed == EHOSTUNREACH)
        return tkp_fail(error, TOKPERF_E_NOT_FOUND, "'%s' is not connected", name);
    if (failed == EAGAIN)
        return tkp_fail(error, TOKPERF_E_LIMIT, "%d messages wait for '%s' already: it takes none",
                        HIGH_WATER_MESSAGES, name);
    return tkp_fail(error, TOKPERF_E_IO, "cannot send to '%s': %s", name, zmq_strerror(failed));
}

/* Has the ROUTER look at who has gone: it does so only where it looks for messages. */
static void notice_the_gone(void *socket)
{
    int events;
    size_t len = sizeof events;
    (void)zmq_getsockopt(socket, ZMQ_EVENTS, &events, &len);
}

tokperf_status tkp_control_server_send(struct tkp_control_server *server,
                                       const struct tkp_control_peer *peer, uint32_t kind,
                                       struct tokperf_span payload, struct tokperf_error *error)
{
    zmq_msg_t name, message;
    size_t len = strlen(peer->name);
    tokperf_status status = make_message(&message, kind, payload, error);
    if (status)
        return status;
    if (zmq_msg_init_size(&name, len)) {
        zmq_msg_close(&message);
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for a control message");
    }
    memcpy(zmq_msg_data(&name), peer->name, len);
    notice_the_gone(server->socket);
    int failed = send_part(server->socket, &name, ZMQ_SNDMORE);
    if (!failed) /* the ROUTER took the name: there is room for the rest */
        failed = send_part(server->socket, &message, 0);
    zmq_msg_close(&name);
    zmq_msg_close(&message);
    return failed ? refuse(failed, peer->name, error) : TOKPERF_OK;
}

void tkp_control_server_close(struct tkp_control_server *server, uint32_t linger_ms)
{
    if (!server)
        return;
    zmq_msg_close(&server->received);
    tkp_socket_close(server->bus, server->socket, linger_ms);
    free(server);
}

tokperf_status tkp_control_client_open(struct tkp_bus *bus, const char *address, const char *name,
                                       struct tkp_control_client **client,
                                       struct tokperf_error *error)
{
    *client = NULL;
    size_t len = strlen(name);
    if (len == 0 || len >= TKP_CONTROL_NAME_BYTES)
        return tkp_fail(error, TOKPERF_E_INVALID, "'%.80s' is no name of 1 to %d bytes", name,
                        TKP_CONTROL_NAME_BYTES - 1);
    struct tkp_control_client *c = calloc(1, sizeof *c);
    if (!c)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the client '%s'", name);
    c->bus = bus;
    zmq_msg_init(&c->received);
    tokperf_status status = tkp_socket_open(bus, ZMQ_DEALER, name, &bounds, &c->socket, error);
    if (!status && zmq_setsockopt(c->socket, ZMQ_ROUTING_ID, name, len))
        status = tkp_fail(error, TOKPERF_E_INTERNAL, "cannot name the client '%s': %s", name,
                          zmq_strerror(zmq_errno()));
    if (!status)
        status = tkp_socket_connect(c->socket, address, name, error);
    if (status) {
        tkp_control_client_close(c, 0);
        return status;
    }
    *client = c;
    return TOKPERF_OK;
}

int tkp_control_client_fd(const struct tkp_control_client *client)
{
    return tkp_socket_fd(client->socket);
}

tokperf_status tkp_control_client_send(struct tkp_control_client *client, uint32_t kind,
                                       struct tokperf_span payload, struct tokperf_error *error)
{
    zmq_msg_t message;
    tokperf_status status = make_message(&message, kind, payload, error);
    if (status)
        return status;
    int failed = send_part(client->socket, &message, 0);
    zmq_msg_close(&message);
    return failed ? refuse(failed, "the controller", error) : TOKPERF_OK;
}

tokperf_status tkp_control_client_next(struct tkp_control_client *client, uint32_t timeout_ms,
                                       struct tkp_frame *frame, struct tokperf_error *error)
{
    struct tkp_control_client *c = client;
    *frame = (struct tkp_frame){0};
    if (zmq_msg_recv(&c->received, c->socket, ZMQ_DONTWAIT) < 0 &&
        (!timeout_ms || !tkp_socket_wait(c->socket, timeout_ms) ||
         zmq_msg_recv(&c->received, c->socket, ZMQ_DONTWAIT) < 0))
        return tkp_fail(error, TOKPERF_E_TIMEOUT, "no control message came in %u ms",
                        (unsigned)timeout_ms);
    uint32_t parts = receive_rest(c->socket, &c->received, 1);
    if (parts != 1)
        return tkp_fail(error, TOKPERF_E_PARSE, "a control message has %u parts, not one",
                        (unsigned)parts);
    return read_frame(&c->received, frame, error);
}

void tkp_control_client_close(struct tkp_control_client *client, uint32_t linger_ms)
{
    if (!client)
        return;
    zmq_msg_close(&client->received);
    tkp_socket_close(client->bus, client->socket, linger_ms);
    free(client);
}

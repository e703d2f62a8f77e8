/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and replies between the controller of a run and its children: one frame to a message,
 * its kind the caller's, its payload JSON. The server (ROUTER) belongs to one thread, a client
 * (DEALER) to one thread of its process. Sends never block: what cannot be sent is refused.
 */
#ifndef TKP_BUS_CONTROL_H
#define TKP_BUS_CONTROL_H

#include <bus/bus.h>
#include <bus/frame.h>

enum {
    TKP_CONTROL_MAX_BYTES = 1024 * 1024, /* of a payload; longer ones are no frames */
    /* of a message; libzmq closes a connection with a longer one, and does not say why */
    TKP_CONTROL_REFUSED_BYTES = 4 * 1024 * 1024,
    TKP_CONTROL_NAME_BYTES = 64
};

/* Who is at the other end: the name that the client gave itself. */
struct tkp_control_peer {
    char name[TKP_CONTROL_NAME_BYTES];
};

struct tkp_control_server;
tokperf_status tkp_control_server_open(struct tkp_bus *bus, const char *address,
                                       struct tkp_control_server **server,
                                       struct tokperf_error *error) TOKPERF_MUST_USE;
/* Readable when there may be something (edge-triggered, as ZMQ_FD is): for poll() beside others;
 * then tkp_control_server_next() until it times out. */
int tkp_control_server_fd(const struct tkp_control_server *server);
/* The next message, without waiting: TOKPERF_E_TIMEOUT when there is none, TOKPERF_E_PARSE for one
 * that is no frame (its kind is what it claims to be, or 0), TOKPERF_E_UNSUPPORTED for a frame of
 * an unknown version, to be skipped (go on after both). The frame borrows until the next call. */
tokperf_status tkp_control_server_next(struct tkp_control_server *server,
                                       struct tkp_control_peer *peer, struct tkp_frame *frame,
                                       struct tokperf_error *error) TOKPERF_MUST_USE;
/* TOKPERF_E_NOT_FOUND: nobody of that name is connected; of one that has gone this is known when
 * its messages have been read. TOKPERF_E_LIMIT: so much waits for it that this was refused. */
tokperf_status tkp_control_server_send(struct tkp_control_server *server,
                                       const struct tkp_control_peer *peer, uint32_t kind,
                                       struct tokperf_span payload,
                                       struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_control_server_close(struct tkp_control_server *server, uint32_t linger_ms);

struct tkp_control_client;
tokperf_status tkp_control_client_open(struct tkp_bus *bus, const char *address, const char *name,
                                       struct tkp_control_client **client,
                                       struct tokperf_error *error) TOKPERF_MUST_USE;
int tkp_control_client_fd(const struct tkp_control_client *client);
tokperf_status tkp_control_client_send(struct tkp_control_client *client, uint32_t kind,
                                       struct tokperf_span payload,
                                       struct tokperf_error *error) TOKPERF_MUST_USE;
/* Waits up to timeout_ms. TOKPERF_E_TIMEOUT, TOKPERF_E_PARSE, TOKPERF_E_UNSUPPORTED as above. */
tokperf_status tkp_control_client_next(struct tkp_control_client *client, uint32_t timeout_ms,
                                       struct tkp_frame *frame,
                                       struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_control_client_close(struct tkp_control_client *client, uint32_t linger_ms);

#endif

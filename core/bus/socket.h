/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Within core/bus: sockets of libzmq, with the bounds that every one of ours has. A socket belongs
 * to one thread at a time.
 */
#ifndef TKP_BUS_SOCKET_H
#define TKP_BUS_SOCKET_H

#include <base/atomic.h>
#include <bus/bus.h>
#include <stdbool.h>

struct tkp_bus {
    void *context;            /* of libzmq */
    struct tkp_slots sockets; /* open ones */
    int32_t cpu;              /* of the threads; -1: anywhere */
};

struct tkp_socket_bounds {
    int high_water_messages; /* of each direction, for each peer */
    int max_message_bytes;   /* a peer that sends a longer one is disconnected */
};

/* Makes a socket of a type of libzmq's; `name` is what messages call it. It does not linger until
 * tkp_socket_close() says how long. */
tokperf_status tkp_socket_open(struct tkp_bus *bus, int type, const char *name,
                               const struct tkp_socket_bounds *bounds, void **socket,
                               struct tokperf_error *error) TOKPERF_MUST_USE;
tokperf_status tkp_socket_bind(void *socket, const char *address, const char *name,
                               struct tokperf_error *error) TOKPERF_MUST_USE;
/* That nobody is at the address is no error. */
tokperf_status tkp_socket_connect(void *socket, const char *address, const char *name,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
/* ZMQ_FD; -1: there is none. */
int tkp_socket_fd(void *socket);
/* Waits for something to receive; false: nothing came, or a signal did. */
bool tkp_socket_wait(void *socket, uint32_t timeout_ms);
/* What was sent goes out for at most linger_ms from now on, which tkp_bus_destroy() waits for.
 * Accepts NULL. */
void tkp_socket_close(struct tkp_bus *bus, void *socket, uint32_t linger_ms);

#endif

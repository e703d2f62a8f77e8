/* SPDX-License-Identifier: Apache-2.0 */
/* The bounds and the messages that every socket of the bus has. */
#include <bus/socket.h>

#include <base/error.h>
#include <limits.h>
#include <zmq.h>

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

static int set_bounds(void *socket, const struct tkp_socket_bounds *bounds)
{
    int64_t max_message_bytes = bounds->max_message_bytes;
    if (set_int(socket, ZMQ_SNDHWM, bounds->high_water_messages) ||
        set_int(socket, ZMQ_RCVHWM, bounds->high_water_messages) || set_int(socket, ZMQ_LINGER, 0))
        return -1;
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_message_bytes, sizeof max_message_bytes);
}

tokperf_status tkp_socket_open(struct tkp_bus *bus, int type, const char *name,
                               const struct tkp_socket_bounds *bounds, void **socket,
                               struct tokperf_error *error)
{
    *socket = zmq_socket(bus->context, type);
    if (!*socket)
        return tkp_fail(error, TOKPERF_E_LIMIT, "cannot make %s: %s; see the limit on open files",
                        name, zmq_strerror(zmq_errno()));
    tkp_slots_try_take(&bus->sockets, UINT64_MAX);
    if (set_bounds(*socket, bounds)) {
        tokperf_status status = tkp_fail(error, TOKPERF_E_INTERNAL, "cannot set bounds of %s: %s",
                                         name, zmq_strerror(zmq_errno()));
        tkp_socket_close(bus, *socket, 0);
        *socket = NULL;
        return status;
    }
    return TOKPERF_OK;
}

tokperf_status tkp_socket_bind(void *socket, const char *address, const char *name,
                               struct tokperf_error *error)
{
    if (!zmq_bind(socket, address))
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_IO, "cannot open %s at %s: %s", name, address,
                    zmq_strerror(zmq_errno()));
}

tokperf_status tkp_socket_connect(void *socket, const char *address, const char *name,
                                  struct tokperf_error *error)
{
    if (!zmq_connect(socket, address))
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID, "cannot connect %s to '%s': %s", name, address,
                    zmq_strerror(zmq_errno()));
}

int tkp_socket_fd(void *socket)
{
    int fd = -1;
    size_t len = sizeof fd;
    return zmq_getsockopt(socket, ZMQ_FD, &fd, &len) ? -1 : fd;
}

bool tkp_socket_wait(void *socket, uint32_t timeout_ms)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    long wait_ms = timeout_ms < INT_MAX ? (long)timeout_ms : INT_MAX;
    return zmq_poll(&item, 1, wait_ms) > 0;
}

void tkp_socket_close(struct tkp_bus *bus, void *socket, uint32_t linger_ms)
{
    if (!socket)
        return;
    set_int(socket, ZMQ_LINGER, linger_ms < INT_MAX ? (int)linger_ms : INT_MAX);
    zmq_close(socket);
    tkp_slots_release(&bus->sockets);
}

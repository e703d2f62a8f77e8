/* SPDX-License-Identifier: Apache-2.0 */
/* The bounds and the messages that every socket of the bus has. */
#include <bus/socket.h>

#include <base/error.h>
#include <base/log.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <zmq.h>

enum { NO_DESCRIPTOR_PAUSE_MS = 20 };

/* Who is connected to this process. libzmq closes a connection without a word: one whose descriptor
 * is of something else by now is gone. */
static struct {
    pthread_mutex_t mutex;
    struct {
        int fd;
        ino_t inode;
    } list[TKP_BUS_CONNECTIONS_MAX];
    uint32_t count;
    bool was_told;
} connected = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* Which socket a descriptor is; 0: none. By its name: the descriptor may be somebody else's by now,
 * who opens or closes it just then. */
static ino_t socket_of(int fd)
{
    char name[sizeof "/proc/self/fd/" + 3 * sizeof fd];
    struct stat facts;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return !stat(name, &facts) && S_ISSOCK(facts.st_mode) ? facts.st_ino : 0;
}

/* False: there are as many as may be. */
static bool note_connected(int fd)
{
    uint32_t kept = 0;
    ino_t inode = socket_of(fd);
    pthread_mutex_lock(&connected.mutex);
    for (uint32_t i = 0; i < connected.count; i++)
        if (socket_of(connected.list[i].fd) == connected.list[i].inode)
            connected.list[kept++] = connected.list[i];
    bool fits = inode && kept < TKP_BUS_CONNECTIONS_MAX;
    if (fits) {
        connected.list[kept].fd = fd;
        connected.list[kept++].inode = inode;
    }
    connected.count = kept;
    bool tells = !fits && !connected.was_told;
    connected.was_told |= tells;
    pthread_mutex_unlock(&connected.mutex);
    if (tells)
        tkp_log(TKP_LOG_WARNING,
                "%d programs are connected to this run: further ones are not let in",
                TKP_BUS_CONNECTIONS_MAX);
    return fits;
}

static bool is_unix_socket(int fd)
{
    int domain = 0;
    socklen_t len = sizeof domain;
    return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) && domain == AF_UNIX;
}

/* libzmq takes connections by this name, and ends the process by an assertion when no descriptor is
 * free for one. Here nobody is there then, and it looks again, until somebody has gone; and no more
 * are taken than leave the load its descriptors. */
TOKPERF_EXPORT int accept4(int fd, __SOCKADDR_ARG address, socklen_t *address_bytes, int flags)
{
    int taken = (int)syscall(SYS_accept4, fd, address.__sockaddr__, address_bytes, flags);
    if (taken < 0 && (errno == EMFILE || errno == ENFILE)) {
        poll(NULL, 0, NO_DESCRIPTOR_PAUSE_MS); /* else it would look without end */
        errno = EAGAIN;
    } else if (taken >= 0 && is_unix_socket(taken) && !note_connected(taken)) {
        syscall(SYS_close, taken); /* as it was taken: unseen by ThreadSanitizer, as libzmq's are */
        errno = EAGAIN;
        return -1;
    }
    return taken;
}

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

/* libzmq 4.3.4 ends the process by an assertion when somebody says the first words of ZeroMQ before
 * version 3, or just bytes, while a socket closes. Sockets with a domain of authentication do not
 * speak those; there being nobody who authenticates, it has no other effect. */
static int refuse_old_protocols(void *socket)
{
    static const char domain[] = "tokperf";
    return zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, domain, sizeof domain - 1);
}

static int set_bounds(void *socket, const struct tkp_socket_bounds *bounds)
{
    int64_t max_message_bytes = bounds->max_message_bytes;
    if (set_int(socket, ZMQ_SNDHWM, bounds->high_water_messages) ||
        set_int(socket, ZMQ_RCVHWM, bounds->high_water_messages) ||
        set_int(socket, ZMQ_LINGER, 0) || refuse_old_protocols(socket))
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

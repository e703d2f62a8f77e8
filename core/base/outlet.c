/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See outlet.h. That poll() says that there is room is not enough: a child that has the same pipe
 * may fill it before we write. So a pipe or terminal is opened once more, as a description of our
 * own that does not block; where that is not allowed, poll() and small steps have to do.
 */
#include <base/outlet.h>

#include <base/clock.h>
#include <base/error.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    LOOK_MS = 100, /* between looks at `stop` */
    PAUSE_MS = 5   /* where poll() sees room that is too little for a write */
};

struct outlet {
    int fd;  /* the caller's */
    int own; /* the same thing, opened so that writes do not block; -1: it is not */
    bool is_socket, may_block;
    int failed; /* errno value of a write; 0: none failed */
};

static struct outlet open_outlet(int fd)
{
    char name[sizeof "/proc/self/fd/" + 3 * sizeof fd];
    struct outlet outlet = {.fd = fd, .own = -1};
    struct stat facts;
    if (fstat(fd, &facts))
        return outlet;
    outlet.is_socket = S_ISSOCK(facts.st_mode);
    outlet.may_block =
        outlet.is_socket || S_ISFIFO(facts.st_mode) || (S_ISCHR(facts.st_mode) && isatty(fd));
    if (!outlet.may_block || outlet.is_socket)
        return outlet;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    outlet.own = open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return outlet;
}

static void close_outlet(struct outlet *outlet)
{
    if (outlet->own >= 0)
        close(outlet->own);
}

static bool has_room(const struct outlet *outlet, uint64_t wait_ms)
{
    struct pollfd room = {.fd = outlet->fd, .events = POLLOUT};
    return poll(&room, 1, wait_ms < LOOK_MS ? (int)wait_ms : LOOK_MS) > 0;
}

/* Without waiting. Returns how much was written, less than 0 with errno otherwise. */
static ssize_t write_now(const struct outlet *outlet, const char *data, size_t len)
{
    if (outlet->is_socket)
        return send(outlet->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (outlet->own >= 0)
        return write(outlet->own, data, len);
    if (outlet->may_block && !has_room(outlet, 0)) {
        errno = EAGAIN;
        return -1;
    }
    return write(outlet->fd, data, outlet->may_block && len > PIPE_BUF ? PIPE_BUF : len);
}

/* Returns how much was written by until_ns, or when a write failed, or LAST_MS after `stop`. */
static size_t write_until(struct outlet *outlet, const char *data, size_t len, uint64_t until_ns,
                          const struct tkp_flag *stop)
{
    size_t done = 0;
    uint64_t end_ns = until_ns;
    while (done < len) {
        ssize_t n = write_now(outlet, data + done, len - done);
        if (n > 0) {
            done += (size_t)n;
            end_ns = until_ns;
            continue;
        }
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            outlet->failed = errno;
            break;
        }
        uint64_t now_ns = tkp_clock_now_ns();
        if (end_ns == TKP_NEVER_NS && stop && tkp_flag_is_raised(stop))
            end_ns = now_ns + TKP_OUTLET_LAST_MS * TKP_NS_PER_MS;
        if (now_ns >= end_ns)
            break;
        if (has_room(outlet, 0))
            poll(NULL, 0, PAUSE_MS);
        else
            has_room(outlet, (end_ns - now_ns) / TKP_NS_PER_MS + 1);
    }
    return done;
}

size_t tkp_outlet_try(int fd, const char *data, size_t len, uint32_t wait_ms)
{
    struct outlet outlet = open_outlet(fd);
    uint64_t until_ns = wait_ms ? tkp_clock_now_ns() + wait_ms * TKP_NS_PER_MS : 0;
    size_t done = write_until(&outlet, data, len, until_ns, NULL);
    close_outlet(&outlet);
    return done;
}

tokperf_status tkp_outlet_write(int fd, const char *data, size_t len, const struct tkp_flag *stop,
                                struct tokperf_error *error)
{
    struct outlet outlet = open_outlet(fd);
    size_t done = write_until(&outlet, data, len, TKP_NEVER_NS, stop);
    close_outlet(&outlet);
    if (outlet.failed)
        return tkp_fail_errno(error, TOKPERF_E_IO, outlet.failed, "cannot write %zu bytes",
                              len - done);
    if (done < len)
        return tkp_fail(error, TOKPERF_E_CANCELLED,
                        "its reader stands still, and a signal came: %zu bytes are not written",
                        len - done);
    return TOKPERF_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* SO_TIMESTAMPING and its control messages. The probe talks to itself over 127.0.0.1 or ::1. */
#include <worker/receive_stamp.h>

#include <time.h> /* before errqueue.h, which needs it */

#include <arpa/inet.h>
#include <base/clock.h>
#include <base/error.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum {
    PROBE_TRIES = 20, /* the kernel begins to stamp a moment after the first socket asked for it */
    PROBE_WAIT_MS = 50
};
/* How far a stamp may lie outside of send and read: the wall clock was read beside the other one.
 */
#define PROBE_SLACK_NS TKP_NS_PER_MS

int tkp_receive_stamp_enable(int fd)
{
    int flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags) == 0 ? 0 : errno;
}

uint64_t tkp_receive_stamp_find(struct msghdr *message)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        struct scm_timestamping stamps;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPING ||
            c->cmsg_len < CMSG_LEN(sizeof stamps))
            continue;
        memcpy(&stamps, CMSG_DATA(c), sizeof stamps);
        if (stamps.ts[0].tv_sec > 0 && stamps.ts[0].tv_nsec >= 0)
            return (uint64_t)stamps.ts[0].tv_sec * TKP_NS_PER_S + (uint64_t)stamps.ts[0].tv_nsec;
    }
    return 0;
}

ssize_t tkp_receive_stamp_read(int fd, void *buffer, size_t size, uint64_t *wall_ns)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct scm_timestamping))];
        struct cmsghdr alignment;
    } control;
    struct iovec piece = {buffer, size};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(fd, &message, 0);
    *wall_ns = n > 0 ? tkp_receive_stamp_find(&message) : 0;
    return n;
}

/* ---- the probe ---- */

struct pair {
    int listening, sending, receiving;
};

static void close_fd(int fd)
{
    if (fd >= 0)
        close(fd);
}

static bool connect_pair(struct pair *pair, struct sockaddr *address, socklen_t len)
{
    const int kind = SOCK_STREAM | SOCK_CLOEXEC;
    pair->listening = socket(address->sa_family, kind, 0);
    pair->receiving = socket(address->sa_family, kind, 0);
    if (pair->listening < 0 || pair->receiving < 0 ||
        tkp_receive_stamp_enable(pair->receiving) != 0 || bind(pair->listening, address, len) ||
        listen(pair->listening, 1) || getsockname(pair->listening, address, &len) ||
        connect(pair->receiving, address, len))
        return false;
    pair->sending = accept4(pair->listening, NULL, NULL, SOCK_CLOEXEC);
    return pair->sending >= 0;
}

static bool open_pair(struct pair *pair)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    *pair = (struct pair){-1, -1, -1};
    if (connect_pair(pair, (struct sockaddr *)&v4, sizeof v4))
        return true;
    close_fd(pair->listening);
    close_fd(pair->receiving);
    *pair = (struct pair){-1, -1, -1};
    return connect_pair(pair, (struct sockaddr *)&v6, sizeof v6);
}

/* Sends a byte; whether it came with a stamp between then and now. */
static bool try_once(const struct pair *pair)
{
    char byte = 'x';
    uint64_t wall_ns, before_ns = tkp_clock_realtime_ns();
    struct pollfd fd = {.fd = pair->receiving, .events = POLLIN};
    if (send(pair->sending, &byte, 1, MSG_NOSIGNAL) != 1 || poll(&fd, 1, PROBE_WAIT_MS) != 1 ||
        tkp_receive_stamp_read(pair->receiving, &byte, 1, &wall_ns) != 1)
        return false;
    return wall_ns + PROBE_SLACK_NS >= before_ns &&
           wall_ns <= tkp_clock_realtime_ns() + PROBE_SLACK_NS;
}

static bool try_often(const struct pair *pair)
{
    for (int i = 0; i < PROBE_TRIES; i++) {
        if (try_once(pair))
            return true;
        struct timespec pause = {0, (long)TKP_NS_PER_MS};
        nanosleep(&pause, NULL);
    }
    return false;
}

tokperf_status tkp_receive_stamp_probe(int *keep_fd, struct tokperf_error *error)
{
    struct pair pair;
    bool connected = open_pair(&pair);
    int reason = errno;
    bool found = connected && try_often(&pair);
    close_fd(pair.listening);
    close_fd(pair.sending);
    if (found) {
        *keep_fd = pair.receiving;
        return TOKPERF_OK;
    }
    close_fd(pair.receiving);
    *keep_fd = -1;
    if (!connected)
        return tkp_fail_errno(error, TOKPERF_E_UNSUPPORTED, reason,
                              "no kernel receive stamps: a socket that asks for them does not "
                              "connect on the loopback device");
    return tkp_fail(error, TOKPERF_E_UNSUPPORTED,
                    "no kernel receive stamps: what came in over the loopback device had none");
}

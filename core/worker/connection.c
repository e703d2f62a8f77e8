/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets of one worker, their idle stacks, and the memory they live in. */
#include <worker/connection.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>
#include <worker/receive_stamp.h>

enum { SLAB_CONNECTIONS = 64 };

struct tkp_connection_slab {
    struct tkp_connection_slab *next;
    struct tkp_connection connections[SLAB_CONNECTIONS];
};

bool tkp_connections_init(struct tkp_connections *pool, struct tkp_loop *loop,
                          const struct tkp_target *targets, uint32_t target_count)
{
    *pool =
        (struct tkp_connections){.loop = loop, .targets = targets, .target_count = target_count};
    pool->groups = calloc(target_count, sizeof *pool->groups);
    return pool->groups != NULL;
}

void tkp_connections_set_sources(struct tkp_connections *pool,
                                 const struct tkp_source_address *sources, uint32_t count,
                                 uint32_t first)
{
    pool->sources = sources;
    pool->source_count = count;
    pool->next_source = first;
}

static void release(struct tkp_connection *connection)
{
    tkp_tls_close(connection->tls);
    connection->tls = NULL;
    close(connection->fd);
    connection->fd = -1;
}

void tkp_connections_finish(struct tkp_connections *pool)
{
    while (pool->slabs) {
        struct tkp_connection_slab *slab = pool->slabs;
        pool->slabs = slab->next;
        for (int i = 0; i < SLAB_CONNECTIONS; i++)
            if (slab->connections[i].state != TKP_CONNECTION_CLOSED)
                release(&slab->connections[i]);
        free(slab);
    }
    free(pool->groups);
    *pool = (struct tkp_connections){0};
}

static struct tkp_connection *take_free(struct tkp_connections *pool)
{
    if (!pool->free) {
        struct tkp_connection_slab *slab = calloc(1, sizeof *slab);
        if (!slab)
            return NULL;
        slab->next = pool->slabs;
        pool->slabs = slab;
        for (int i = SLAB_CONNECTIONS - 1; i >= 0; i--) {
            slab->connections[i].below = pool->free;
            pool->free = &slab->connections[i];
        }
    }
    struct tkp_connection *connection = pool->free;
    pool->free = connection->below;
    *connection = (struct tkp_connection){.fd = -1};
    return connection;
}

static void leave_stack(struct tkp_connections *pool, struct tkp_connection *connection)
{
    if (connection->above)
        connection->above->below = connection->below;
    else
        pool->groups[connection->target].idle = connection->below;
    if (connection->below)
        connection->below->above = connection->above;
    connection->above = connection->below = NULL;
}

struct tkp_connection *tkp_connections_take_idle(struct tkp_connections *pool, uint32_t target)
{
    struct tkp_connection *connection = pool->groups[target].idle;
    if (connection) {
        leave_stack(pool, connection);
        connection->state = TKP_CONNECTION_BUSY;
    }
    return connection;
}

/* The next one's turn, of those that have the target's family; NULL: there is none. */
static const struct tkp_source_address *take_source(struct tkp_connections *pool,
                                                    sa_family_t family)
{
    for (uint32_t i = 0; i < pool->source_count; i++) {
        const struct tkp_source_address *source =
            &pool->sources[pool->next_source++ % pool->source_count];
        if (source->address.ss_family == family)
            return source;
    }
    return NULL;
}

static bool set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* Requests go out at once (no Nagle), and a server that is gone is found out: after keepalive_s of
 * silence three questions, half of that apart. */
static bool set_tcp(const struct tkp_connections *pool, int fd)
{
    int idle_s = (int)pool->keepalive_s;
    if (!set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1))
        return false;
    if (idle_s && (!set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1) ||
                   !set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s) ||
                   !set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, (idle_s + 1) / 2) ||
                   !set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3)))
        return false;
    return !pool->user_timeout_ms ||
           set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)pool->user_timeout_ms);
}

/* The port is chosen when connecting, so that each destination has all of them. */
static int bind_source(struct tkp_connections *pool, int fd, sa_family_t family)
{
    const struct tkp_source_address *source = take_source(pool, family);
    int on = 1;
    if (!source)
        return EAFNOSUPPORT;
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) == 0 &&
        bind(fd, (const struct sockaddr *)&source->address, source->length) == 0)
        return 0;
    pool->failed_source = source;
    return errno;
}

int tkp_connections_socket(struct tkp_connections *pool, int family, int *fd)
{
    *fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0 || (family != AF_UNIX && !set_tcp(pool, *fd)))
        return errno;
    return pool->source_count ? bind_source(pool, *fd, (sa_family_t)family) : 0;
}

/* Returns 0, EINPROGRESS or why not. */
static int connect_socket(struct tkp_connections *pool, struct tkp_connection *connection,
                          const struct tkp_target *target)
{
    const struct sockaddr_storage *address = &target->addresses[connection->address];
    int reason = tkp_connections_socket(pool, address->ss_family, &connection->fd);
    if (reason)
        return reason;
    if (pool->stamps && address->ss_family != AF_UNIX)
        (void)tkp_receive_stamp_enable(connection->fd); /* refused: its reads count as unstamped */
    if (connect(connection->fd, (const struct sockaddr *)address,
                target->address_lengths[connection->address]) == 0)
        return 0;
    return errno;
}

struct tkp_connection *tkp_connections_open(struct tkp_connections *pool, uint32_t target,
                                            uint32_t address, int *reason)
{
    struct tkp_connection *connection = take_free(pool);
    pool->failed_source = NULL;
    *reason = ENOMEM;
    if (!connection)
        return NULL;
    connection->target = target;
    connection->address = address;
    *reason = connect_socket(pool, connection, &pool->targets[target]);
    bool pending = *reason == EINPROGRESS;
    if (*reason == 0 || pending)
        *reason = tkp_loop_watch(pool->loop, connection->fd, connection);
    if (*reason == 0) {
        connection->state = pending ? TKP_CONNECTION_CONNECTING : TKP_CONNECTION_BUSY;
        if (!pending)
            pool->groups[target].good_address = address;
        return connection;
    }
    if (connection->fd >= 0)
        close(connection->fd);
    connection->below = pool->free; /* no event can name it */
    pool->free = connection;
    return NULL;
}

int tkp_connection_establish(struct tkp_connections *pool, struct tkp_connection *connection)
{
    int reason = 0;
    socklen_t len = sizeof reason;
    if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &reason, &len) != 0)
        reason = errno;
    if (reason == 0) {
        connection->state = TKP_CONNECTION_BUSY;
        pool->groups[connection->target].good_address = connection->address;
    }
    return reason;
}

void tkp_connections_park(struct tkp_connections *pool, struct tkp_connection *connection)
{
    struct tkp_connection_group *group = &pool->groups[connection->target];
    connection->state = TKP_CONNECTION_IDLE;
    connection->slot = NULL;
    connection->above = NULL;
    connection->below = group->idle;
    if (group->idle)
        group->idle->above = connection;
    group->idle = connection;
}

void tkp_connections_close(struct tkp_connections *pool, struct tkp_connection *connection)
{
    if (connection->state == TKP_CONNECTION_IDLE)
        leave_stack(pool, connection);
    release(connection);
    connection->state = TKP_CONNECTION_CLOSED;
    connection->slot = NULL;
    connection->below = pool->closed;
    pool->closed = connection;
}

void tkp_connections_recycle(struct tkp_connections *pool)
{
    while (pool->closed) {
        struct tkp_connection *connection = pool->closed;
        pool->closed = connection->below;
        connection->below = pool->free;
        pool->free = connection;
    }
}

bool tkp_connection_is_client_fault(int reason)
{
    return reason == EMFILE || reason == ENFILE || reason == EADDRNOTAVAIL || reason == ENOBUFS ||
           reason == ENOMEM || reason == ENOSPC;
}

const char *tkp_connection_advice(int reason)
{
    switch (reason) {
    case EMFILE:
    case ENFILE:
        return "raise the limit of open files (ulimit -n) or lower --concurrency";
    case EADDRNOTAVAIL:
        return "this machine has no free local port for that address: reuse connections, lower "
               "the rate, or give several --source-address";
    case ENOSPC:
        return "raise fs.epoll.max_user_watches or lower --concurrency";
    default:
        return "this machine is short of memory: lower --concurrency";
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of one worker: non-blocking sockets to its targets and, per target, a stack of those
 * that are idle (the one used last is the warmest and is taken first). They know nothing of HTTP.
 * Owned by one thread.
 */
#ifndef TKP_WORKER_CONNECTION_H
#define TKP_WORKER_CONNECTION_H

#include <worker/loop.h>
#include <worker/tls.h>
#include <worker/worker.h>

enum tkp_connection_state {
    TKP_CONNECTION_CLOSED = 0,
    TKP_CONNECTION_CONNECTING,
    TKP_CONNECTION_HANDSHAKE, /* connected; TLS is being agreed on */
    TKP_CONNECTION_BUSY,      /* carries a request */
    TKP_CONNECTION_IDLE,
    TKP_CONNECTION_KEPT, /* idle, for its slot's next turn alone */
    TKP_CONNECTION_CURL  /* none of ours: a socket of libcurl's */
};

struct tkp_slot;
struct tkp_connection {
    struct tkp_connection *above, *below; /* in the idle stack; below alone in the free lists */
    struct tkp_slot *slot;                /* whose request it carries, or NULL */
    struct tkp_tls *tls;                  /* NULL: plain */
    int fd;
    uint32_t target;
    uint32_t address; /* of the target */
    uint32_t state;   /* enum tkp_connection_state */
};

struct tkp_connection_slab;
/* Per target. */
struct tkp_connection_group {
    struct tkp_connection *idle; /* top of the stack */
    uint32_t good_address;       /* the one that answered last */
};

struct tkp_connections {
    struct tkp_loop *loop;
    const struct tkp_target *targets;
    struct tkp_connection_group *groups;
    uint32_t target_count;
    struct tkp_connection *free, *closed; /* closed in this turn of the loop: events may still
                                             name them */
    struct tkp_connection_slab *slabs;
    bool stamps;                           /* new connections ask for the kernel's receive stamps */
    uint32_t keepalive_s, user_timeout_ms; /* of TCP; 0: not set */

    /* Connections take turns at these addresses: the n-th comes from the n-th that its target can
     * be reached from. */
    const struct tkp_source_address *sources;
    uint32_t source_count;
    uint64_t next_source;
    const struct tkp_source_address *failed_source; /* the last open could not use it; or NULL */
};

bool tkp_connections_init(struct tkp_connections *pool, struct tkp_loop *loop,
                          const struct tkp_target *targets, uint32_t target_count);
/* The addresses to come from; `first` spreads several pools' beginnings. */
void tkp_connections_set_sources(struct tkp_connections *pool,
                                 const struct tkp_source_address *sources, uint32_t count,
                                 uint32_t first);
void tkp_connections_finish(struct tkp_connections *pool); /* closes all; accepts a zeroed one */

/* A socket of a family with the options that every connection gets, bound to the source address
 * whose turn it is. Returns 0 or an errno; *fd is -1 or to be closed by the caller either way. */
int tkp_connections_socket(struct tkp_connections *pool, int family, int *fd);

/* An idle connection to the target, now BUSY, or NULL. */
struct tkp_connection *tkp_connections_take_idle(struct tkp_connections *pool, uint32_t target);
/* Opens one: CONNECTING, or BUSY when it stands at once. NULL and *reason, an errno, otherwise;
 * failed_source then says whether it was the address to come from. */
struct tkp_connection *tkp_connections_open(struct tkp_connections *pool, uint32_t target,
                                            uint32_t address, int *reason);
/* Ends CONNECTING: 0 and BUSY, or an errno. */
int tkp_connection_establish(struct tkp_connections *pool, struct tkp_connection *connection);
/* BUSY to IDLE: it can carry another request. */
void tkp_connections_park(struct tkp_connections *pool, struct tkp_connection *connection);
void tkp_connections_close(struct tkp_connections *pool, struct tkp_connection *connection);
/* Makes what was closed available again; no event of an earlier wait may be looked at after it. */
void tkp_connections_recycle(struct tkp_connections *pool);

/* Whether TLS has seen its end, by goodbye or failure: the next read tells which. */
static inline bool tkp_connection_has_end(const struct tkp_connection *connection)
{
    return connection->tls && tkp_tls_has_end(connection->tls);
}

/* Whether an errno of socket() or connect() is this machine's fault. */
bool tkp_connection_is_client_fault(int reason);
/* What to do about such an errno. */
const char *tkp_connection_advice(int reason);

#endif

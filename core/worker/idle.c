/* SPDX-License-Identifier: Apache-2.0 */
/* See idle.h. */
#include <worker/idle.h>

#include <poll.h>
#include <worker/tls.h>

/* A look at events that is not as old tells whether an idle connection is still one. A busy worker
 * has turns of several milliseconds, in which no request is to cost one more system call. */
#define FRESH_LOOK_NS (10 * TKP_NS_PER_MS)

void tkp_idle_look(struct tkp_worker *w, struct tkp_connection *c, bool ended)
{
    if (!ended && c->tls && tkp_tls_stays_idle(c->tls, w->read_buffer))
        return;
    if (c->slot)
        c->slot->connection = NULL;
    tkp_connections_close(&w->connections, c);
}

/* Whether the connection may be used again. What was said on it until the last look at events is
 * known; when that is long ago, it is looked at again: this process may have stood still. */
static bool is_quiet(struct tkp_worker *w, struct tkp_connection *c)
{
    if (w->now_ns - w->looked_ns < FRESH_LOOK_NS)
        return true;
    struct pollfd fd = {.fd = c->fd, .events = POLLIN | POLLRDHUP};
    if (poll(&fd, 1, 0) > 0)
        tkp_idle_look(w, c, (fd.revents & ~POLLIN) != 0);
    return c->state != TKP_CONNECTION_CLOSED;
}

struct tkp_connection *tkp_idle_take(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_connection *c = slot->connection;
    if (c && is_quiet(w, c)) {
        c->state = TKP_CONNECTION_BUSY;
        return c;
    }
    do
        c = tkp_connections_take_idle(&w->connections, slot->event.url_index);
    while (c && !is_quiet(w, c));
    return c;
}

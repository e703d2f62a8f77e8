/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake of a connection; afterwards its request is sent, or ends as tls_error. */
#include <worker/handshake.h>

#include <worker/request.h>
#include <worker/row_text.h>

static void fail(struct tkp_worker *w, struct tkp_slot *slot, enum tkp_outcome outcome,
                 const char *type, const char *message)
{
    w->now_ns = tkp_clock_now_ns();
    tkp_row_end_text(&slot->row, outcome, type, message);
    tkp_request_fail_connect(w, slot);
}

void tkp_handshake_begin(struct tkp_worker *w, struct tkp_slot *slot)
{
    struct tkp_connection *c = slot->connection;
    const char *host = w->shared->targets[c->target].url->host;
    slot->row.tls_start_ns = w->now_ns = tkp_clock_now_ns();
    c->tls = tkp_tls_open(w->tls, c->fd, c->target, host);
    if (!c->tls) {
        fail(w, slot, TKP_OUTCOME_CLIENT_ERROR, "memory", "there is no memory for TLS");
        return;
    }
    c->state = TKP_CONNECTION_HANDSHAKE;
    tkp_handshake_go_on(w, c, false);
}

void tkp_handshake_go_on(struct tkp_worker *w, struct tkp_connection *c, bool ended)
{
    struct tkp_slot *slot = c->slot;
    const struct tkp_tls_failure *failure = &w->tls->failure;
    switch (tkp_tls_handshake(c->tls)) {
    case TKP_TLS_WAIT:
        tkp_request_arm(w, slot);
        break;
    case TKP_TLS_FAILED:
        tkp_gauge_add(&w->stats.tls_errors, 1);
        fail(w, slot, TKP_OUTCOME_TLS_ERROR, failure->type, failure->message);
        break;
    case TKP_TLS_READY:
        c->state = TKP_CONNECTION_BUSY;
        tkp_request_connected(w, slot);
        /* what came with the handshake, or its end, has no event of its own any more */
        if (c->slot == slot && c->state == TKP_CONNECTION_BUSY &&
            (ended || tkp_tls_has_bytes(c->tls)))
            tkp_request_receive(w, c, ended);
        break;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Why a request got no connection, in words: the server's fault or this machine's. */
#include <worker/request.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <worker/row_text.h>

static const char *connect_error_type(int reason)
{
    switch (reason) {
    case ECONNREFUSED:
        return "refused";
    case EHOSTUNREACH:
    case ENETUNREACH:
        return "unreachable";
    case ETIMEDOUT:
        return "timed_out";
    case ENOENT:
        return "no_socket";
    default:
        return "connect";
    }
}

void tkp_request_set_connect_error(struct tkp_worker *w, struct tkp_slot *slot, int reason)
{
    char text[TKP_ROW_MESSAGE_BYTES];
    const char *url = w->shared->proxy ? w->shared->plan->proxy->text
                                       : w->shared->targets[slot->event.url_index].url->text;
    const char *why = strerrordesc_np(reason);
    const struct tkp_source_address *source = w->connections.failed_source;
    bool ours = source || tkp_connection_is_client_fault(reason);
    if (source)
        snprintf(text, sizeof text,
                 "cannot connect from %s: %s; is it an address of this machine? Correct "
                 "--source-address",
                 source->text, why ? why : "unknown error");
    else
        snprintf(text, sizeof text, "cannot connect to %s: %s%s%s", url,
                 why ? why : "unknown error", ours ? "; " : "",
                 ours ? tkp_connection_advice(reason) : "");
    if (ours)
        tkp_row_end_text(&slot->row, TKP_OUTCOME_CLIENT_ERROR, strerrorname_np(reason), text);
    else
        tkp_row_end_text(&slot->row, TKP_OUTCOME_CONNECT_ERROR, connect_error_type(reason), text);
}

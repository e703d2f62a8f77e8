/* SPDX-License-Identifier: Apache-2.0 */
/* From a request's row to an event in the worker's block channel. */
#include <worker/announce.h>

void tkp_announce(const struct tkp_announcer *announcer, enum tkp_request_event_kind kind,
                  const struct tkp_row *row)
{
    bool issued = kind == TKP_REQUEST_ISSUED;
    struct tkp_request_event event = {
        .ordinal = row->ordinal,
        .draw = row->draw,
        .time_ns = issued ? row->start_ns : row->first_token_ns,
        .intended_ns = issued ? row->intended_ns : 0,
        .kind = kind,
        .phase = row->phase,
        .worker = row->worker,
        .url_index = row->url_index,
        .turn_index = row->turn_index,
    };
    tkp_block_put_event(announcer->channel, &event, event.time_ns);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says of a request that it was sent, and that its first token came, while somebody wants to know:
 * otherwise it costs a look at a flag. [worker]
 */
#ifndef TKP_WORKER_ANNOUNCE_H
#define TKP_WORKER_ANNOUNCE_H

#include <base/atomic.h>
#include <record/block.h>

struct tkp_announcer {
    struct tkp_block_channel *channel;
    const struct tkp_flag *wanted; /* NULL: never */
};

void tkp_announce(const struct tkp_announcer *announcer, enum tkp_request_event_kind kind,
                  const struct tkp_row *row);

static inline bool tkp_announcer_is_wanted(const struct tkp_announcer *announcer)
{
    return announcer->wanted && tkp_flag_peek(announcer->wanted);
}

/* row->start_ns has just been set. */
static inline void tkp_announce_issued(const struct tkp_announcer *announcer,
                                       const struct tkp_row *row)
{
    if (tkp_announcer_is_wanted(announcer))
        tkp_announce(announcer, TKP_REQUEST_ISSUED, row);
}

/* row->first_token_ns has just been set. A row without arrival times announces none. */
static inline void tkp_announce_first_token(const struct tkp_announcer *announcer,
                                            const struct tkp_row *row)
{
    if (tkp_announcer_is_wanted(announcer) && !(row->flags & TKP_ROW_UNSTAMPED))
        tkp_announce(announcer, TKP_REQUEST_FIRST_TOKEN, row);
}

#endif

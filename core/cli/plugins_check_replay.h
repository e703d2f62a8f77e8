/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays response bytes to an endpoint the way a worker would: cut into events by the framing, in
 * pieces as the network might bring them. [check child]
 */
#ifndef TKP_CLI_PLUGINS_CHECK_REPLAY_H
#define TKP_CLI_PLUGINS_CHECK_REPLAY_H

#include <cli/plugins_check_child.h>
#include <cli/plugins_check_emit.h>

struct tkp_check_response {
    struct tokperf_span bytes; /* of the body, without transfer coding */
    uint32_t framing, end;     /* TOKPERF_FRAMING_*, TOKPERF_END_* */
    uint64_t first_bytes;      /* of the first piece; the second has the rest. 0: one piece */
    bool by_byte;              /* every byte is a piece */
    /* Bodies of the answers to its follow-ups, each in one piece and cut by follow_framing. */
    const struct tokperf_span *follow_ups;
    uint32_t follow_up_count, follow_framing;
};

/* Memory for one request at a time, with a page behind each part that nobody may touch. */
struct tkp_check_player {
    const struct tokperf_endpoint_vtable *vtable;
    const void *self;
    char *state, *scratch, *event; /* end where a protected page begins */
    char *maps[3];
    size_t map_bytes[3];
    uint64_t event_capacity;
};

/* False without memory. */
bool tkp_check_player_init(struct tkp_check_player *player,
                           const struct tokperf_endpoint_vtable *vtable, const void *self);
void tkp_check_player_finish(struct tkp_check_player *player);
/* Calls begin, event for each event, finish, and so on with the follow-ups that finish asks for and
 * that there are; records into emissions, cleared first. Returns NULL or
 * what was wrong. */
const char *tkp_check_play(struct tkp_check_player *player,
                           const struct tkp_check_response *response,
                           struct tkp_check_emissions *emissions);

#endif

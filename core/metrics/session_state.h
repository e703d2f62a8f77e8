/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a session stands, as its snapshots say: forward only. interrupted can be reached from any
 * state but complete; complete and interrupted are the end. Pure. [any]
 */
#ifndef TKP_METRICS_SESSION_STATE_H
#define TKP_METRICS_SESSION_STATE_H

#include <stdbool.h>
#include <tokperf/base.h>

enum tkp_session_state {
    TKP_SESSION_INITIALIZE = 0, /* nothing was sent yet */
    TKP_SESSION_LIVE,           /* phases run */
    TKP_SESSION_DRAINING,       /* all answers are in, the numbers are being completed */
    TKP_SESSION_COMPLETE,
    TKP_SESSION_INTERRUPTED,
    TKP_SESSION_STATE_COUNT
};

/* Goes to a later state, over others where need be; false, and nothing changes, when that is not
 * forward. To stay is no step. */
bool tkp_session_state_advance(enum tkp_session_state *state, enum tkp_session_state to);
bool tkp_session_state_is_final(enum tkp_session_state state);
/* "initialize", "live", "draining", "complete", "interrupted" */
const char *tkp_session_state_name(enum tkp_session_state state);
/* TKP_SESSION_STATE_COUNT: no such state. */
enum tkp_session_state tkp_session_state_find(struct tokperf_span name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* States of a session. Pure; any thread. */
#include <metrics/session_state.h>

#include <base/text.h>

static const char *const names[TKP_SESSION_STATE_COUNT] = {
    [TKP_SESSION_INITIALIZE] = "initialize",   [TKP_SESSION_LIVE] = "live",
    [TKP_SESSION_DRAINING] = "draining",       [TKP_SESSION_COMPLETE] = "complete",
    [TKP_SESSION_INTERRUPTED] = "interrupted",
};

bool tkp_session_state_advance(enum tkp_session_state *state, enum tkp_session_state to)
{
    if (tkp_session_state_is_final(*state) || to <= *state || to >= TKP_SESSION_STATE_COUNT)
        return false;
    *state = to;
    return true;
}

bool tkp_session_state_is_final(enum tkp_session_state state)
{
    return state == TKP_SESSION_COMPLETE || state == TKP_SESSION_INTERRUPTED;
}

const char *tkp_session_state_name(enum tkp_session_state state)
{
    return names[state];
}

enum tkp_session_state tkp_session_state_find(struct tokperf_span name)
{
    unsigned state = 0;
    while (state < TKP_SESSION_STATE_COUNT && !tkp_span_is(name, names[state]))
        state++;
    return (enum tkp_session_state)state;
}

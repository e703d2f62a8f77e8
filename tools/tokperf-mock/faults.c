/* SPDX-License-Identifier: Apache-2.0 */
/* Fault selection: one independent draw per kind and request, so a rate does not shift another's.
 */
#include "faults.h"

#include "draw.h"

enum { FAULT_LANE = 0x1000 }; /* keeps these draws apart from those of the schedule */

static bool can_happen(enum tkp_mock_fault fault, const struct tkp_mock_fault_case *which)
{
    switch (fault) {
    case TKP_MOCK_FAULT_CLOSE_IDLE:
        return which->reused;
    case TKP_MOCK_FAULT_TRUNCATE:
    case TKP_MOCK_FAULT_NOT_STREAMED:
        return which->streamed;
    case TKP_MOCK_FAULT_HTTP_429:
    case TKP_MOCK_FAULT_HTTP_500:
    case TKP_MOCK_FAULT_HTTP_503:
    case TKP_MOCK_FAULT_HALF_HEADERS:
    case TKP_MOCK_FAULT_STREAM_ERROR:
    case TKP_MOCK_FAULT_RESET:
    case TKP_MOCK_FAULT_STALL:
    case TKP_MOCK_FAULT_EMPTY:
    case TKP_MOCK_FAULT_SHORT_LENGTH:
    case TKP_MOCK_FAULT_BAD_JSON:
        return true;
    case TKP_MOCK_FAULT_NONE:
        return false;
    }
    return false;
}

enum tkp_mock_fault tkp_mock_fault_pick(const double rates[TKP_MOCK_FAULT_COUNT],
                                        const struct tkp_mock_fault_case *which)
{
    for (unsigned i = 0; i < TKP_MOCK_FAULT_COUNT; i++) {
        enum tkp_mock_fault fault = (enum tkp_mock_fault)i;
        if (rates[i] > 0 && can_happen(fault, which) &&
            tkp_mock_draw_unit(which->seed, which->number, FAULT_LANE + i) < rates[i]) {
            return fault;
        }
    }
    return TKP_MOCK_FAULT_NONE;
}

bool tkp_mock_fault_cuts_body(enum tkp_mock_fault fault)
{
    return fault == TKP_MOCK_FAULT_RESET || fault == TKP_MOCK_FAULT_STALL ||
           fault == TKP_MOCK_FAULT_SHORT_LENGTH;
}

bool tkp_mock_fault_is_harmless(enum tkp_mock_fault fault)
{
    return fault == TKP_MOCK_FAULT_NONE || fault == TKP_MOCK_FAULT_NOT_STREAMED;
}

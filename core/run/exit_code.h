/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes of every command. */
#ifndef TKP_RUN_EXIT_CODE_H
#define TKP_RUN_EXIT_CODE_H

#include <tokperf/base.h>

enum tkp_exit {
    TKP_EXIT_OK = 0,
    TKP_EXIT_RUN_FAILED = 1,  /* no request succeeded, a threshold, --strict */
    TKP_EXIT_USAGE = 2,       /* usage or config, named input files that are missing */
    TKP_EXIT_ENVIRONMENT = 3, /* plugin, port, output permission */
    TKP_EXIT_INTERNAL = 4,    /* a defect, or a plugin's crash */
    TKP_EXIT_INTERRUPTED = 130
};

/* The code for a failure before the load: what the user gave is 2, what surrounds us is 3. */
static inline int tkp_exit_of(tokperf_status status)
{
    switch (status) {
    case TOKPERF_OK:
        return TKP_EXIT_OK;
    case TOKPERF_E_INVALID:
    case TOKPERF_E_PARSE:
    case TOKPERF_E_EXISTS:
    case TOKPERF_E_NOT_FOUND: /* a plugin or file that the user named */
        return TKP_EXIT_USAGE;
    case TOKPERF_E_TIMEOUT: /* the server did not become ready */
        return TKP_EXIT_RUN_FAILED;
    case TOKPERF_E_CANCELLED:
        return TKP_EXIT_INTERRUPTED;
    case TOKPERF_E_STATE:
    case TOKPERF_E_INTERNAL:
        return TKP_EXIT_INTERNAL;
    default: /* the SDK's list may grow in plugins */
        return TKP_EXIT_ENVIRONMENT;
    }
}

#endif

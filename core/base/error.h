/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling the SDK's error. Every function of core that can fail returns a tokperf_status and fills
 * `struct tokperf_error *error` (which may be NULL) with one sentence: what failed, on which value,
 * where, and what to do. [any]
 */
#ifndef TKP_BASE_ERROR_H
#define TKP_BASE_ERROR_H

#include <stdarg.h>
#include <tokperf/base.h>

/* Fills error and returns status: `return tkp_fail(error, TOKPERF_E_IO, "cannot ...: %s", ...)`. */
tokperf_status tkp_fail(struct tokperf_error *error, tokperf_status status, const char *format, ...)
    TOKPERF_PRINTF(3, 4);
/* The same with the text of errno_value (strerror) behind the sentence: "...: No such file". */
tokperf_status tkp_fail_errno(struct tokperf_error *error, tokperf_status status, int errno_value,
                              const char *format, ...) TOKPERF_PRINTF(4, 5);
/* Puts "prefix: " before the message that is there. Returns error's status. */
tokperf_status tkp_error_prefix(struct tokperf_error *error, const char *format, ...)
    TOKPERF_PRINTF(2, 3);
/* The name of a status: "invalid", "not_found", ... */
const char *tkp_status_name(tokperf_status status);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Filling the SDK's error. Pure functions over the caller's memory, safe on any thread. */
#include <base/error.h>

#include <stdio.h>
#include <string.h>

/* Formats behind the first `used` bytes of message; what does not fit is cut. */
static size_t format_behind(struct tokperf_error *error, size_t used, const char *format,
                            va_list args) __attribute__((format(printf, 3, 0)));

static size_t format_behind(struct tokperf_error *error, size_t used, const char *format,
                            va_list args)
{
    size_t room = sizeof error->message - used;
    int n = vsnprintf(error->message + used, room, format, args);
    if (n < 0)
        return used;
    return (size_t)n < room ? used + (size_t)n : sizeof error->message - 1;
}

tokperf_status tkp_fail(struct tokperf_error *error, tokperf_status status, const char *format, ...)
{
    if (!error)
        return status;
    error->status = status;
    error->reserved = 0;
    error->message[0] = '\0';
    va_list args;
    va_start(args, format);
    format_behind(error, 0, format, args);
    va_end(args);
    return status;
}

tokperf_status tkp_fail_errno(struct tokperf_error *error, tokperf_status status, int errno_value,
                              const char *format, ...)
{
    if (!error)
        return status;
    error->status = status;
    error->reserved = 0;
    error->message[0] = '\0';
    va_list args;
    va_start(args, format);
    size_t used = format_behind(error, 0, format, args);
    va_end(args);
    char text[128];
    snprintf(error->message + used, sizeof error->message - used, ": %s",
             strerror_r(errno_value, text, sizeof text)); /* the GNU one: returns the text */
    return status;
}

tokperf_status tkp_error_prefix(struct tokperf_error *error, const char *format, ...)
{
    if (!error)
        return TOKPERF_E_INTERNAL;
    char old[sizeof error->message];
    memcpy(old, error->message, sizeof old);
    old[sizeof old - 1] = '\0';
    va_list args;
    va_start(args, format);
    size_t used = format_behind(error, 0, format, args);
    va_end(args);
    snprintf(error->message + used, sizeof error->message - used, ": %s", old);
    return error->status;
}

const char *tkp_status_name(tokperf_status status)
{
    static const char *const names[] = {
        [TOKPERF_OK] = "ok",
        [TOKPERF_E_INVALID] = "invalid",
        [TOKPERF_E_PARSE] = "parse",
        [TOKPERF_E_NOT_FOUND] = "not_found",
        [TOKPERF_E_LIMIT] = "limit",
        [TOKPERF_E_IO] = "io",
        [TOKPERF_E_DENIED] = "denied",
        [TOKPERF_E_NO_MEMORY] = "no_memory",
        [TOKPERF_E_UNSUPPORTED] = "unsupported",
        [TOKPERF_E_TIMEOUT] = "timeout",
        [TOKPERF_E_CANCELLED] = "cancelled",
        [TOKPERF_E_STATE] = "state",
        [TOKPERF_E_ABI] = "abi",
        [TOKPERF_E_EXISTS] = "exists",
        [TOKPERF_E_INTERNAL] = "internal",
    };
    return status < sizeof names / sizeof names[0] ? names[status] : "unknown";
}

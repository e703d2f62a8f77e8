/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tokperf SDK: the vocabulary that every other header uses. Status codes, spans, errors, and the
 * rule by which structs grow.
 *
 * Growth: a struct that begins with `struct_size` may gain members at its end; the side that made
 * it writes sizeof the struct as it knew it, the other side tests TOKPERF_HAS before it reads a
 * member. Structs without `struct_size` have a fixed size for ever. Such growable structs cross the
 * boundary behind pointers only, and arrays of them as arrays of pointers.
 *
 * Unless a member says otherwise: inputs are borrowed for the duration of the call, strings named
 * `const char *` are NUL-terminated UTF-8 with static life time, spans are not NUL-terminated, time
 * is in nanoseconds of CLOCK_MONOTONIC, and nothing is freed on the other side.
 */
#ifndef TOKPERF_BASE_H
#define TOKPERF_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The one list of results. A function that returns anything but OK has filled its error, if any. */
typedef uint32_t tokperf_status;
enum {
    TOKPERF_OK = 0,
    TOKPERF_E_INVALID = 1,     /* a value, file or argument of the user is wrong */
    TOKPERF_E_PARSE = 2,       /* bytes from outside do not follow their grammar */
    TOKPERF_E_NOT_FOUND = 3,   /* a named thing does not exist */
    TOKPERF_E_LIMIT = 4,       /* a stated bound was reached */
    TOKPERF_E_IO = 5,          /* the system refused a read, write or open */
    TOKPERF_E_DENIED = 6,      /* permission, or a safety rule for paths */
    TOKPERF_E_NO_MEMORY = 7,   /* allocation failed */
    TOKPERF_E_UNSUPPORTED = 8, /* known, but not available here */
    TOKPERF_E_TIMEOUT = 9,     /* a deadline passed */
    TOKPERF_E_CANCELLED = 10,  /* the run is being ended */
    TOKPERF_E_STATE = 11,      /* called in the wrong order */
    TOKPERF_E_ABI = 12,        /* the two sides do not fit */
    TOKPERF_E_EXISTS = 13,     /* it is there already and must not be replaced */
    TOKPERF_E_INTERNAL = 14    /* a defect of the callee */
};

/* Bytes that somebody else owns. data may be NULL only when len is 0. */
struct tokperf_span {
    const char *data;
    uint64_t len; /* bytes */
};

/* The caller's buffer for one sentence that a user can act on. Always NUL-terminated. */
struct tokperf_error {
    uint32_t status; /* what the function also returned */
    uint32_t reserved;
    char message[1016];
};

/* Whether the struct behind `pointer`, made by the other side, has `member`. */
#define TOKPERF_HAS(pointer, member) \
    ((pointer)->struct_size >=       \
     (uint32_t)(offsetof(__typeof__(*(pointer)), member) + sizeof((pointer)->member)))

/* A span over a string literal; elsewhere fill {data, len} by hand. */
#define TOKPERF_SPAN(literal) ((struct tokperf_span){(literal), sizeof(literal) - 1})

#if defined(__GNUC__)
#define TOKPERF_EXPORT       __attribute__((visibility("default")))
#define TOKPERF_MUST_USE     __attribute__((warn_unused_result))
#define TOKPERF_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define TOKPERF_EXPORT
#define TOKPERF_MUST_USE
#define TOKPERF_PRINTF(f, a)
#endif

#ifdef __cplusplus
}
#endif
#endif

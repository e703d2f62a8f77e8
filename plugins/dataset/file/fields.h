/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a row, found by name and not yet looked into. */
#ifndef FILE_FIELDS_H
#define FILE_FIELDS_H

#include "reading.h"

enum field {
    FIELD_TYPE,
    FIELD_SESSION_ID,
    FIELD_TURNS,
    FIELD_TEXT,
    FIELD_TEXTS,
    FIELD_IMAGE,
    FIELD_IMAGES,
    FIELD_AUDIO,
    FIELD_AUDIOS,
    FIELD_VIDEO,
    FIELD_VIDEOS,
    FIELD_ROLE,
    FIELD_OUTPUT_LENGTH,
    FIELD_DELAY,
    FIELD_EXTRA,
    FIELD_PAYLOADS,
    FIELD_DATA,
    FIELD_COUNT
};

/* Bit of a field in the sets below. */
#define FIELD_BIT(field) (1u << (field))
/* Everything that a turn may say. */
enum { FIELDS_OF_TURN = (FIELD_BIT(FIELD_EXTRA + 1) - 1) & ~(FIELD_BIT(FIELD_TEXT) - 1) };

struct fields {
    struct tokperf_span object;           /* where they were found */
    struct tokperf_span raw[FIELD_COUNT]; /* a value as it stands; empty: absent or null */
};

/* Reads the members of an object. One that is unknown, not among `allowed` (a set of bits), or
 * there twice is an error that names it, its place and the closest name; `what` is "a single_turn
 * row". */
tokperf_status fields_read(struct reading *reading, struct tokperf_span object, uint32_t allowed,
                           const char *what, struct fields *fields);

/* The value must be a string that is not empty; the result is unescaped. */
tokperf_status fields_read_string(struct reading *reading, const struct fields *fields,
                                  enum field field, struct tokperf_span *text);
const char *field_name(enum field field);

#endif

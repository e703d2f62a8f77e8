/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON objects of known members, strict about types: unknown keys are skipped, a value of
 * another type than expected ends the reading. Private to snapshot_*.c.
 */
#ifndef TKP_REPORT_SNAPSHOT_MEMBERS_H
#define TKP_REPORT_SNAPSHOT_MEMBERS_H

#include <base/arena.h>
#include <base/json_scan.h>
#include <stdbool.h>
#include <stddef.h>

struct tkp_reading {
    struct tokperf_json scan;
    struct tkp_arena *arena;
    const char *problem; /* the first, and where; NULL: none */
    uint64_t problem_at; /* byte */
};

/* Notes a problem; returns false. */
bool tkp_reading_fail(struct tkp_reading *reading, const char *problem);
/* The next token is the given one. */
bool tkp_reading_take(struct tkp_reading *reading, uint32_t token, const char *expected);
/* In an object: moves to the next key, which is in scan.text; false at the object's end and after
 * a problem. */
bool tkp_reading_next_key(struct tkp_reading *reading);
/* Takes the begin of an array; `bytes` for the list of its objects are in the arena. NULL: a
 * problem. */
void *tkp_reading_list(struct tkp_reading *reading, size_t bytes);
/* Takes the begin of an array's next object; `bytes` for what it says are in the arena. NULL: there
 * is none, or after a problem, such as that `most` of them are read. */
void *tkp_reading_item(struct tkp_reading *reading, size_t bytes, uint32_t read, uint32_t most);
bool tkp_reading_key_is(const struct tkp_reading *reading, const char *key);
bool tkp_reading_skip(struct tkp_reading *reading);

/* What stands next, into a place of the type named: */
bool tkp_reading_count(struct tkp_reading *reading, void *place);   /* uint64_t, below 2^63 */
bool tkp_reading_small(struct tkp_reading *reading, void *place);   /* uint32_t */
bool tkp_reading_code(struct tkp_reading *reading, void *place);    /* int32_t */
bool tkp_reading_number(struct tkp_reading *reading, void *place);  /* double, finite */
bool tkp_reading_boolean(struct tkp_reading *reading, void *place); /* uint32_t, 0 or 1 */
bool tkp_reading_text(struct tkp_reading *reading, void *place);    /* struct tokperf_span */

struct tkp_reading_member {
    const char *key; /* NULL behind the last one */
    bool (*read)(struct tkp_reading *reading, void *place);
    size_t offset;
};
/* Members of an object, after its begin; `object` holds them at their offsets. */
bool tkp_reading_members(struct tkp_reading *reading, const struct tkp_reading_member *members,
                         void *object);

#endif

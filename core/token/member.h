/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the components of a tokenizer.json: small objects of which a few members matter. Values
 * borrow from the file's text. Private to core/token; [main].
 */
#ifndef TKP_TOKEN_MEMBER_H
#define TKP_TOKEN_MEMBER_H

#include <base/json_scan.h>
#include <stdbool.h>
#include <tokperf/base.h>

struct tkp_member {
    uint32_t token;          /* TOKPERF_JSON_STRING, _TRUE, ...; 0: absent; _ERROR: malformed */
    uint32_t escaped;        /* of a string */
    struct tokperf_span raw; /* of a string: between its quotes; of a container: all of it */
};

/* The value that comes next in a scan, containers as a whole. */
struct tkp_member tkp_member_take(struct tokperf_json *scan);
/* The value that is all of json. */
struct tkp_member tkp_member_whole(struct tokperf_span json);
/* The last member of that name; absent where object is no object. */
struct tkp_member tkp_member_get(struct tokperf_span object, const char *name);
/* The first member whose name is in none of the names (NULL-ended); data NULL where there is none.
 */
struct tokperf_span tkp_member_other(struct tokperf_span object, const char *const *names);

/* Reads all members of an object in one pass into values[], by the place of their name in names
 * (NULL-ended; absent: token 0). False where it is malformed or has another member, whose name is
 * then *other. */
bool tkp_member_read(struct tokperf_span object, const char *const *names,
                     struct tkp_member *values, struct tokperf_span *other);

bool tkp_member_is(struct tkp_member value, const char *text);
static inline bool tkp_member_is_null(struct tkp_member value)
{
    return value.token == 0 || value.token == TOKPERF_JSON_NULL;
}
/* A boolean, or what to take where it is absent or null. False for anything else. */
bool tkp_member_bool(struct tkp_member value, bool absent, bool *out);
/* The text of a string, NUL-terminated on the heap; NULL without memory or for no string. */
char *tkp_member_text(struct tkp_member value, size_t *len);
/* How a name from the file is printed: at most 64 bytes of it. */
#define TKP_MEMBER_SHOWN(span) ((int)((span).len < 64 ? (span).len : 64)), (span).data

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Steps over JSON that every reader of an answer takes, for the endpoint plugins of this tree: each
 * links its own copy. They allocate nothing. [worker]
 */
#ifndef ENDPOINT_JSON_STEPS_H
#define ENDPOINT_JSON_STEPS_H

#include <stdbool.h>
#include <string.h>
#include <tokperf/endpoint.h>

/* Texts of a server's error are cut to that many bytes; unescaped, one takes up to three times
 * that. */
enum { JSON_ERROR_TEXT_BYTES = 512, JSON_ERROR_ROOM_BYTES = 3 * JSON_ERROR_TEXT_BYTES };

/* Passes over the rest of the container that `token` began; nothing to do for a scalar. */
void json_drain(const struct tokperf_json_v1 *json, struct tokperf_json *scan, uint32_t token);
/* The next value if it is a string, else an empty span; another value is passed over. */
struct tokperf_span json_read_string(const struct tokperf_json_v1 *json, struct tokperf_json *scan);
/* The same for a string or a number: error codes are either. */
struct tokperf_span json_read_scalar(const struct tokperf_json_v1 *json, struct tokperf_json *scan);
/* Whether the next value is a whole number of at least 0, which *count then is. */
bool json_read_count(const struct tokperf_json_v1 *json, struct tokperf_json *scan, int64_t *count);
/* Unescapes at most JSON_ERROR_TEXT_BYTES of text, cut between escapes, to out, which holds
 * JSON_ERROR_ROOM_BYTES. */
struct tokperf_span json_plain(const struct tokperf_json_v1 *json, struct tokperf_span text,
                               char *out);

/* Whether the KEY or STRING that was read last is the literal. */
#define JSON_IS(json, scan, literal) json_is((json), (scan), (literal), sizeof(literal) - 1)
static inline bool json_is(const struct tokperf_json_v1 *json, const struct tokperf_json *scan,
                           const char *literal, uint64_t len)
{
    if (scan->escaped)
        return json->equals(scan->text, 1, (struct tokperf_span){literal, len}) != 0;
    return scan->text.len == len && memcmp(scan->text.data, literal, len) == 0;
}

#endif

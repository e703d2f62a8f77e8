/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of known members; see the header. Any thread. */
#include <report/snapshot_members.h>

#include <base/text.h>
#include <math.h>

bool tkp_reading_fail(struct tkp_reading *reading, const char *problem)
{
    if (!reading->problem) {
        reading->problem = problem;
        reading->problem_at = (uint64_t)(reading->scan.position - reading->scan.begin);
    }
    return false;
}

/* Whether a token is what was expected. */
static bool expect(struct tkp_reading *reading, uint32_t token, uint32_t wanted,
                   const char *expected)
{
    if (token == TOKPERF_JSON_ERROR)
        return tkp_reading_fail(reading, tkp_json_error_text(&reading->scan));
    return token == wanted || tkp_reading_fail(reading, expected);
}

bool tkp_reading_take(struct tkp_reading *reading, uint32_t token, const char *expected)
{
    return !reading->problem && expect(reading, tkp_json_next(&reading->scan), token, expected);
}

bool tkp_reading_next_key(struct tkp_reading *reading)
{
    if (reading->problem)
        return false;
    uint32_t token = tkp_json_next(&reading->scan);
    return token != TOKPERF_JSON_OBJECT_END &&
           expect(reading, token, TOKPERF_JSON_KEY, "a key was expected");
}

void *tkp_reading_list(struct tkp_reading *reading, size_t bytes)
{
    void *list = tkp_arena_alloc(reading->arena, bytes);
    if (!list)
        tkp_reading_fail(reading, "it is too large");
    return tkp_reading_take(reading, TOKPERF_JSON_ARRAY_BEGIN, "an array was expected") ? list
                                                                                        : NULL;
}

void *tkp_reading_item(struct tkp_reading *reading, size_t bytes, uint32_t read, uint32_t most)
{
    if (reading->problem)
        return NULL;
    uint32_t token = tkp_json_next(&reading->scan);
    if (token == TOKPERF_JSON_ARRAY_END ||
        !expect(reading, token, TOKPERF_JSON_OBJECT_BEGIN, "an object was expected"))
        return NULL;
    void *item = read < most ? tkp_arena_alloc(reading->arena, bytes) : NULL;
    if (!item)
        tkp_reading_fail(reading, "the list is too long");
    return item;
}

bool tkp_reading_key_is(const struct tkp_reading *reading, const char *key)
{
    return tkp_json_equals(reading->scan.text, reading->scan.escaped, tkp_span(key));
}

bool tkp_reading_skip(struct tkp_reading *reading)
{
    return tkp_json_skip(&reading->scan, NULL) == TOKPERF_OK ||
           tkp_reading_fail(reading, tkp_json_error_text(&reading->scan));
}

/* A whole number within bounds. */
static bool read_integer(struct tkp_reading *reading, int64_t least, int64_t greatest,
                         int64_t *value)
{
    if (!tkp_reading_take(reading, TOKPERF_JSON_NUMBER, "a whole number was expected"))
        return false;
    if (tkp_json_to_int(reading->scan.text, value) != TOKPERF_OK)
        return tkp_reading_fail(reading, "a whole number was expected");
    return (*value >= least && *value <= greatest) ||
           tkp_reading_fail(reading, "the number is out of range");
}

bool tkp_reading_count(struct tkp_reading *reading, void *place)
{
    int64_t value;
    if (!read_integer(reading, 0, INT64_MAX, &value))
        return false;
    *(uint64_t *)place = (uint64_t)value;
    return true;
}

bool tkp_reading_small(struct tkp_reading *reading, void *place)
{
    int64_t value;
    if (!read_integer(reading, 0, UINT32_MAX, &value))
        return false;
    *(uint32_t *)place = (uint32_t)value;
    return true;
}

bool tkp_reading_code(struct tkp_reading *reading, void *place)
{
    int64_t value;
    if (!read_integer(reading, INT32_MIN, INT32_MAX, &value))
        return false;
    *(int32_t *)place = (int32_t)value;
    return true;
}

bool tkp_reading_number(struct tkp_reading *reading, void *place)
{
    double value;
    if (!tkp_reading_take(reading, TOKPERF_JSON_NUMBER, "a number was expected"))
        return false;
    if (tkp_json_to_double(reading->scan.text, &value) != TOKPERF_OK || !isfinite(value))
        return tkp_reading_fail(reading, "the number is out of range");
    *(double *)place = value;
    return true;
}

bool tkp_reading_boolean(struct tkp_reading *reading, void *place)
{
    if (reading->problem)
        return false;
    uint32_t token = tkp_json_next(&reading->scan);
    *(uint32_t *)place = token == TOKPERF_JSON_TRUE;
    return token == TOKPERF_JSON_TRUE ||
           expect(reading, token, TOKPERF_JSON_FALSE, "true or false was expected");
}

bool tkp_reading_text(struct tkp_reading *reading, void *place)
{
    if (!tkp_reading_take(reading, TOKPERF_JSON_STRING, "a text was expected"))
        return false;
    struct tokperf_span raw = reading->scan.text;
    uint64_t len = 0, capacity = 3 * raw.len;
    char *copy = tkp_arena_alloc(reading->arena, capacity + 1);
    if (!copy)
        return tkp_reading_fail(reading, "it is too large");
    if (tkp_json_unescape(raw, copy, capacity, &len) != TOKPERF_OK)
        return tkp_reading_fail(reading, "the text is damaged");
    copy[len] = '\0';
    *(struct tokperf_span *)place = (struct tokperf_span){copy, len};
    return true;
}

bool tkp_reading_members(struct tkp_reading *reading, const struct tkp_reading_member *members,
                         void *object)
{
    while (tkp_reading_next_key(reading)) {
        const struct tkp_reading_member *m = members;
        while (m->key && !tkp_reading_key_is(reading, m->key))
            m++;
        bool good =
            m->key ? m->read(reading, (char *)object + m->offset) : tkp_reading_skip(reading);
        if (!good)
            return false;
    }
    return !reading->problem;
}

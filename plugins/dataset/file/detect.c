/* SPDX-License-Identifier: Apache-2.0 */
/* Which format a file has: by name, or by the members of its first object. */
#include "closest.h"
#include "rows.h"

#include <stdio.h>

static const char *const format_names[] = {
    "single_turn", "multi_turn", "raw_payload", "inputs_json", NULL,
};
static const enum format formats[] = {FORMAT_SINGLE_TURN, FORMAT_MULTI_TURN, FORMAT_RAW_PAYLOAD,
                                      FORMAT_INPUTS_JSON};

/* Members that only one format has, the surest first. */
static const struct {
    const char *member;
    enum format format;
} signs[] = {
    {"turns", FORMAT_MULTI_TURN},     {"data", FORMAT_INPUTS_JSON},
    {"messages", FORMAT_RAW_PAYLOAD}, {"prompt", FORMAT_RAW_PAYLOAD},
    {"inputs", FORMAT_RAW_PAYLOAD},   {"input", FORMAT_RAW_PAYLOAD},
    {"text", FORMAT_SINGLE_TURN},     {"texts", FORMAT_SINGLE_TURN},
    {"image", FORMAT_SINGLE_TURN},    {"images", FORMAT_SINGLE_TURN},
    {"audio", FORMAT_SINGLE_TURN},    {"audios", FORMAT_SINGLE_TURN},
    {"video", FORMAT_SINGLE_TURN},    {"videos", FORMAT_SINGLE_TURN},
};
enum { SIGN_COUNT = sizeof signs / sizeof signs[0] };

static enum format find_format(struct tokperf_span name)
{
    for (size_t i = 0; format_names[i] != NULL; i++)
        if (strlen(format_names[i]) == name.len &&
            memcmp(format_names[i], name.data, name.len) == 0)
            return formats[i];
    return FORMAT_NONE;
}

tokperf_status format_of_name(struct tokperf_span name, enum format *format,
                              struct tokperf_error *error)
{
    *format = find_format(name);
    if (*format != FORMAT_NONE)
        return TOKPERF_OK;
    if (error != NULL) {
        const char *closest = closest_name(name, format_names);
        error->status = TOKPERF_E_INVALID;
        snprintf(error->message, sizeof error->message,
                 "the file dataset has no format '%.*s'; %s%s", name.len > 64 ? 64 : (int)name.len,
                 name.data, closest != NULL ? "did you mean " : "use single_turn, multi_turn, ",
                 closest != NULL ? closest : "raw_payload or inputs_json");
    }
    return TOKPERF_E_INVALID;
}

/* The format that the object's members speak for. Stops quietly at a fault, which reading the file
 * then reports with its place. */
static enum format look_at_members(const struct reading *reading, struct tokperf_json *scan)
{
    const struct tokperf_json_v1 *json = reading->services->json;
    uint32_t best = SIGN_COUNT;
    while (json->next(scan) == TOKPERF_JSON_KEY) {
        const struct tokperf_span key = scan->text;
        const uint32_t escaped = scan->escaped;
        struct tokperf_span raw = {NULL, 0};
        for (uint32_t i = 0; i < best; i++)
            if (json->equals(key, escaped,
                             (struct tokperf_span){signs[i].member, strlen(signs[i].member)}))
                best = i;
        if (json->skip(scan, &raw) != TOKPERF_OK)
            break;
        if (json->equals(key, escaped, TOKPERF_SPAN("type")) && raw.len > 2) {
            const enum format named = find_format((struct tokperf_span){raw.data + 1, raw.len - 2});
            if (named != FORMAT_NONE)
                return named;
        }
    }
    return best < SIGN_COUNT ? signs[best].format : FORMAT_NONE;
}

tokperf_status format_detect(struct reading *reading, enum format *format)
{
    struct tokperf_json scan;
    reading->services->json->open(&scan, reading->content.data, reading->content.len);
    const uint32_t token = reading->services->json->next(&scan);
    if (token == TOKPERF_JSON_ERROR)
        return reading_fail_json(reading, &scan);
    *format = token == TOKPERF_JSON_OBJECT_BEGIN ? look_at_members(reading, &scan) : FORMAT_NONE;
    if (*format != FORMAT_NONE)
        return TOKPERF_OK;
    if (scan.error_offset > 0)
        return reading_fail_json(reading, &scan);
    return reading_fail(
        reading, TOKPERF_E_INVALID, reading->content.data,
        "the first row is of no known format; say which with "
        "--custom-dataset-type (single_turn, multi_turn, raw_payload, inputs_json)");
}

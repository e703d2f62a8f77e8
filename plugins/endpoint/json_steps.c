/* SPDX-License-Identifier: Apache-2.0 */
/* See json_steps.h. */
#include "json_steps.h"

void json_drain(const struct tokperf_json_v1 *json, struct tokperf_json *scan, uint32_t token)
{
    if (token != TOKPERF_JSON_OBJECT_BEGIN && token != TOKPERF_JSON_ARRAY_BEGIN)
        return;
    const uint32_t outside = scan->depth - 1;
    while (scan->depth > outside)
        if (json->next(scan) <= TOKPERF_JSON_ERROR)
            return;
}

struct tokperf_span json_read_string(const struct tokperf_json_v1 *json, struct tokperf_json *scan)
{
    const uint32_t token = json->next(scan);
    if (token == TOKPERF_JSON_STRING)
        return scan->text;
    json_drain(json, scan, token);
    return (struct tokperf_span){NULL, 0};
}

struct tokperf_span json_read_scalar(const struct tokperf_json_v1 *json, struct tokperf_json *scan)
{
    const uint32_t token = json->next(scan);
    if (token == TOKPERF_JSON_STRING || token == TOKPERF_JSON_NUMBER)
        return scan->text;
    json_drain(json, scan, token);
    return (struct tokperf_span){NULL, 0};
}

bool json_read_count(const struct tokperf_json_v1 *json, struct tokperf_json *scan, int64_t *count)
{
    const uint32_t token = json->next(scan);
    int64_t value;
    json_drain(json, scan, token);
    if (token != TOKPERF_JSON_NUMBER || json->to_int(scan->text, &value) != TOKPERF_OK || value < 0)
        return false;
    *count = value;
    return true;
}

struct tokperf_span json_plain(const struct tokperf_json_v1 *json, struct tokperf_span text,
                               char *out)
{
    uint64_t len = 0, written = 0;
    while (len < text.len) {
        uint64_t step = 1;
        if (text.data[len] == '\\')
            step = len + 1 < text.len && text.data[len + 1] == 'u' ? 6 : 2;
        if (len + step > JSON_ERROR_TEXT_BYTES || len + step > text.len)
            break;
        len += step;
    }
    text.len = len;
    if (len == 0 || json->unescape(text, out, JSON_ERROR_ROOM_BYTES, &written) != TOKPERF_OK)
        return (struct tokperf_span){NULL, 0};
    return (struct tokperf_span){out, written};
}

/* SPDX-License-Identifier: Apache-2.0 */
/* See json_pairs.h. */
#include "json_pairs.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct tokperf_span json_span(const char *text)
{
    return (struct tokperf_span){text, strlen(text)};
}

void json_key(struct json_out *out, const char *name)
{
    out->api->key(&out->w, json_span(name));
}

void json_object(struct json_out *out, const char *name)
{
    json_key(out, name);
    out->api->object_begin(&out->w);
}

void json_array(struct json_out *out, const char *name)
{
    json_key(out, name);
    out->api->array_begin(&out->w);
}

void json_text(struct json_out *out, const char *name, struct tokperf_span value)
{
    json_key(out, name);
    out->api->string(&out->w, value);
}

void json_text_if(struct json_out *out, const char *name, struct tokperf_span value)
{
    if (value.len)
        json_text(out, name, value);
}

void json_integer(struct json_out *out, const char *name, int64_t value)
{
    json_key(out, name);
    out->api->integer(&out->w, value);
}

void json_count(struct json_out *out, const char *name, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    json_key(out, name);
    out->api->raw(&out->w, json_span(digits));
}

void json_number(struct json_out *out, const char *name, double value)
{
    if (!isfinite(value))
        return;
    json_key(out, name);
    out->api->number(&out->w, value);
}

void json_boolean(struct json_out *out, const char *name, uint32_t value)
{
    json_key(out, name);
    out->api->boolean(&out->w, value);
}

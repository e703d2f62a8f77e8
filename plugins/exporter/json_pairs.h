/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of JSON by key and value. A number that is not finite is left out together with its key:
 * NaN and infinity never reach a file. Compiled into the exporters that write JSON. */
#ifndef EXPORTER_JSON_PAIRS_H
#define EXPORTER_JSON_PAIRS_H

#include <tokperf/json.h>

struct json_out {
    const struct tokperf_json_writer_v1 *api;
    struct tokperf_json_writer w;
};

struct tokperf_span json_span(const char *text);
void json_key(struct json_out *out, const char *name);
void json_object(struct json_out *out, const char *name);
void json_array(struct json_out *out, const char *name);
void json_text(struct json_out *out, const char *name, struct tokperf_span value);
/* Leaves an empty text out. */
void json_text_if(struct json_out *out, const char *name, struct tokperf_span value);
void json_integer(struct json_out *out, const char *name, int64_t value);
void json_count(struct json_out *out, const char *name, uint64_t value);
void json_number(struct json_out *out, const char *name, double value);
void json_boolean(struct json_out *out, const char *name, uint32_t value);

#endif

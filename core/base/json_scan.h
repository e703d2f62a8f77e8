/* SPDX-License-Identifier: Apache-2.0 */
/* The strict JSON pull scanner of tokperf/json.h as direct calls. [any], allocates nothing. */
#ifndef TKP_BASE_JSON_SCAN_H
#define TKP_BASE_JSON_SCAN_H

#include <tokperf/json.h>

void tkp_json_open(struct tokperf_json *scan, const char *data, uint64_t len);
uint32_t tkp_json_next(struct tokperf_json *scan);
tokperf_status tkp_json_skip(struct tokperf_json *scan, struct tokperf_span *raw);
const char *tkp_json_error_text(const struct tokperf_json *scan);
uint32_t tkp_json_equals(struct tokperf_span text, uint32_t escaped, struct tokperf_span plain);
tokperf_status tkp_json_unescape(struct tokperf_span text, char *out, uint64_t capacity,
                                 uint64_t *len);
tokperf_status tkp_json_to_int(struct tokperf_span number, int64_t *value);
tokperf_status tkp_json_to_double(struct tokperf_span number, double *value);

extern const struct tokperf_json_v1 tkp_json_service;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer of tokperf/json.h. [any], allocates nothing itself. */
#ifndef TKP_BASE_JSON_WRITE_H
#define TKP_BASE_JSON_WRITE_H

#include <tokperf/json.h>

extern const struct tokperf_json_writer_v1 tkp_json_writer_service;
/* "key": "text" for NUL-terminated text; leaves the pair out when text is NULL. */
void tkp_json_write_pair(struct tokperf_json_writer *w, const char *key, const char *text);

#endif

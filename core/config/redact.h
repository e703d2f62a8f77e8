/* SPDX-License-Identifier: Apache-2.0 */
/* JSON without the values of secret names, at any depth. [any] */
#ifndef TKP_CONFIG_REDACT_H
#define TKP_CONFIG_REDACT_H

#include <tokperf/json.h>

/* Writes a valid JSON value; the value of every key with a secret name becomes TKP_REDACTED. */
void tkp_redact_json(struct tokperf_span value, struct tokperf_json_writer *w);

#endif

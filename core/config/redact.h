/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in one form, with or without the values of secret names. [any] */
#ifndef TKP_CONFIG_REDACT_H
#define TKP_CONFIG_REDACT_H

#include <tokperf/json.h>

/* Writes a valid JSON value; the value of every key with a secret name, at any depth, becomes
 * TKP_REDACTED. */
void tkp_redact_json(struct tokperf_span value, struct tokperf_json_writer *w);
/* Writes it with nothing hidden: no space, no escape that is not needed, numbers as they are. */
void tkp_compact_json(struct tokperf_span value, struct tokperf_json_writer *w);

#endif

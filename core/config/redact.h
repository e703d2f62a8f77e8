/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in one form, and commands, with or without the values of secret names. [any] */
#ifndef TKP_CONFIG_REDACT_H
#define TKP_CONFIG_REDACT_H

#include <base/buffer.h>

/* Writes a valid JSON value; the value of every key with a secret name, at any depth, becomes
 * TKP_REDACTED. */
void tkp_redact_json(struct tokperf_span value, struct tokperf_json_writer *w);
/* Writes it with nothing hidden: no space, no escape that is not needed, numbers as they are. */
void tkp_compact_json(struct tokperf_span value, struct tokperf_json_writer *w);

/* Appends a command line, as of --collector, with what belongs to secret names replaced by
 * TKP_REDACTED: values of assignments, headers and flags (`token=X`, `Authorization: X Y`,
 * `--api-key X`), in quotes within quotes too, user-info of URLs and of `-u`, and whatever may
 * belong to them; a word too many rather than one too few. */
void tkp_redact_command(const char *command, struct tkp_buffer *out);
void tkp_redact_command_json(const char *command, struct tokperf_json_writer *w);

#endif

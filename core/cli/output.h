/* SPDX-License-Identifier: Apache-2.0 */
/* Printing whole documents on stdout, and saying what was wrong on stderr. [main] */
#ifndef TKP_CLI_OUTPUT_H
#define TKP_CLI_OUTPUT_H

#include <base/buffer.h>

/* Writes the buffer to stdout. Returns the exit code: 0, or 3 with a sentence on stderr. */
int tkp_output_print(const struct tkp_buffer *text);
/* Logs the error and returns the exit code of its status. */
int tkp_output_refuse(tokperf_status status, const struct tokperf_error *error);
/* Refuses a word that a command does not take; names the closest of `known` (NULL-ended), or
 * all where they are few. */
int tkp_output_unknown(const char *what, const char *word, const char *const *known);

#endif

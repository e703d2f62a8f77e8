/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a whole input: a file, a pipe, or "-" for standard input. [main] */
#ifndef TKP_CLI_TEXT_INPUT_H
#define TKP_CLI_TEXT_INPUT_H

#include <base/buffer.h>

enum { TKP_TEXT_INPUT_MAX_BYTES = 512 << 20 };

/* Appends all of it to out, whose bound is the input's. Errors name the input. */
tokperf_status tkp_text_input_read(const char *name, struct tkp_buffer *out,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

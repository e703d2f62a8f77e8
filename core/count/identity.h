/* SPDX-License-Identifier: Apache-2.0 */
/* Which tokenizer counted: JSON with length and checksum of its file, wherever that lies, so that
 * counts of another one are never taken for its own. [main] */
#ifndef TKP_COUNT_IDENTITY_H
#define TKP_COUNT_IDENTITY_H

#include <base/buffer.h>
#include <tokperf/base.h>

/* path as tkp_tokenizer_load takes it; it was loaded from there. */
tokperf_status tkp_count_identity(const char *path, struct tkp_buffer *out,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

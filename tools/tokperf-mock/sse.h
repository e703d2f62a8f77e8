/* SPDX-License-Identifier: Apache-2.0 */
/* Event-stream framing in the dialects that servers speak (WHATWG HTML 9.2). */
#ifndef TKP_MOCK_SSE_H
#define TKP_MOCK_SSE_H

#include <stdint.h>

#include "buffer.h"
#include "options.h"

/* Appends one event. `number` counts the stream's events from 0. data must be JSON whose first
 * comma is not inside of a string, or a word without a comma. *mark, a place in data, is turned
 * into the same byte's place in out; NULL when there is none. */
void tkp_mock_sse_add(struct tkp_mock_buffer *out, enum tkp_mock_dialect dialect, uint64_t number,
                      struct tkp_mock_slice data, size_t *mark);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The text that answers are made of: token i is always the same word. */
#ifndef TKP_MOCK_TEXT_H
#define TKP_MOCK_TEXT_H

#include <stdint.h>

#include "buffer.h"

enum { TKP_MOCK_TEXT_WORDS = 64 }; /* then it starts over */

/* Appends `count` tokens from number `first` on, as the inside of a JSON string. Each token is one
 * word with a space before it; token 0 has none. */
void tkp_mock_text_add(struct tkp_mock_buffer *out, uint64_t first, uint64_t count);

#endif

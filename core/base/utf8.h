/* SPDX-License-Identifier: Apache-2.0 */
/* One step over UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates). [any] */
#ifndef TKP_BASE_UTF8_H
#define TKP_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* The length of the well-formed sequence at data (1 to 4). Where there is none, *valid is false and
 * the result is how many bytes one U+FFFD stands for (the maximal subpart, at least 1). len > 0. */
size_t tkp_utf8_step(const char *data, size_t len, bool *valid);
/* Writes a scalar value below 0x110000 and returns its length. */
size_t tkp_utf8_encode(unsigned scalar, char out[4]);

#endif

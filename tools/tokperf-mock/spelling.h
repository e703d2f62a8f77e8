/* SPDX-License-Identifier: Apache-2.0 */
/* How far a misspelt name is from a known one. */
#ifndef TKP_MOCK_SPELLING_H
#define TKP_MOCK_SPELLING_H

#include <stddef.h>

/* Letters to change, insert or remove to get from a to b; SIZE_MAX when b is longer than 40. */
size_t tkp_mock_spelling_distance(const char *a, const char *b);

#endif

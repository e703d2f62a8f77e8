/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values that no artifact may hold: the run's credentials. A server may say them back, so every
 * text of a server passes here before it is stored. Set on [main] while there is no other thread,
 * read on [any]; no allocation.
 */
#ifndef TKP_BASE_SECRETS_H
#define TKP_BASE_SECRETS_H

#include <stdbool.h>
#include <stdint.h>
#include <tokperf/base.h>

enum { TKP_SECRET_MIN_BYTES = 4 }; /* shorter ones are passed over: they are part of any text */

/* The list is the caller's and lives until the next call; NULL, 0: no secrets. */
void tkp_secrets_set(const struct tokperf_span *list, uint32_t count);
/* Copies with each secret replaced by <redacted>, also one with '\' before its bytes (JSON) and the
 * beginning of one at the text's end (it was cut). Ends with a NUL, cut at a UTF-8 boundary;
 * returns whether all fitted. out may not overlap text. */
bool tkp_secrets_copy(char *out, size_t capacity, struct tokperf_span text);

/* Where the first secret of the text begins, as tkp_secrets_copy() finds them, and its length;
 * text.len and 0 without one. */
uint64_t tkp_secrets_find(struct tokperf_span text, uint64_t *len);

#endif

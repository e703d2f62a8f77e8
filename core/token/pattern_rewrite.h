/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the regular expressions of the reference (Oniguruma, Ruby's syntax) to PCRE2's. What means
 * the same is kept, what can be said otherwise is, the rest is refused. Private to pattern.c.
 */
#ifndef TKP_TOKEN_PATTERN_REWRITE_H
#define TKP_TOKEN_PATTERN_REWRITE_H

#include <base/buffer.h>

enum { TKP_PATTERN_MAX_BYTES = 1 << 20 };

/* Appends the pattern to out. Returns NULL, or why it cannot be done: words behind "the Regex".
 * *has_old_class: it has a class that unicode.h lacks and that is left to PCRE2's tables. */
const char *tkp_pattern_rewrite(struct tokperf_span pattern, struct tkp_buffer *out,
                                bool *has_old_class);

#endif

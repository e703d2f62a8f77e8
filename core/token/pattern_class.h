/* SPDX-License-Identifier: Apache-2.0 */
/*
 * \p{...} for PCRE2 as the reference knows it: PCRE2's own class, and what its Unicode tables lack
 * of those of unicode.h, or, where they have more, every range. Main thread. Private to pattern*.c.
 */
#ifndef TKP_TOKEN_PATTERN_CLASS_H
#define TKP_TOKEN_PATTERN_CLASS_H

#include <base/buffer.h>
#include <stdbool.h>
#include <stdint.h>
#include <tokperf/base.h>

enum { TKP_PATTERN_CLASSES = 16 };
/* Zeroed to begin with; keeps what it found out for the other mentions in a pattern. */
struct tkp_pattern_classes {
    struct tkp_buffer all; /* every scalar value in UTF-8, one behind the other */
    uint8_t *members;      /* by code point: what PCRE2 takes for a member */
    struct tkp_buffer found[TKP_PATTERN_CLASSES];
};
void tkp_pattern_classes_finish(struct tkp_pattern_classes *classes);

/* Appends the members of the class, to stand between brackets, to out. False, and nothing is
 * appended, where unicode.h does not have the class, or without memory. */
bool tkp_pattern_class_append(struct tkp_pattern_classes *classes, struct tokperf_span name,
                              struct tkp_buffer *out);

#endif

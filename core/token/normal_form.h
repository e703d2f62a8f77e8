/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unicode normalization forms (UAX 15). The data is that of the reference implementation, Unicode
 * 9: a character assigned later neither decomposes nor composes nor changes its place. No shared
 * state; any thread with its own scratch.
 */
#ifndef TKP_TOKEN_NORMAL_FORM_H
#define TKP_TOKEN_NORMAL_FORM_H

#include <base/buffer.h>
#include <stdint.h>

enum tkp_normal_form { TKP_NORMAL_NFC, TKP_NORMAL_NFD, TKP_NORMAL_NFKC, TKP_NORMAL_NFKD };

/* One starter and the marks behind it. Zeroed to begin with; grows to the longest run of marks. */
struct tkp_normal_scratch {
    struct tkp_normal_mark *marks, *sorted;
    size_t len, capacity;
};
void tkp_normal_scratch_finish(struct tkp_normal_scratch *scratch);

/* How many bytes of the well-formed text are in the form already, up to a starter; len
 * when all of it is. */
size_t tkp_normal_prefix(enum tkp_normal_form form, const char *text, size_t len);
/* Appends the well-formed text in the form. False without memory or past the bound of out. */
bool tkp_normal_append(enum tkp_normal_form form, struct tkp_normal_scratch *scratch,
                       const char *text, size_t len, struct tkp_buffer *out);

#endif

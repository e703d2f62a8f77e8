/* SPDX-License-Identifier: Apache-2.0 */
/* Text that may come from a server, made fit for a terminal. Pure. [any] */
#ifndef TKP_BASE_PRINTABLE_H
#define TKP_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

enum { TKP_PRINTABLE_GROWTH = 4 }; /* bytes that one byte becomes at most */

/* Copies with control characters (C0, DEL, C1) and broken UTF-8 as \xNN, so that nothing of it
 * reaches a terminal as a command. Line ends and tabs pass, or become \n and \t with one_line. out
 * holds TKP_PRINTABLE_GROWTH * len bytes and is not ended with NUL. Returns its length. */
size_t tkp_printable_copy(char *out, const char *text, size_t len, bool one_line);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a file that is about to be believed could have been put there by anybody. [main]
 */
#ifndef TKP_PLUGIN_TRUST_H
#define TKP_PLUGIN_TRUST_H

#include <stdbool.h>
#include <stddef.h>

/* True when neither the file nor its folder can be written by everyone (a sticky folder is fine).
 * Otherwise reason says which one and how to mend it. A file that cannot be looked at is trusted:
 * opening it says more. */
bool tkp_trust_file(const char *path, char *reason, size_t capacity);
/* The same for a folder alone. */
bool tkp_trust_folder(const char *path, char *reason, size_t capacity);

#endif

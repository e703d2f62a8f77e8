/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the Authorization header. [any] */
#ifndef TKP_CONFIG_AUTHORIZATION_H
#define TKP_CONFIG_AUTHORIZATION_H

#include <base/arena.h>

/* "Bearer KEY" (RFC 6750). NULL without memory. */
const char *tkp_authorization_bearer(const char *key, struct tkp_arena *arena);
/* "Basic base64(user:password)" (RFC 7617); without ':' the password is empty. NULL without
 * memory. */
const char *tkp_authorization_basic(const char *user_info, struct tkp_arena *arena);

#endif

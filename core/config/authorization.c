/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the Authorization header, base64 (RFC 4648, section 4) included. [any] */
#include <config/authorization.h>

#include <string.h>

const char *tkp_authorization_bearer(const char *key, struct tkp_arena *arena)
{
    return tkp_arena_printf(arena, "Bearer %s", key);
}

static char *encode(const char *data, size_t len, struct tkp_arena *arena)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = tkp_arena_alloc(arena, (len + 2) / 3 * 4 + 1);
    size_t used = 0;
    for (size_t i = 0; out && i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        unsigned group = (unsigned)(unsigned char)data[i] << 16;
        if (have > 1)
            group |= (unsigned)(unsigned char)data[i + 1] << 8;
        if (have > 2)
            group |= (unsigned char)data[i + 2];
        out[used++] = digits[group >> 18];
        out[used++] = digits[group >> 12 & 63];
        out[used++] = have > 1 ? digits[group >> 6 & 63] : '=';
        out[used++] = have > 2 ? digits[group & 63] : '=';
    }
    return out;
}

const char *tkp_authorization_basic(const char *user_info, struct tkp_arena *arena)
{
    const char *pair =
        strchr(user_info, ':') ? user_info : tkp_arena_printf(arena, "%s:", user_info);
    const char *text = pair ? encode(pair, strlen(pair), arena) : NULL;
    return text ? tkp_arena_printf(arena, "Basic %s", text) : NULL;
}

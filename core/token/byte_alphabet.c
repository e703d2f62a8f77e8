/* SPDX-License-Identifier: Apache-2.0 */
/* See byte_alphabet.h. */
#include <token/byte_alphabet.h>

#include <token/unicode.h>

/* The byte of a code point, or -1. The bytes that are not themselves: 0 to 32, 127 to 160, 173. */
static int byte_of(uint32_t code_point)
{
    if (code_point > 32 && code_point < 256)
        return code_point > 126 && (code_point < 161 || code_point == 173) ? -1 : (int)code_point;
    if (code_point < 256 || code_point > 323)
        return -1;
    uint32_t place = code_point - 256;
    return place == 67 ? 173 : (int)(place < 33 ? place : place + 127 - 33);
}

size_t tkp_byte_alphabet_decode(const char *text, size_t len, char *bytes)
{
    size_t n = 0, step;
    for (const char *p = text; p < text + len; p += step) {
        int byte = byte_of(tkp_unicode_decode(p, &step));
        if (byte < 0)
            return 0;
        bytes[n++] = (char)byte;
    }
    return n;
}

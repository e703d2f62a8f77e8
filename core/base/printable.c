/* SPDX-License-Identifier: Apache-2.0 */
/* See printable.h. */
#include <base/printable.h>

#include <base/utf8.h>
#include <string.h>

static char *put_hex(char *to, const char *bytes, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        unsigned char b = (unsigned char)bytes[i];
        memcpy(to, (char[]){'\\', 'x', hex[b >> 4], hex[b & 15]}, 4);
        to += 4;
    }
    return to;
}

size_t tkp_printable_copy(char *out, const char *text, size_t len, bool one_line)
{
    char *to = out;
    for (size_t at = 0; at < len;) {
        bool valid;
        size_t step = tkp_utf8_step(text + at, len - at, &valid);
        unsigned char byte = (unsigned char)text[at];
        bool breaks = byte == '\n' || byte == '\t';
        bool c1 = step == 2 && byte == 0xc2 && (unsigned char)text[at + 1] < 0xa0;
        if (breaks && one_line) {
            *to++ = '\\';
            *to++ = byte == '\n' ? 'n' : 't';
        } else if (breaks || (valid && !c1 && byte >= 0x20 && byte != 0x7f)) {
            memcpy(to, text + at, step);
            to += step;
        } else {
            to = put_hex(to, text + at, step);
        }
        at += step;
    }
    return (size_t)(to - out);
}

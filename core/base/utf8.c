/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 by the ranges of Unicode 15, table 3-7. No state. */
#include <base/utf8.h>

/* How many bytes follow a lead byte, and the range of the first of them. */
static size_t continuation(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xbf;
    if (lead < 0xc2)
        return 0;
    if (lead < 0xe0)
        return 1;
    if (lead < 0xf0) {
        *low = lead == 0xe0 ? 0xa0 : 0x80;
        *high = lead == 0xed ? 0x9f : 0xbf;
        return 2;
    }
    if (lead > 0xf4)
        return 0;
    *low = lead == 0xf0 ? 0x90 : 0x80;
    *high = lead == 0xf4 ? 0x8f : 0xbf;
    return 3;
}

size_t tkp_utf8_step(const char *data, size_t len, bool *valid)
{
    unsigned char lead = (unsigned char)data[0], low, high;
    *valid = true;
    if (lead < 0x80)
        return 1;
    size_t follow = continuation(lead, &low, &high);
    *valid = false;
    if (!follow)
        return 1;
    for (size_t i = 1; i <= follow; i++) {
        unsigned char byte = i < len ? (unsigned char)data[i] : 0;
        if (byte < low || byte > high)
            return i;
        low = 0x80;
        high = 0xbf;
    }
    *valid = true;
    return follow + 1;
}

size_t tkp_utf8_encode(unsigned scalar, char out[4])
{
    if (scalar < 0x80) {
        out[0] = (char)scalar;
        return 1;
    }
    if (scalar < 0x800) {
        out[0] = (char)(0xc0 | scalar >> 6);
        out[1] = (char)(0x80 | (scalar & 0x3f));
        return 2;
    }
    if (scalar < 0x10000) {
        out[0] = (char)(0xe0 | scalar >> 12);
        out[1] = (char)(0x80 | (scalar >> 6 & 0x3f));
        out[2] = (char)(0x80 | (scalar & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | scalar >> 18);
    out[1] = (char)(0x80 | (scalar >> 12 & 0x3f));
    out[2] = (char)(0x80 | (scalar >> 6 & 0x3f));
    out[3] = (char)(0x80 | (scalar & 0x3f));
    return 4;
}

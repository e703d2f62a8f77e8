/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes error pages: the first byte is the room for the text, which no more room may change. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <worker/error_page.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    char *bytes = malloc(size - 1), *all = malloc(size), part[256];
    if (bytes && all) {
        memcpy(bytes, data + 1, size - 1);
        struct tokperf_span body = {bytes, size - 1};
        size_t len = tkp_error_page_read(body, all, size);
        size_t part_len = tkp_error_page_read(body, part, data[0]);
        if (len >= size || part_len > data[0] || part_len > len ||
            (part_len && memcmp(part, all, part_len) != 0))
            abort();
    }
    free(bytes);
    free(all);
    return 0;
}

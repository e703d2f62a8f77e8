/* SPDX-License-Identifier: Apache-2.0 */
/* Levenshtein distance with one row of memory. */
#include "spelling.h"

#include <stdint.h>
#include <string.h>

size_t tkp_mock_spelling_distance(const char *a, const char *b)
{
    enum { LONGEST = 40 };
    size_t row[LONGEST + 1];
    size_t len = strlen(b);
    if (len > LONGEST) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= len; j++) {
        row[j] = j;
    }
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < len; j++) {
            size_t change = diagonal + (a[i] != b[j]);
            size_t remove = row[j + 1] + 1;
            size_t insert = row[j] + 1;
            diagonal = row[j + 1];
            row[j + 1] = change < remove ? change : remove;
            row[j + 1] = row[j + 1] < insert ? row[j + 1] : insert;
        }
    }
    return row[len];
}

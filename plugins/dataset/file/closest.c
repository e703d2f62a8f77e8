/* SPDX-License-Identifier: Apache-2.0 */
/* Levenshtein distance over short names; longer ones have no neighbours here. */
#include "closest.h"

#include <string.h>

enum { MAX_NAME = 32 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned distance(struct tokperf_span a, struct tokperf_span b)
{
    unsigned row[MAX_NAME + 1];
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            const unsigned replaced = diagonal + (a.data[i - 1] != b.data[j - 1] ? 1 : 0);
            diagonal = row[j];
            row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[b.len];
}

const char *closest_name(struct tokperf_span word, const char *const *names)
{
    const char *best = NULL;
    if (word.len == 0 || word.len > MAX_NAME)
        return NULL;
    unsigned best_distance = word.len < 6 ? 1 : (unsigned)word.len / 3;
    for (; *names != NULL; names++) {
        const struct tokperf_span name = {*names, strlen(*names)};
        if (name.len > MAX_NAME)
            continue;
        const unsigned d = distance(word, name);
        if (d <= best_distance && (best == NULL || d < best_distance)) {
            best = *names;
            best_distance = d;
        }
    }
    return best;
}

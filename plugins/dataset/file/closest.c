/* SPDX-License-Identifier: Apache-2.0 */
/* Edit distance over short names; longer ones have no neighbours here. */
#include "closest.h"

#include <string.h>

enum { MAX_NAME = 32 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: an exchange of neighbours costs one. */
static unsigned distance(struct tokperf_span a, struct tokperf_span b)
{
    unsigned before[MAX_NAME + 1] = {0}, last[MAX_NAME + 1], row[MAX_NAME + 1];
    for (unsigned j = 0; j <= b.len; j++)
        last[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            row[j] = least(last[j - 1] + (a.data[i - 1] != b.data[j - 1] ? 1 : 0),
                           least(last[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        memcpy(before, last, sizeof before);
        memcpy(last, row, sizeof last);
    }
    return last[b.len];
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

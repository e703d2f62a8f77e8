/* SPDX-License-Identifier: Apache-2.0 */
/* Display buckets of a series. In keys (series.h) until they are shown. Any thread. */
#include <metrics/display.h>

#include <math.h>

/* Log-spaced edges between the least key and behind the greatest one, which fall on the
 * histogram's. One key is added to all while they are spaced, so that 0 has a place. Returns the
 * number of buckets. */
static uint32_t space_edges(const struct tkp_histogram *histogram, uint64_t *edges)
{
    const uint64_t end = histogram->max + 1; /* keys are below 2^63 */
    const double first = (double)histogram->min + 1, ratio = ((double)end + 1) / first;
    uint32_t count = 0;
    edges[0] = histogram->min;
    for (uint32_t i = 1; i < TKP_DISPLAY_BUCKETS; i++) {
        uint64_t low, high;
        double key = round(first * pow(ratio, (double)i / TKP_DISPLAY_BUCKETS) - 1);
        tkp_histogram_bucket((uint64_t)key, &low, &high);
        if (low > edges[count] && low < end)
            edges[++count] = low;
    }
    edges[++count] = end;
    return count;
}

static double shown(const struct tkp_series *series, double key)
{
    return tkp_metric_shown(series->id, key / series->key_steps + series->key_start);
}

bool tkp_display_buckets(const struct tkp_series *series, struct tkp_arena *arena,
                         const struct tokperf_buckets **buckets)
{
    const struct tkp_histogram *histogram = &series->histogram;
    uint64_t edges[TKP_DISPLAY_BUCKETS + 1];
    *buckets = NULL;
    if (!series->moments.count || histogram->count != series->moments.count)
        return true;
    uint32_t count = space_edges(histogram, edges);
    struct tokperf_buckets *made = tkp_arena_alloc(arena, sizeof *made);
    double *bounds = tkp_arena_alloc(arena, (count + 1) * sizeof *bounds);
    uint64_t *counts = tkp_arena_alloc(arena, count * sizeof *counts);
    if (!made || !bounds || !counts)
        return false;
    tkp_histogram_split(histogram, edges, count, counts);
    for (uint32_t i = 0; i <= count; i++)
        bounds[i] = shown(series, (double)edges[i]);
    /* Great keys are neighbours that a double cannot tell apart. */
    bounds[count] =
        fmax(bounds[count], nextafter(tkp_metric_shown(series->id, series->moments.max), INFINITY));
    *made = (struct tokperf_buckets){
        .struct_size = sizeof *made, .count = count, .bounds = bounds, .counts = counts};
    *buckets = made;
    return true;
}

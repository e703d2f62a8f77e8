/* SPDX-License-Identifier: Apache-2.0 */
/* See errors.h. */
#include <calibrate/errors.h>

#include <base/clock.h>
#include <math.h>
#include <metrics/support.h>
#include <stdlib.h>

enum { FIRST_ROOM = 4096 };

void tkp_error_list_add(struct tkp_error_list *list, double error_ns)
{
    if (list->failed)
        return;
    if (list->count == list->room) {
        uint64_t room = list->room ? 2 * list->room : FIRST_ROOM;
        double *grown = realloc(list->values_ns, room * sizeof *grown);
        if (!grown) {
            list->failed = true;
            return;
        }
        list->values_ns = grown;
        list->room = room;
    }
    list->values_ns[list->count++] = fabs(error_ns);
}

void tkp_error_list_finish(struct tkp_error_list *list)
{
    free(list->values_ns);
    *list = (struct tkp_error_list){0};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sort(struct tkp_error_list *list)
{
    if (list->count)
        qsort(list->values_ns, list->count, sizeof *list->values_ns, compare);
}

/* Linear interpolation between order statistics, as everywhere (metrics.md). */
static double percentile_us(const struct tkp_error_list *list, double p)
{
    double place = (double)(list->count - 1) * p;
    uint64_t low = (uint64_t)place;
    uint64_t high = low + 1 < list->count ? low + 1 : low;
    double between = list->values_ns[low] +
                     (list->values_ns[high] - list->values_ns[low]) * (place - (double)low);
    return between / (double)TKP_NS_PER_US;
}

struct tkp_error_figures tkp_error_figures(struct tkp_error_list *all,
                                           struct tkp_error_list *independent)
{
    struct tkp_error_figures figures = {.samples = all->count, .independent = independent->count};
    if (!all->count)
        return figures;
    sort(all);
    if (independent != all)
        sort(independent);
    figures.p50_us = percentile_us(all, 0.5);
    figures.p90_us = percentile_us(all, 0.9);
    figures.p99_us = percentile_us(all, 0.99);
    figures.max_us = all->values_ns[all->count - 1] / (double)TKP_NS_PER_US;
    uint64_t t = tkp_support_t(0.99, independent->count);
    if (t) {
        figures.has_bound = true;
        figures.p99_bound_us =
            independent->values_ns[independent->count - t] / (double)TKP_NS_PER_US;
    }
    return figures;
}

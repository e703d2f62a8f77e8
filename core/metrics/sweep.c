/* SPDX-License-Identifier: Apache-2.0 */
/* Statistics weighted by time. One thread. */
#include <metrics/sweep.h>

#include <math.h>
#include <stdlib.h>

/* A stretch of time with one value. */
struct stretch {
    int64_t value;
    uint64_t ns;
};

struct stretches {
    struct stretch *items;
    uint64_t count;
    int64_t value; /* now */
    uint64_t since_ns;
};

void tkp_sweep_finish(struct tkp_sweep *sweep)
{
    free(sweep->changes);
    free(sweep->slices);
    *sweep = (struct tkp_sweep){0};
}

void tkp_sweep_expect(struct tkp_sweep *sweep, uint64_t changes)
{
    sweep->expected += changes;
}

bool tkp_sweep_begin(struct tkp_sweep *sweep, uint64_t from_ns, uint64_t to_ns)
{
    sweep->from_ns = from_ns;
    sweep->to_ns = to_ns;
    if (!sweep->expected || to_ns <= from_ns)
        return true;
    if (sweep->expected <= TKP_SWEEP_EXACT) {
        sweep->changes = malloc(sweep->expected * sizeof *sweep->changes);
        return sweep->changes;
    }
    sweep->slice_ns = (to_ns - from_ns) / TKP_SWEEP_EXACT + 1;
    sweep->slices = calloc(TKP_SWEEP_EXACT, sizeof *sweep->slices);
    return sweep->slices;
}

void tkp_sweep_change(struct tkp_sweep *sweep, uint64_t at_ns, int64_t by)
{
    if (at_ns < sweep->from_ns)
        at_ns = sweep->from_ns;
    if (at_ns > sweep->to_ns)
        at_ns = sweep->to_ns;
    if (sweep->changes && sweep->count < sweep->expected)
        sweep->changes[sweep->count] = (struct tkp_sweep_change){at_ns, by};
    else if (sweep->slices)
        sweep->slices[(at_ns - sweep->from_ns) / sweep->slice_ns] += by;
    else
        return;
    sweep->count++;
    tkp_moments_add_sum(&sweep->area, (double)by * (double)(sweep->to_ns - at_ns));
}

static int compare_times(const void *a, const void *b)
{
    const struct tkp_sweep_change *x = a, *y = b;
    return (x->at_ns > y->at_ns) - (x->at_ns < y->at_ns);
}

static int compare_values(const void *a, const void *b)
{
    const struct stretch *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

static void advance(struct stretches *s, uint64_t at_ns, int64_t by)
{
    if (at_ns > s->since_ns)
        s->items[s->count++] = (struct stretch){s->value, at_ns - s->since_ns};
    s->since_ns = at_ns;
    s->value += by;
}

/* The curve as stretches, in order of time. */
static bool trace(struct tkp_sweep *sweep, struct stretches *s)
{
    uint64_t steps = sweep->changes ? sweep->count : TKP_SWEEP_EXACT;
    *s = (struct stretches){.since_ns = sweep->from_ns};
    s->items = malloc((steps + 1) * sizeof *s->items);
    if (!s->items)
        return false;
    if (sweep->changes) {
        qsort(sweep->changes, sweep->count, sizeof *sweep->changes, compare_times);
        for (uint64_t i = 0; i < steps; i++)
            advance(s, sweep->changes[i].at_ns, sweep->changes[i].by);
    } else {
        for (uint64_t i = 0; i < steps; i++)
            if (sweep->slices[i])
                advance(s, sweep->from_ns + i * sweep->slice_ns, sweep->slices[i]);
    }
    advance(s, sweep->to_ns, 0);
    return true;
}

/* The least value that holds for at least this share of the time. Stretches ascend by value. */
static double quantile(const struct stretches *s, double total_ns, double share)
{
    double passed_ns = 0;
    uint64_t i = 0;
    while (i + 1 < s->count) {
        passed_ns += (double)s->items[i].ns;
        if (passed_ns >= share * total_ns)
            break;
        i++;
    }
    return (double)s->items[i].value;
}

static double deviation(const struct stretches *s, double total_ns)
{
    double mean = 0, squares = 0;
    for (uint64_t i = 0; i < s->count; i++)
        mean += (double)s->items[i].value * ((double)s->items[i].ns / total_ns);
    for (uint64_t i = 0; i < s->count; i++) {
        double off = (double)s->items[i].value - mean;
        squares += off * off * ((double)s->items[i].ns / total_ns);
    }
    return sqrt(squares);
}

bool tkp_sweep_result(struct tkp_sweep *sweep, struct tkp_sweep_stats *stats, bool *failed)
{
    struct stretches s;
    if (!sweep->count || sweep->to_ns <= sweep->from_ns)
        return false;
    if (!trace(sweep, &s)) {
        *failed = true;
        return false;
    }
    qsort(s.items, s.count, sizeof *s.items, compare_values);
    double total_ns = (double)(sweep->to_ns - sweep->from_ns);
    *stats = (struct tkp_sweep_stats){
        .avg = tkp_moments_sum(&sweep->area) / total_ns,
        .min = (double)s.items[0].value,
        .max = (double)s.items[s.count - 1].value,
        .std = deviation(&s, total_ns),
        .p50 = quantile(&s, total_ns, 0.5),
        .p90 = quantile(&s, total_ns, 0.9),
        .p95 = quantile(&s, total_ns, 0.95),
        .p99 = quantile(&s, total_ns, 0.99),
    };
    free(s.items);
    return true;
}

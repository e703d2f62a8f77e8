/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time of the sum of several phases: that in which at least one of them went on. What lies between
 * them (a warm-up, a phase that is excluded, the wait for the last answers) is no time of theirs.
 */
#include <metrics/phase_state.h>

#include <stddef.h>

void tkp_phase_metrics_make_total(struct tkp_phase_metrics *metrics,
                                  const struct tkp_phase_metrics *const *parts, uint32_t count)
{
    metrics->parts = parts;
    metrics->part_count = count;
}

static void sort_by_start(struct tkp_phase_span *spans, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++)
        for (uint32_t k = i; k && spans[k].first_ns < spans[k - 1].first_ns; k--) {
            struct tkp_phase_span later = spans[k - 1];
            spans[k - 1] = spans[k];
            spans[k] = later;
        }
}

/* Of the spans at this offset in each part; those that overlap count once. */
static uint64_t covered_ns(const struct tkp_phase_metrics *m, size_t offset)
{
    struct tkp_phase_span spans[TKP_PLAN_MAX_PHASES];
    uint64_t sum_ns = 0, until_ns = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < m->part_count && count < TKP_PLAN_MAX_PHASES; i++) {
        const char *part = (const char *)m->parts[i];
        const struct tkp_phase_span *span = (const void *)(part + offset);
        if (tkp_phase_span_ns(span))
            spans[count++] = *span;
    }
    sort_by_start(spans, count);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t from_ns = spans[i].first_ns > until_ns ? spans[i].first_ns : until_ns;
        if (spans[i].last_ns <= from_ns)
            continue;
        sum_ns += spans[i].last_ns - from_ns;
        until_ns = spans[i].last_ns;
    }
    return sum_ns;
}

uint64_t tkp_phase_ok_ns(const struct tkp_phase_metrics *m)
{
    if (m->part_count)
        return covered_ns(m, offsetof(struct tkp_phase_metrics, ok));
    return tkp_phase_span_ns(&m->ok);
}

uint64_t tkp_phase_all_ns(const struct tkp_phase_metrics *m)
{
    if (m->part_count)
        return covered_ns(m, offsetof(struct tkp_phase_metrics, all));
    return tkp_phase_span_ns(&m->all);
}

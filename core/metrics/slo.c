/* SPDX-License-Identifier: Apache-2.0 */
/* Service level objectives. Pure; any thread. */
#include <metrics/slo.h>

#include <base/error.h>
#include <base/text.h>

static bool is_allowed(enum tkp_metric_id id)
{
    return id < TKP_METRIC_COUNT && !(tkp_metric_def(id)->flags & TOKPERF_METRIC_LIST);
}

static const char *closest_tag(const char *tag)
{
    const char *names[TKP_METRIC_COUNT + 1];
    uint32_t count = 0;
    for (unsigned id = 0; id < TKP_METRIC_COUNT; id++)
        if (is_allowed((enum tkp_metric_id)id))
            names[count++] = tkp_metric_def((enum tkp_metric_id)id)->tag;
    names[count] = NULL;
    return tkp_text_closest(tag, names);
}

tokperf_status tkp_slos_check(const struct tkp_slo *slos, uint32_t count,
                              struct tokperf_error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        if (is_allowed(tkp_metric_find(slos[i].tag)))
            continue;
        const char *closest = closest_tag(slos[i].tag);
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "--goodput: '%s' is not a metric with one value per request%s%s%s",
                        slos[i].tag, closest ? "; did you mean '" : "; docs/metrics.md lists them",
                        closest ? closest : "", closest ? "'?" : "");
    }
    return TOKPERF_OK;
}

bool tkp_slos_met(const struct tkp_metric_context *context, const struct tkp_values *values,
                  bool *missing)
{
    bool met = true;
    *missing = false;
    for (uint32_t i = 0; i < context->slo_count; i++) {
        const struct tkp_slo *slo = &context->slos[i];
        enum tkp_metric_id id = tkp_metric_find(slo->tag);
        if (id >= TKP_METRIC_COUNT || !values->has[id]) {
            *missing = true;
            met = false;
            continue;
        }
        double shown = tkp_metric_shown(id, values->value[id]);
        bool larger = tkp_metric_def(id)->flags & TOKPERF_METRIC_LARGER_IS_BETTER;
        met &= larger ? shown >= slo->threshold : shown <= slo->threshold;
    }
    return met;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A phase of a snapshot read back. Any thread. */
#include <report/snapshot_phase.h>

#include <base/text.h>
#include <report/snapshot_collectors.h>
#include <report/snapshot_metrics.h>
#include <report/snapshot_verdict.h>
#include <string.h>

enum {
    MAX_ERRORS = 1024, /* bounds of lists: above what is written (tally.h, support) */
    MAX_FINISHES = 1024,
    MAX_SUPPORT = 4096
};

/* The phase while it is read: its metrics by id, for the file's order is not theirs. */
struct phase_reading {
    struct tokperf_phase *phase;
    const struct tokperf_metric *metrics[TKP_METRIC_ALL_COUNT];
};

/* ---- lists ---- */

static bool read_errors(struct tkp_reading *r, void *place)
{
    static const struct tkp_reading_member members[] = {
        {"type", tkp_reading_text, offsetof(struct tokperf_error_count, type)},
        {"code", tkp_reading_code, offsetof(struct tokperf_error_count, code)},
        {"message", tkp_reading_text, offsetof(struct tokperf_error_count, message)},
        {"count", tkp_reading_count, offsetof(struct tokperf_error_count, count)},
        {0}};
    struct tokperf_phase *phase = ((struct phase_reading *)place)->phase;
    const struct tokperf_error_count **list = tkp_reading_list(r, MAX_ERRORS * sizeof *list);
    if (!list)
        return false;
    phase->errors = list;
    phase->error_count = 0;
    for (struct tokperf_error_count *error;
         (error = tkp_reading_item(r, sizeof *error, phase->error_count, MAX_ERRORS));) {
        *error = (struct tokperf_error_count){.struct_size = sizeof *error};
        error->type = error->message = tkp_span("");
        if (!tkp_reading_members(r, members, error))
            return false;
        list[phase->error_count++] = error;
    }
    return !r->problem;
}

static bool read_finish_reasons(struct tkp_reading *r, void *place)
{
    struct tokperf_phase *phase = ((struct phase_reading *)place)->phase;
    const struct tokperf_count **list = tkp_arena_alloc(r->arena, MAX_FINISHES * sizeof *list);
    if (!list)
        return tkp_reading_fail(r, "it is too large");
    phase->finish_reasons = list;
    phase->finish_reason_count = 0;
    if (!tkp_reading_take(r, TOKPERF_JSON_OBJECT_BEGIN, "an object was expected"))
        return false;
    while (tkp_reading_next_key(r)) {
        struct tokperf_span raw = r->scan.text;
        struct tokperf_count *finish = tkp_arena_alloc(r->arena, sizeof *finish);
        char *name = tkp_arena_alloc(r->arena, 3 * raw.len + 1);
        if (!finish || !name || phase->finish_reason_count == MAX_FINISHES)
            return tkp_reading_fail(r, "the list is too long");
        *finish = (struct tokperf_count){.struct_size = sizeof *finish, .name = {name, 0}};
        if (tkp_json_unescape(raw, name, 3 * raw.len, &finish->name.len) != TOKPERF_OK)
            return tkp_reading_fail(r, "the text is damaged");
        if (!tkp_reading_count(r, &finish->count))
            return false;
        list[phase->finish_reason_count++] = finish;
    }
    return !r->problem;
}

struct support_text {
    struct tokperf_span metric, percentile;
    uint64_t samples_needed, samples;
    double bound;
    bool has_bound;
};

static bool read_bound(struct tkp_reading *r, void *place)
{
    struct support_text *text = place;
    text->has_bound = true;
    return tkp_reading_number(r, &text->bound);
}

/* Into place, unless this program does not know the metric or the percentile. */
static bool read_one_support(struct tkp_reading *r, struct tokperf_support *place, bool *known)
{
    static const struct tkp_reading_member members[] = {
        {"metric", tkp_reading_text, offsetof(struct support_text, metric)},
        {"percentile", tkp_reading_text, offsetof(struct support_text, percentile)},
        {"samples_needed", tkp_reading_count, offsetof(struct support_text, samples_needed)},
        {"samples", tkp_reading_count, offsetof(struct support_text, samples)},
        {"upper_bound_99", read_bound, 0},
        {0}};
    struct support_text text = {.metric = {"", 0}, .percentile = {"", 0}};
    if (!tkp_reading_members(r, members, &text))
        return false;
    uint32_t percentile = tkp_snapshot_find_percentile(text.percentile);
    enum tkp_metric_id id = tkp_metric_find(text.metric.data); /* NUL-terminated */
    *known = percentile < TKP_PERCENTILE_COUNT && id < TKP_METRIC_ALL_COUNT;
    if (!*known)
        return true;
    *place = (struct tokperf_support){
        .struct_size = sizeof *place,
        .stat = tkp_percentiles[percentile].stat,
        .tag = tkp_metric_def(id)->tag,
        .samples_needed = text.samples_needed,
        .samples = text.samples,
        .has_upper_bound = text.has_bound,
        .upper_bound_99 = text.bound,
    };
    return true;
}

static bool read_support(struct tkp_reading *r, void *place)
{
    struct tokperf_phase *phase = ((struct phase_reading *)place)->phase;
    const struct tokperf_support **list = tkp_reading_list(r, MAX_SUPPORT * sizeof *list);
    if (!list)
        return false;
    phase->support = list;
    phase->support_count = 0;
    for (struct tokperf_support *support;
         (support = tkp_reading_item(r, sizeof *support, phase->support_count, MAX_SUPPORT));) {
        bool known = false;
        if (!read_one_support(r, support, &known))
            return false;
        if (known)
            list[phase->support_count++] = support;
    }
    return !r->problem;
}

/* ---- the phase ---- */

static bool read_counters(struct tkp_reading *r, void *place)
{
    return tkp_snapshot_read_counters(r, ((struct phase_reading *)place)->metrics);
}

static bool read_values(struct tkp_reading *r, void *place)
{
    return tkp_snapshot_read_values(r, ((struct phase_reading *)place)->metrics);
}

static bool read_series(struct tkp_reading *r, void *place)
{
    return tkp_snapshot_read_series(r, ((struct phase_reading *)place)->metrics);
}

static bool read_name(struct tkp_reading *r, void *place)
{
    return tkp_reading_text(r, &((struct phase_reading *)place)->phase->name);
}

static bool read_kind(struct tkp_reading *r, void *place)
{
    struct tokperf_span kind;
    if (!tkp_reading_text(r, &kind))
        return false;
    struct tokperf_phase *phase = ((struct phase_reading *)place)->phase;
    phase->is_warmup = tkp_span_is(kind, "warmup");
    phase->is_total = tkp_span_is(kind, "total");
    return true;
}

static bool read_excluded(struct tkp_reading *r, void *place)
{
    return tkp_reading_boolean(r, &((struct phase_reading *)place)->phase->is_excluded);
}

static bool read_seamless(struct tkp_reading *r, void *place)
{
    return tkp_reading_boolean(r, &((struct phase_reading *)place)->phase->is_seamless);
}

static bool read_verdict(struct tkp_reading *r, void *place)
{
    struct tokperf_phase *phase = ((struct phase_reading *)place)->phase;
    struct tkp_snapshot_verdict verdict;
    if (!tkp_snapshot_read_verdict(r, &verdict))
        return false;
    phase->verdict = verdict.status;
    phase->reasons = verdict.reasons;
    phase->reason_count = verdict.reason_count;
    return true;
}

static bool read_prompts(struct tkp_reading *r, void *place)
{
    static const struct tkp_reading_member members[] = {
        {"sent", tkp_reading_count, offsetof(struct tokperf_phase, prompts_sent)},
        {"distinct", tkp_reading_count, offsetof(struct tokperf_phase, prompts_distinct)},
        {0}};
    return tkp_reading_take(r, TOKPERF_JSON_OBJECT_BEGIN, "an object was expected") &&
           tkp_reading_members(r, members, ((struct phase_reading *)place)->phase);
}

static bool read_gates(struct tkp_reading *r, void *place)
{
    return tkp_snapshot_read_gates(r, ((struct phase_reading *)place)->phase);
}

static bool read_start(struct tkp_reading *r, void *place)
{
    return tkp_reading_count(r, &((struct phase_reading *)place)->phase->start_ns);
}

static bool read_end(struct tkp_reading *r, void *place)
{
    return tkp_reading_count(r, &((struct phase_reading *)place)->phase->end_ns);
}

bool tkp_snapshot_read_phase(struct tkp_reading *reading, struct tokperf_phase *phase)
{
    static const struct tkp_reading_member members[] = {{"name", read_name, 0},
                                                        {"kind", read_kind, 0},
                                                        {"excluded", read_excluded, 0},
                                                        {"seamless", read_seamless, 0},
                                                        {"verdict", read_verdict, 0},
                                                        {"prompts", read_prompts, 0},
                                                        {"gates", read_gates, 0},
                                                        {"start_time_ns", read_start, 0},
                                                        {"end_time_ns", read_end, 0},
                                                        {"counters", read_counters, 0},
                                                        {"finish_reasons", read_finish_reasons, 0},
                                                        {"values", read_values, 0},
                                                        {"series", read_series, 0},
                                                        {"errors", read_errors, 0},
                                                        {"percentile_support", read_support, 0},
                                                        {0}};
    struct phase_reading p = {.phase = phase};
    *phase =
        (struct tokperf_phase){.struct_size = sizeof *phase, .name = {"", 0}, .verdict = {"", 0}};
    if (!tkp_reading_members(reading, members, &p))
        return false;
    const struct tokperf_metric **list =
        tkp_arena_alloc(reading->arena, TKP_METRIC_ALL_COUNT * sizeof *list);
    if (!list)
        return tkp_reading_fail(reading, "it is too large");
    for (uint32_t id = 0; id < TKP_METRIC_ALL_COUNT; id++)
        if (p.metrics[id])
            list[phase->metric_count++] = p.metrics[id];
    phase->metrics = list;
    return true;
}

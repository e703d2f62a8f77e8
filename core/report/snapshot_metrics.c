/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of a snapshot read back. Any thread. */
#include <report/snapshot_metrics.h>

#include <base/text.h>
#include <math.h>
#include <string.h>

enum { MAX_BUCKETS = 1024 }; /* above what is written (display.h) */

static const struct {
    const char *name;
    uint32_t stat;
} plain_stats[] = {
    {"count", TOKPERF_STAT_COUNT}, {"sum", TOKPERF_STAT_SUM}, {"avg", TOKPERF_STAT_AVG},
    {"min", TOKPERF_STAT_MIN},     {"max", TOKPERF_STAT_MAX}, {"std", TOKPERF_STAT_STD},
};

uint32_t tkp_snapshot_find_percentile(struct tokperf_span name)
{
    uint32_t i = 0;
    while (i < TKP_PERCENTILE_COUNT && !tkp_span_is(name, tkp_percentiles[i].name))
        i++;
    return i;
}

/* The statistic that the key names; TOKPERF_STAT_SLOTS: none. */
static uint32_t find_stat(const struct tkp_reading *r)
{
    for (size_t i = 0; i < sizeof plain_stats / sizeof *plain_stats; i++)
        if (tkp_reading_key_is(r, plain_stats[i].name))
            return plain_stats[i].stat;
    uint32_t i =
        tkp_snapshot_find_percentile(r->scan.text); /* names of percentiles need no escapes */
    return i < TKP_PERCENTILE_COUNT ? tkp_percentiles[i].stat : TOKPERF_STAT_SLOTS;
}

static enum tkp_metric_id find_tag(const struct tkp_reading *r)
{
    char tag[64];
    if (r->scan.text.len >= sizeof tag || r->scan.escaped)
        return TKP_METRIC_ALL_COUNT;
    tkp_text_copy(tag, sizeof tag, r->scan.text);
    return tkp_metric_find(tag);
}

static struct tokperf_metric *make_metric(struct tkp_reading *r, enum tkp_metric_id id)
{
    struct tokperf_metric *metric = tkp_arena_alloc(r->arena, sizeof *metric);
    if (!metric) {
        tkp_reading_fail(r, "it is too large");
        return NULL;
    }
    *metric = tkp_metric_empty(id);
    return metric;
}

/* ---- counters and values ---- */

bool tkp_snapshot_read_counters(struct tkp_reading *r, const struct tokperf_metric **by_id)
{
    if (!tkp_reading_take(r, TOKPERF_JSON_OBJECT_BEGIN, "an object was expected"))
        return false;
    while (tkp_reading_next_key(r)) {
        enum tkp_metric_id id = find_tag(r);
        uint64_t count = 0;
        if (!tkp_reading_count(r, &count))
            return false;
        if (id == TKP_METRIC_ALL_COUNT || tkp_metric_def(id)->kind != TOKPERF_METRIC_RUN)
            continue;
        struct tokperf_metric *metric = make_metric(r, id);
        if (!metric)
            return false;
        tkp_metric_put(metric, TOKPERF_STAT_AVG, (double)count);
        by_id[id] = metric;
    }
    return !r->problem;
}

bool tkp_snapshot_read_values(struct tkp_reading *r, const struct tokperf_metric **by_id)
{
    static const struct tkp_reading_member members[] = {{"value", tkp_reading_number, 0}, {0}};
    if (!tkp_reading_take(r, TOKPERF_JSON_OBJECT_BEGIN, "an object was expected"))
        return false;
    while (tkp_reading_next_key(r)) {
        enum tkp_metric_id id = find_tag(r);
        double value = NAN;
        if (!tkp_reading_take(r, TOKPERF_JSON_OBJECT_BEGIN, "an object was expected") ||
            !tkp_reading_members(r, members, &value))
            return false;
        if (isnan(value) || id == TKP_METRIC_ALL_COUNT ||
            tkp_metric_def(id)->kind != TOKPERF_METRIC_RUN)
            continue;
        struct tokperf_metric *metric = make_metric(r, id);
        if (!metric)
            return false;
        tkp_metric_put(metric, TOKPERF_STAT_AVG, value);
        by_id[id] = metric;
    }
    return !r->problem;
}

/* ---- series ---- */

struct bucket_lists {
    double bounds[MAX_BUCKETS + 1];
    uint64_t counts[MAX_BUCKETS];
    uint32_t bound_count, count;
};

/* An array of numbers. */
static bool read_list(struct tkp_reading *r, uint32_t room, double *numbers, uint64_t *wholes,
                      uint32_t *count)
{
    *count = 0;
    if (!tkp_reading_take(r, TOKPERF_JSON_ARRAY_BEGIN, "an array was expected"))
        return false;
    for (uint32_t token; (token = tkp_json_next(&r->scan)) != TOKPERF_JSON_ARRAY_END;) {
        int64_t whole = 0;
        if (token != TOKPERF_JSON_NUMBER)
            return tkp_reading_fail(r, "a number was expected");
        if (*count == room)
            return tkp_reading_fail(r, "the list is too long");
        bool good = numbers ? tkp_json_to_double(r->scan.text, &numbers[*count]) == TOKPERF_OK
                            : tkp_json_to_int(r->scan.text, &whole) == TOKPERF_OK && whole >= 0;
        if (!good)
            return tkp_reading_fail(r, "the number is out of range");
        if (wholes)
            wholes[*count] = (uint64_t)whole;
        ++*count;
    }
    return true;
}

static bool read_bounds(struct tkp_reading *r, void *place)
{
    struct bucket_lists *lists = place;
    return read_list(r, MAX_BUCKETS + 1, lists->bounds, NULL, &lists->bound_count);
}

static bool read_counts(struct tkp_reading *r, void *place)
{
    struct bucket_lists *lists = place;
    return read_list(r, MAX_BUCKETS, NULL, lists->counts, &lists->count);
}

static bool read_buckets(struct tkp_reading *r, struct tokperf_metric *metric)
{
    static const struct tkp_reading_member members[] = {
        {"bounds", read_bounds, 0}, {"counts", read_counts, 0}, {0}};
    struct bucket_lists lists = {.count = 0};
    if (!tkp_reading_take(r, TOKPERF_JSON_OBJECT_BEGIN, "an object was expected") ||
        !tkp_reading_members(r, members, &lists))
        return false;
    if (lists.bound_count != lists.count + 1)
        return tkp_reading_fail(r, "a histogram needs one bound more than counts");
    struct tokperf_buckets *buckets = tkp_arena_alloc(r->arena, sizeof *buckets);
    double *bounds = tkp_arena_alloc(r->arena, lists.bound_count * sizeof *bounds);
    uint64_t *counts = tkp_arena_alloc(r->arena, lists.count * sizeof *counts);
    if (!buckets || !bounds || !counts)
        return tkp_reading_fail(r, "it is too large");
    memcpy(bounds, lists.bounds, lists.bound_count * sizeof *bounds);
    memcpy(counts, lists.counts, lists.count * sizeof *counts);
    *buckets = (struct tokperf_buckets){
        .struct_size = sizeof *buckets, .count = lists.count, .bounds = bounds, .counts = counts};
    metric->buckets = buckets;
    return true;
}

static bool read_unbounded(struct tkp_reading *r, struct tokperf_metric *metric)
{
    struct tokperf_span name;
    if (!tkp_reading_text(r, &name))
        return false;
    uint32_t i = tkp_snapshot_find_percentile(name);
    if (i == TKP_PERCENTILE_COUNT)
        return tkp_reading_fail(r, "the name of a percentile was expected");
    metric->unbounded_from = tkp_percentiles[i].name;
    return true;
}

static bool read_origin(struct tkp_reading *r, struct tokperf_metric *metric)
{
    struct tokperf_span from;
    if (!tkp_reading_text(r, &from))
        return false;
    if (tkp_span_is(from, "histogram"))
        metric->flags |= TOKPERF_METRIC_FROM_HISTOGRAM;
    return true;
}

static bool read_one_series(struct tkp_reading *r, struct tokperf_metric *metric)
{
    while (tkp_reading_next_key(r)) {
        uint32_t stat = find_stat(r);
        double value = 0;
        bool good;
        if (stat != TOKPERF_STAT_SLOTS) {
            good = tkp_reading_number(r, &value);
            tkp_metric_put(metric, stat, value);
        } else if (tkp_reading_key_is(r, "histogram")) {
            good = read_buckets(r, metric);
        } else if (tkp_reading_key_is(r, "unbounded_from")) {
            good = read_unbounded(r, metric);
        } else if (tkp_reading_key_is(r, "percentiles_from")) {
            good = read_origin(r, metric);
        } else {
            good = tkp_reading_skip(r);
        }
        if (!good)
            return false;
    }
    return !r->problem;
}

bool tkp_snapshot_read_series(struct tkp_reading *r, const struct tokperf_metric **by_id)
{
    if (!tkp_reading_take(r, TOKPERF_JSON_OBJECT_BEGIN, "an object was expected"))
        return false;
    while (tkp_reading_next_key(r)) {
        enum tkp_metric_id id = find_tag(r);
        if (id == TKP_METRIC_ALL_COUNT || tkp_metric_def(id)->kind == TOKPERF_METRIC_RUN) {
            if (!tkp_reading_skip(r))
                return false;
            continue;
        }
        struct tokperf_metric *metric = make_metric(r, id);
        if (!metric || !tkp_reading_take(r, TOKPERF_JSON_OBJECT_BEGIN, "an object was expected") ||
            !read_one_series(r, metric))
            return false;
        by_id[id] = metric;
    }
    return !r->problem;
}

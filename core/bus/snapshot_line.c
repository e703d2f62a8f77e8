/* SPDX-License-Identifier: Apache-2.0 */
/* See the header: a list of figures, each by where it is in the document. */
#include <bus/snapshot_line.h>

#include <base/json_scan.h>
#include <string.h>

/* Members by name from the top of the document or of the phase that runs, else that is reported. */
static const struct figure {
    const char *key;
    bool of_phase;
    const char *path[4]; /* NULL-ended */
} figures[] = {
    {"state", false, {"state"}},
    {"sequence", false, {"sequence"}},
    {"phase", true, {"name"}},
    {"kind", true, {"kind"}},
    {"in_flight", false, {"in_flight"}},
    {"ok", true, {"counters", "request_count"}},
    {"errors", true, {"counters", "error_request_count"}},
    {"cancelled", true, {"counters", "cancelled_request_count"}},
    {"pending_tokenizations", false, {"pending_tokenizations"}},
    {"requests_per_s", true, {"values", "request_throughput", "value"}},
    {"ttft_p50_ms", true, {"series", "time_to_first_token", "p50"}},
    {"ttft_p99_ms", true, {"series", "time_to_first_token", "p99"}},
    {"itl_p50_ms", true, {"series", "inter_token_latency", "p50"}},
    {"latency_p50_ms", true, {"series", "request_latency", "p50"}},
    {"latency_p99_ms", true, {"series", "request_latency", "p99"}},
    {"verdict", false, {"verdict", "status"}},
};

static bool is_object(struct tokperf_span value)
{
    return value.len > 0 && value.data[0] == '{';
}

static bool find_member(struct tokperf_span object, const char *name, struct tokperf_span *value)
{
    struct tokperf_json scan;
    if (!is_object(object))
        return false;
    tkp_json_open(&scan, object.data, object.len);
    (void)tkp_json_next(&scan);
    while (tkp_json_next(&scan) == TOKPERF_JSON_KEY) {
        struct tokperf_span key = {name, strlen(name)};
        bool is_it = tkp_json_equals(scan.text, scan.escaped, key);
        if (tkp_json_skip(&scan, value) != TOKPERF_OK)
            return false;
        if (is_it)
            return true;
    }
    return false;
}

/* The element of an array at an index from 0. */
static bool find_element(struct tokperf_span array, int64_t index, struct tokperf_span *value)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, array.data, array.len);
    if (tkp_json_next(&scan) != TOKPERF_JSON_ARRAY_BEGIN)
        return false;
    while (tkp_json_skip(&scan, value) == TOKPERF_OK && value->len)
        if (index-- == 0)
            return true;
    return false;
}

/* Who watches a warm-up wants to see it, though it is no part of what is reported. */
static struct tokperf_span shown_phase(struct tokperf_span document)
{
    struct tokperf_span phases, index, phase = {"", 0};
    int64_t at;
    if (!find_member(document, "phases", &phases) ||
        (!find_member(document, "running_phase", &index) &&
         !find_member(document, "main_phase", &index)) ||
        tkp_json_to_int(index, &at) != TOKPERF_OK || at < 0 || !find_element(phases, at, &phase))
        return (struct tokperf_span){"", 0};
    return phase;
}

void tkp_snapshot_line_figures(struct tokperf_span document, tkp_snapshot_figure *put,
                               void *context)
{
    struct tokperf_span phase = shown_phase(document);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        struct tokperf_span value = figures[i].of_phase ? phase : document;
        bool is_there = true;
        for (const char *const *name = figures[i].path; *name && is_there; name++)
            is_there = find_member(value, *name, &value);
        if (is_there && value.len && !strchr("{[n", value.data[0]))
            put(context, figures[i].key, value);
    }
}

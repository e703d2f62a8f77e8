/* SPDX-License-Identifier: Apache-2.0 */
/* Counter sets. Relaxed order is enough: each value has one writer and stands for itself; a reader
 * that must see a count has had an answer over a socket, which orders it. */
#include "counters.h"

#include <inttypes.h>
#include <string.h>

struct row {
    const char *name;
    const char *label;
    const char *type;
    const char *help;
};

#define COUNTER_ROW(id, name, label, type, help) {name, label, type, help},
static const struct row rows[TKP_MOCK_COUNTER_COUNT] = {TKP_MOCK_COUNTERS(COUNTER_ROW)};
#define FAULT_NAME(id, name, help) name,
static const char *const fault_names[TKP_MOCK_FAULT_COUNT] = {TKP_MOCK_FAULTS(FAULT_NAME)};

/* Upper bounds of the lateness buckets, and how Prometheus writes them in seconds. */
static const struct {
    uint64_t bound_ns;
    const char *seconds;
} buckets[TKP_MOCK_LATENESS_BUCKETS] = {
    {10000, "1e-05"},    {25000, "2.5e-05"},   {50000, "5e-05"},   {100000, "0.0001"},
    {250000, "0.00025"}, {500000, "0.0005"},   {1000000, "0.001"}, {2500000, "0.0025"},
    {5000000, "0.005"},  {10000000, "0.01"},   {50000000, "0.05"}, {100000000, "0.1"},
    {1000000000, "1"},   {UINT64_MAX, "+Inf"},
};

static uint64_t get(_Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

/* The only writer needs no read-modify-write instruction. */
static void bump(_Atomic uint64_t *value, uint64_t delta)
{
    atomic_store_explicit(value, get(value) + delta, memory_order_relaxed);
}

void tkp_mock_counters_add(struct tkp_mock_counters *counters, enum tkp_mock_counter which,
                           int64_t delta)
{
    bump(&counters->values[which], (uint64_t)delta);
}

void tkp_mock_counters_fault(struct tkp_mock_counters *counters, enum tkp_mock_fault fault)
{
    if (fault < TKP_MOCK_FAULT_NONE) {
        bump(&counters->faults[fault], 1);
    }
}

void tkp_mock_counters_lateness(struct tkp_mock_counters *counters, uint64_t late_ns)
{
    size_t at = 0;
    while (late_ns > buckets[at].bound_ns) {
        at++;
    }
    bump(&counters->lateness[at], 1);
    bump(&counters->lateness_sum_ns, late_ns);
}

static void render_values(struct tkp_mock_counters *const *sets, size_t count,
                          struct tkp_mock_buffer *out)
{
    const char *last_name = "";
    for (size_t i = 0; i < TKP_MOCK_COUNTER_COUNT; i++) {
        const struct row *row = &rows[i];
        uint64_t sum = 0;
        for (size_t set = 0; set < count; set++) {
            sum += get(&sets[set]->values[i]);
        }
        if (strcmp(last_name, row->name) != 0) {
            tkp_mock_buffer_add_format(out,
                                       "# HELP tokperf_mock_%s %s.\n# TYPE tokperf_mock_%s %s\n",
                                       row->name, row->help, row->name, row->type);
            last_name = row->name;
        }
        const char *open = row->label[0] == '\0' ? "" : "{";
        const char *close = row->label[0] == '\0' ? "" : "}";
        tkp_mock_buffer_add_format(out, "tokperf_mock_%s%s%s%s %" PRIu64 "\n", row->name, open,
                                   row->label, close, sum);
    }
}

static void render_faults(struct tkp_mock_counters *const *sets, size_t count,
                          struct tkp_mock_buffer *out)
{
    tkp_mock_buffer_add_text(out, "# HELP tokperf_mock_faults_total Faults injected by kind.\n"
                                  "# TYPE tokperf_mock_faults_total counter\n");
    for (size_t i = 0; i < TKP_MOCK_FAULT_COUNT; i++) {
        uint64_t sum = 0;
        for (size_t set = 0; set < count; set++) {
            sum += get(&sets[set]->faults[i]);
        }
        tkp_mock_buffer_add_format(out, "tokperf_mock_faults_total{kind=\"%s\"} %" PRIu64 "\n",
                                   fault_names[i], sum);
    }
}

static void render_lateness(struct tkp_mock_counters *const *sets, size_t count,
                            struct tkp_mock_buffer *out)
{
    tkp_mock_buffer_add_text(
        out, "# HELP tokperf_mock_lateness_seconds Send time of a content chunk minus its intended "
             "time.\n# TYPE tokperf_mock_lateness_seconds histogram\n");
    uint64_t cumulative = 0;
    uint64_t sum_ns = 0;
    for (size_t i = 0; i < TKP_MOCK_LATENESS_BUCKETS; i++) {
        for (size_t set = 0; set < count; set++) {
            cumulative += get(&sets[set]->lateness[i]);
        }
        tkp_mock_buffer_add_format(out,
                                   "tokperf_mock_lateness_seconds_bucket{le=\"%s\"} %" PRIu64 "\n",
                                   buckets[i].seconds, cumulative);
    }
    for (size_t set = 0; set < count; set++) {
        sum_ns += get(&sets[set]->lateness_sum_ns);
    }
    tkp_mock_buffer_add_format(out,
                               "tokperf_mock_lateness_seconds_sum %" PRIu64 ".%09" PRIu64 "\n"
                               "tokperf_mock_lateness_seconds_count %" PRIu64 "\n",
                               sum_ns / 1000000000U, sum_ns % 1000000000U, cumulative);
}

void tkp_mock_counters_render(struct tkp_mock_counters *const *sets, size_t count,
                              struct tkp_mock_buffer *out)
{
    render_values(sets, count, out);
    render_faults(sets, count, out);
    render_lateness(sets, count, out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The table of metrics as data, from the lists of table.h. Constant; any thread. */
#include <metrics/table.h>

#include <math.h>
#include <string.h>

/* Units: the name shown, how many base units make one of it (a base unit is what formulas use: ns,
 * tokens, rates per second), and the steps per base unit that tell values apart. */
#define UNIT_MS             "ms", 1e6, 1
#define UNIT_MS_PARTS       "ms", 1e6, 1024
#define UNIT_SEC            "sec", 1e9, 1
#define UNIT_SEC_OF_MS      "sec", 1e3, 1
#define UNIT_TOKENS         "tokens", 1, 1
#define UNIT_TOKENS_PER_S   "tokens/sec", 1, 1e6
#define UNIT_PER_USER       "tokens/sec/user", 1, 1e6
#define UNIT_REQUESTS       "requests", 1, 1
#define UNIT_REQUESTS_PER_S "requests/sec", 1, 1e6
#define UNIT_CHUNKS         "chunks", 1, 1
#define UNIT_BYTES          "B", 1, 1
#define UNIT_COUNT          "count", 1, 1
#define UNIT_PERCENT        "%", 1, 1e6
#define UNIT_RATIO          "ratio", 1, 1e6

#define ROW(id, base, tag, header, unit, kind, group, order, flags)                           \
    [TKP_METRIC_##                                                                            \
        id] = {tag,   header, UNIT_##unit,      TOKPERF_METRIC_##kind, TOKPERF_GROUP_##group, \
               flags, order,  TKP_METRIC_##base},

#define RECORD_ROW(id, tag, header, unit, group, order, flags) \
    ROW(id, id, tag, header, unit, RECORD, group, order, flags)
#define RUN_ROW(id, tag, header, unit, group, order, flags) \
    ROW(id, id, tag, header, unit, RUN, group, order, flags)
#define SUM_ROW(id, base, tag, header, unit, group, order, flags) \
    ROW(id, base, tag, header, unit, RUN, group, order, TKP_MF_HIDE | (flags))
#define SWEEP_ROW(id, tag, header, unit, group, order, flags) \
    ROW(id, id, tag, header, unit, SWEEP, group, order, flags)
#define STEADY_ROW(id, base, tag, header, unit, order, flags) \
    ROW(id, base, tag, header, unit, RECORD, STEADY, order, TKP_MF_OURS | (flags))
#define ADJUSTED_ROW(id, base, tag, header, unit, order, flags) \
    ROW(id, base, tag, header, unit, RECORD, ADJUSTED, order, flags)

static const struct tkp_metric_def table[TKP_METRIC_ALL_COUNT] = {
    TKP_RECORD_METRICS(RECORD_ROW) TKP_RUN_METRICS(RUN_ROW) TKP_SUM_METRICS(SUM_ROW)
        TKP_SWEEP_METRICS(SWEEP_ROW) TKP_STEADY_METRICS(STEADY_ROW)
            TKP_ADJUSTED_METRICS(ADJUSTED_ROW)};

const struct tkp_metric_def *tkp_metric_def(enum tkp_metric_id id)
{
    return &table[id];
}

enum tkp_metric_id tkp_metric_find(const char *tag)
{
    unsigned id = 0;
    while (id < TKP_METRIC_ALL_COUNT && strcmp(table[id].tag, tag) != 0)
        id++;
    return (enum tkp_metric_id)id;
}

double tkp_metric_shown(enum tkp_metric_id id, double base_value)
{
    return base_value / table[id].scale;
}

struct tokperf_metric tkp_metric_empty(enum tkp_metric_id id)
{
    const struct tkp_metric_def *def = &table[id];
    return (struct tokperf_metric){
        .struct_size = sizeof(struct tokperf_metric),
        .kind = def->kind,
        .flags = def->flags,
        .group = def->group,
        .order = def->order,
        .tag = def->tag,
        .header = def->header,
        .unit = def->unit,
    };
}

void tkp_metric_put(struct tokperf_metric *metric, uint32_t stat, double value)
{
    if (!isfinite(value))
        return;
    metric->value[stat] = value;
    metric->stats |= 1u << stat;
}

const char *tkp_token_source_name(enum tkp_token_source source)
{
    static const char *const names[] = {[TKP_TOKENS_NONE] = "",
                                        [TKP_TOKENS_SERVER] = "server",
                                        [TKP_TOKENS_TOKENIZER] = "tokenizer",
                                        [TKP_TOKENS_CHUNKS] = "chunks"};
    return names[source];
}

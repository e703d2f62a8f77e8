/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phase played by rows that a test makes, and what its metrics come to. For the tests of
 * phase_metrics alone.
 */
#ifndef TKP_TEST_PHASE_PLAY_H
#define TKP_TEST_PHASE_PLAY_H

#include <metrics/phase_metrics.h>

#include <metric_rows.h>
#include <near.h>
#include <stdio.h>

enum { MAX_ROWS = 400 };

struct phase {
    struct tkp_metric_context context;
    struct tkp_phase_plan plan;
    struct tkp_row rows[MAX_ROWS];
    const uint64_t *chunks[MAX_ROWS];
    uint32_t count;
    struct tkp_arena arena;
    struct tokperf_phase result;
    struct tkp_phase_facts facts;
};

static inline void begin(struct phase *p)
{
    memset(p, 0, sizeof *p);
    p->context = server_tokens();
    p->plan.name = "profiling";
    p->plan.arrival = TKP_ARRIVAL_CLOSED;
    p->plan.concurrency = 1;
    tkp_arena_init(&p->arena, 0);
}

static inline void end(struct phase *p)
{
    tkp_arena_finish(&p->arena);
}

static inline struct tkp_row *add(struct phase *p, struct tkp_row row)
{
    p->rows[p->count] = row;
    return &p->rows[p->count++];
}

static inline void compute(struct phase *p)
{
    struct tkp_phase_metrics *m;
    struct tokperf_error error = {.message = ""};
    assert_int_equal(tkp_phase_metrics_create(&p->context, &p->plan, &m, &error), TOKPERF_OK);
    do
        for (uint32_t i = 0; i < p->count; i++)
            tkp_phase_metrics_add(m, &p->rows[i], p->chunks[i]);
    while (tkp_phase_metrics_next_pass(m));
    assert_int_equal(tkp_phase_metrics_result(m, &p->arena, &p->result, &p->facts, &error),
                     TOKPERF_OK);
    tkp_phase_metrics_destroy(m);
}

static inline const struct tokperf_metric *find(const struct phase *p, const char *tag)
{
    for (uint32_t i = 0; i < p->result.metric_count; i++)
        if (!strcmp(p->result.metrics[i]->tag, tag))
            return p->result.metrics[i];
    return NULL;
}

/* expected NAN: the statistic must be absent. */
static inline void check_stat(const struct phase *p, const char *tag, uint32_t stat,
                              double expected)
{
    const struct tokperf_metric *metric = find(p, tag);
    bool has = metric && (metric->stats & 1u << stat);
    if (isnan(expected) ? has : !has || fabs(metric->value[stat] - expected) > 1e-9)
        fail_msg("%s stat %u: has %d, value %.17g, expected %.17g", tag, stat, has,
                 has ? metric->value[stat] : 0, expected);
}

#define CHECK(p, tag, stat, expected) check_stat(p, tag, TOKPERF_STAT_##stat, expected)

#endif

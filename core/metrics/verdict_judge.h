/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict while it is made. Private to verdict*.c. */
#ifndef TKP_METRICS_VERDICT_JUDGE_H
#define TKP_METRICS_VERDICT_JUDGE_H

#include <metrics/verdict.h>

enum tkp_severity { TKP_SEVERITY_NOTE, TKP_SEVERITY_SUSPECT, TKP_SEVERITY_INVALID };

struct tkp_judge {
    const struct tkp_phase_facts *facts;
    const struct tkp_limits *limits;
    struct tkp_arena *arena;
    struct tokperf_span phase; /* that reasons are about; empty: the run, or its only phase */
    struct tokperf_reason *reasons;
    uint32_t count, room;
    bool failed; /* no memory */
};

/* Adds a reason. value and limit are left out when NaN. */
void tkp_judge_say(struct tkp_judge *j, uint32_t severity, const char *code, double value,
                   double limit, const char *format, ...) TOKPERF_PRINTF(6, 7);
double tkp_judge_ms(double ns);
double tkp_judge_share_pct(uint64_t part, uint64_t whole);
/* The greater of a fixed limit and a share of the median time that a lateness is measured against;
 * the fixed one when there is no median. */
double tkp_judge_lag_limit_ms(const struct tkp_judge *j, double fixed_ms, double pct);

/* Notes of a phase, and of the run. */
void tkp_note_governor(struct tkp_judge *j);
void tkp_note_machine(struct tkp_judge *j);
void tkp_note_load(struct tkp_judge *j);
void tkp_note_clock(struct tkp_judge *j);
void tkp_note_calibration(struct tkp_judge *j);
void tkp_note_tls(struct tkp_judge *j);
void tkp_note_collectors(struct tkp_judge *j);

#endif

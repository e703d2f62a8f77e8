/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live line on stderr while a run goes: done, in flight, errors, rate, TTFT and ITL so far,
 * answers whose tokens are counted (with --tokenizer), time left. Redrawn in place on a terminal;
 * steps aside for log lines. [main]
 */
#ifndef TKP_RUN_LIVE_LINE_H
#define TKP_RUN_LIVE_LINE_H

#include <config/plan.h>
#include <metrics/live.h>

struct tkp_live_line {
    bool shown, enabled, streaming, tokens;
    char text[256]; /* what is on the screen */
};

/* Draws only with --ui-type simple. */
void tkp_live_line_init(struct tkp_live_line *line, const struct tkp_plan *plan);
void tkp_live_line_draw(struct tkp_live_line *line, const struct tkp_phase_plan *phase,
                        uint64_t start_ns, uint64_t in_flight, uint64_t counted,
                        const struct tkp_live_figures *figures);
/* After the load, while a tokenizer counts the answers that are left. */
void tkp_live_line_count(struct tkp_live_line *line, uint64_t counted);
/* What the run waits for while nothing is in flight. */
void tkp_live_line_wait(struct tkp_live_line *line, const char *what);
/* Takes it off the screen. */
void tkp_live_line_clear(struct tkp_live_line *line);

#endif

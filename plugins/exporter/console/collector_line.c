/* SPDX-License-Identifier: Apache-2.0 */
/* See collector_line.h. */
#include "collector_line.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct line {
    char *out;
    size_t used, capacity;
};

static void append(struct line *line, const char *format, ...) TOKPERF_PRINTF(2, 3);
static void append(struct line *line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line->out + line->used, line->capacity - line->used, format, args);
    va_end(args);
    line->used += n > 0 ? (size_t)n : 0;
    if (line->used >= line->capacity)
        line->used = line->capacity - 1;
}

static void add_collector(struct line *line, const struct tokperf_collector *collector)
{
    if (collector->state.len == 5 && memcmp(collector->state.data, "ready", 5) == 0)
        return;
    append(line, "%s%.*s is %.*s", line->used ? "; " : "", (int)collector->service.len,
           collector->service.data, (int)collector->state.len, collector->state.data);
    if (collector->error.len)
        append(line, " (%.*s)", (int)collector->error.len, collector->error.data);
}

static void add_gates(struct line *line, const struct tokperf_summary *run)
{
    uint64_t asked = 0, acknowledged = 0, off = 0, gates = 0;
    struct tokperf_span why = {"", 0}; /* one reason: without a timeout all gates are off */
    for (uint32_t i = 0; i < run->phase_count; i++) {
        const struct tokperf_phase *phase = run->phases[i];
        for (uint32_t k = 0; TOKPERF_HAS(phase, gates) && k < phase->gate_count; k++) {
            const struct tokperf_gate *gate = phase->gates[k];
            gates++;
            asked += gate->asked;
            acknowledged += gate->acknowledged;
            off += gate->off.len > 0;
            why = gate->off.len ? gate->off : why;
        }
    }
    if (asked > acknowledged)
        append(line, "%s%" PRIu64 " of %" PRIu64 " reference samples are missing",
               line->used ? "; " : "", asked - acknowledged, asked);
    if (off)
        append(line, "%s%" PRIu64 " of %" PRIu64 " gates were off (%.*s)", line->used ? "; " : "",
               off, gates, (int)why.len, why.data);
}

void collector_line(const struct tokperf_summary *run, char *out, size_t capacity)
{
    struct line line = {out, 0, capacity};
    out[0] = '\0';
    if (!TOKPERF_HAS(run, collectors))
        return;
    for (uint32_t i = 0; i < run->collector_count; i++)
        add_collector(&line, run->collectors[i]);
    add_gates(&line, run);
    for (char *p = out; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = ' ';
}

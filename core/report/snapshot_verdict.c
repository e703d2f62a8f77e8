/* SPDX-License-Identifier: Apache-2.0 */
/* A verdict read back. Any thread. */
#include <report/snapshot_verdict.h>

#include <base/text.h>

enum { MAX_REASONS = 4096 }; /* above 32 for each of 64 phases (verdict.c) */

struct reason_text {
    struct tokperf_span code, message, severity, phase;
    double value, limit;
    bool has_value, has_limit;
};

static bool read_value(struct tkp_reading *r, void *place)
{
    struct reason_text *text = place;
    text->has_value = true;
    return tkp_reading_number(r, &text->value);
}

static bool read_limit(struct tkp_reading *r, void *place)
{
    struct reason_text *text = place;
    text->has_limit = true;
    return tkp_reading_number(r, &text->limit);
}

static bool read_reason(struct tkp_reading *r, bool notes, struct tokperf_reason *reason)
{
    static const struct tkp_reading_member members[] = {
        {"code", tkp_reading_text, offsetof(struct reason_text, code)},
        {"message", tkp_reading_text, offsetof(struct reason_text, message)},
        {"severity", tkp_reading_text, offsetof(struct reason_text, severity)},
        {"phase", tkp_reading_text, offsetof(struct reason_text, phase)},
        {"value", read_value, 0},
        {"limit", read_limit, 0},
        {0}};
    const struct tokperf_span empty = {"", 0};
    struct reason_text text = {.code = empty, .message = empty, .severity = empty, .phase = empty};
    if (!tkp_reading_members(r, members, &text))
        return false;
    *reason = (struct tokperf_reason){
        .struct_size = sizeof *reason,
        .severity = notes                                   ? 0
                    : tkp_span_is(text.severity, "suspect") ? 1
                                                            : 2,
        .code = text.code,
        .message = text.message,
        .has_value = text.has_value,
        .has_limit = text.has_limit,
        .value = text.value,
        .limit = text.limit,
        .phase = text.phase,
    };
    return true;
}

static bool read_list(struct tkp_reading *r, struct tkp_snapshot_verdict *verdict, bool notes)
{
    if (!verdict->reasons)
        verdict->reasons = tkp_arena_alloc(r->arena, MAX_REASONS * sizeof *verdict->reasons);
    if (!verdict->reasons)
        return tkp_reading_fail(r, "it is too large");
    if (!tkp_reading_take(r, TOKPERF_JSON_ARRAY_BEGIN, "an array was expected"))
        return false;
    for (struct tokperf_reason *reason;
         (reason = tkp_reading_item(r, sizeof *reason, verdict->reason_count, MAX_REASONS));) {
        if (!read_reason(r, notes, reason))
            return false;
        verdict->reasons[verdict->reason_count++] = reason;
    }
    return !r->problem;
}

static bool read_reasons(struct tkp_reading *r, void *place)
{
    return read_list(r, place, false);
}

static bool read_notes(struct tkp_reading *r, void *place)
{
    return read_list(r, place, true);
}

bool tkp_snapshot_read_verdict(struct tkp_reading *reading, struct tkp_snapshot_verdict *verdict)
{
    static const struct tkp_reading_member members[] = {
        {"status", tkp_reading_text, offsetof(struct tkp_snapshot_verdict, status)},
        {"reasons", read_reasons, 0},
        {"notes", read_notes, 0},
        {0}};
    *verdict = (struct tkp_snapshot_verdict){.status = {"", 0}};
    return tkp_reading_take(reading, TOKPERF_JSON_OBJECT_BEGIN, "an object was expected") &&
           tkp_reading_members(reading, members, verdict);
}

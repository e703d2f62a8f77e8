/* SPDX-License-Identifier: Apache-2.0 */
/* See collector_notes.h. */
#include <report/collector_notes.h>

#include <base/text.h>
#include <string.h>

enum { MISSING_BYTES = 512 };

struct tkp_kept_gate {
    struct tkp_gate_note note;
    struct tkp_kept_gate *next;
};

struct tkp_kept_collector {
    struct tkp_collector_note note;
    struct tkp_kept_collector *next;
};

static const char *keep(struct tkp_arena *arena, const char *text)
{
    const char *copy = tkp_arena_copy(arena, text, strlen(text));
    return copy ? copy : "";
}

void tkp_collector_notes_add_gate(struct tkp_collector_notes *notes, struct tkp_arena *arena,
                                  const struct tkp_gate_note *note)
{
    struct tkp_kept_gate *kept =
        notes->count < TKP_COLLECTOR_NOTES_MAX ? tkp_arena_alloc(arena, sizeof *kept) : NULL;
    if (!kept)
        return;
    *kept = (struct tkp_kept_gate){.note = *note};
    kept->note.service = keep(arena, note->service);
    kept->note.error = keep(arena, note->error);
    if (!notes->gates)
        notes->gates_end = &notes->gates;
    *notes->gates_end = kept;
    notes->gates_end = &kept->next;
    notes->count++;
}

void tkp_collector_notes_add(struct tkp_collector_notes *notes, struct tkp_arena *arena,
                             const struct tkp_collector_note *note)
{
    struct tkp_kept_collector *kept = notes->collectors;
    while (kept && (strcmp(kept->note.service, note->service) != 0 ||
                    strcmp(kept->note.domain, note->domain) != 0))
        kept = kept->next;
    if (!kept) {
        kept = notes->count < TKP_COLLECTOR_NOTES_MAX ? tkp_arena_alloc(arena, sizeof *kept) : NULL;
        if (!kept)
            return;
        kept->next = NULL;
        if (!notes->collectors)
            notes->collectors_end = &notes->collectors;
        *notes->collectors_end = kept;
        notes->collectors_end = &kept->next;
        notes->count++;
    }
    kept->note = (struct tkp_collector_note){
        .service = keep(arena, note->service),
        .command = keep(arena, note->command),
        .state = keep(arena, note->state),
        .error = keep(arena, note->error),
        .domain = keep(arena, note->domain),
        .is_baseline = note->is_baseline,
    };
}

/* ---- gates of a phase ---- */

/* The failures at one gate, as a list of pointers; NULL without memory. */
static const struct tokperf_gate_failure *const *
list_failures(const struct tkp_collector_notes *notes, const struct tkp_gate_note *gate,
              struct tkp_arena *arena, uint32_t *count)
{
    uint32_t most = (uint32_t)(gate->asked < notes->count ? gate->asked : notes->count);
    struct tokperf_gate_failure *items = tkp_arena_alloc(arena, most * sizeof *items + 1);
    const struct tokperf_gate_failure **list = tkp_arena_alloc(arena, most * sizeof *list + 1);
    *count = 0;
    if (!items || !list)
        return NULL;
    for (const struct tkp_kept_gate *g = notes->gates; g && *count < most; g = g->next) {
        if (g->note.phase != gate->phase || g->note.is_end != gate->is_end || !*g->note.service)
            continue;
        struct tokperf_gate_failure *failure = &items[*count];
        *failure = (struct tokperf_gate_failure){.struct_size = sizeof *failure,
                                                 .service = tkp_span(g->note.service),
                                                 .error = tkp_span(g->note.error)};
        list[(*count)++] = failure;
    }
    return list;
}

/* Why there was no gate at this end of a phase; NULL: there should have been one. */
static const char *off_because(const struct tkp_plan *plan, uint32_t index, bool is_end)
{
    uint32_t next = is_end ? index + 1 : index;
    if (!plan->baseline_timeout_ns)
        return "baseline_timeout";
    bool overlaps = next && next < plan->phase_count && plan->phases[next].is_seamless;
    return overlaps ? "seamless" : NULL;
}

/* The gate that there was; false: none is known of. */
static bool fill_gate(const struct tkp_collector_notes *notes, uint32_t index, bool is_end,
                      struct tkp_arena *arena, struct tokperf_gate *gate)
{
    *gate = (struct tokperf_gate){.struct_size = sizeof *gate, .is_end = is_end};
    for (const struct tkp_kept_gate *g = notes->gates; g; g = g->next) {
        if (g->note.phase != index || (g->note.is_end != 0) != is_end || *g->note.service)
            continue;
        gate->asked = (uint32_t)g->note.asked;
        gate->acknowledged = (uint32_t)g->note.acknowledged;
        gate->start_realtime_ns = g->note.start_realtime_ns;
        gate->duration_ns = g->note.duration_ns;
        gate->failures = list_failures(notes, &g->note, arena, &gate->failure_count);
        return true;
    }
    return false;
}

void tkp_collector_notes_fill_phase(const struct tkp_collector_notes *notes,
                                    const struct tkp_plan *plan, uint32_t index, bool has_begun,
                                    struct tkp_arena *arena, struct tokperf_phase *phase)
{
    phase->gate_count = 0;
    if (!notes->collectors)
        return;
    struct tokperf_gate *items = tkp_arena_alloc(arena, 2 * sizeof *items);
    const struct tokperf_gate **list = tkp_arena_alloc(arena, 2 * sizeof *list);
    if (!items || !list)
        return;
    for (int end = 0; end < 2; end++) {
        struct tokperf_gate *gate = &items[phase->gate_count];
        if (!fill_gate(notes, index, end != 0, arena, gate)) {
            const char *why = has_begun ? off_because(plan, index, end != 0) : NULL;
            if (!why)
                continue;
            gate->off = tkp_span(why);
        }
        list[phase->gate_count++] = gate;
    }
    phase->gates = list;
}

/* ---- collectors of the run ---- */

static bool is_result_of(const struct tkp_kept_collector *kept, const char *service)
{
    return *kept->note.domain && strcmp(kept->note.service, service) == 0;
}

static const struct tokperf_collector_result *const *
list_results(const struct tkp_collector_notes *notes, const char *service, struct tkp_arena *arena,
             uint32_t *count)
{
    uint32_t room = 0;
    for (const struct tkp_kept_collector *c = notes->collectors; c; c = c->next)
        room += is_result_of(c, service);
    struct tokperf_collector_result *items = tkp_arena_alloc(arena, room * sizeof *items + 1);
    const struct tokperf_collector_result **list = tkp_arena_alloc(arena, room * sizeof *list + 1);
    *count = 0;
    if (!items || !list)
        return NULL;
    for (const struct tkp_kept_collector *c = notes->collectors; c; c = c->next) {
        if (!is_result_of(c, service))
            continue;
        struct tokperf_collector_result *result = &items[*count];
        *result = (struct tokperf_collector_result){.struct_size = sizeof *result,
                                                    .domain = tkp_span(c->note.domain),
                                                    .state = tkp_span(c->note.state),
                                                    .error = tkp_span(c->note.error)};
        list[(*count)++] = result;
    }
    return list;
}

void tkp_collector_notes_fill(const struct tkp_collector_notes *notes, struct tkp_arena *arena,
                              struct tokperf_summary *summary)
{
    uint32_t count = 0;
    for (const struct tkp_kept_collector *c = notes->collectors; c; c = c->next)
        count += !*c->note.domain;
    struct tokperf_collector *items = tkp_arena_alloc(arena, count * sizeof *items + 1);
    const struct tokperf_collector **list = tkp_arena_alloc(arena, count * sizeof *list + 1);
    summary->collector_count = 0;
    if (!items || !list)
        return;
    for (const struct tkp_kept_collector *c = notes->collectors; c; c = c->next) {
        if (*c->note.domain)
            continue;
        struct tokperf_collector *collector = &items[summary->collector_count];
        *collector = (struct tokperf_collector){.struct_size = sizeof *collector,
                                                .is_baseline = c->note.is_baseline != 0,
                                                .service = tkp_span(c->note.service),
                                                .command = tkp_span(c->note.command),
                                                .state = tkp_span(c->note.state),
                                                .error = tkp_span(c->note.error)};
        collector->results = list_results(notes, c->note.service, arena, &collector->result_count);
        list[summary->collector_count++] = collector;
    }
    summary->collectors = list;
}

const char *tkp_collector_notes_missing(const struct tkp_collector_notes *notes,
                                        struct tkp_arena *arena, uint64_t *count)
{
    struct tkp_buffer names;
    tkp_buffer_init(&names, MISSING_BYTES);
    *count = 0;
    for (const struct tkp_kept_collector *c = notes->collectors; c; c = c->next) {
        if (!*c->note.domain || strcmp(c->note.state, "reported") == 0 ||
            strcmp(c->note.state, "pending") == 0)
            continue;
        tkp_buffer_printf(&names, "%s%s of %s (%s)", (*count)++ ? ", " : "", c->note.domain,
                          c->note.service, c->note.state);
    }
    const char *text = *count ? keep(arena, tkp_buffer_text(&names)) : NULL;
    tkp_buffer_finish(&names);
    return text;
}

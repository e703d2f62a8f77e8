/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader of final snapshots. Unknown keys are skipped, types are strict, and the memory that a
 * file can take is the arena's bound. One thread.
 */
#include <report/snapshot.h>

#include <base/error.h>
#include <base/files.h>
#include <base/text.h>
#include <report/snapshot_collectors.h>
#include <report/snapshot_phase.h>
#include <report/snapshot_verdict.h>
#include <stddef.h>
#include <unistd.h>

enum {
    MAX_PHASES = 128, /* above the plan's 64 and their total */
    MAX_CONTROLS = 1024,
    PATH_BYTES = 4096
};

struct document {
    struct tkp_snapshot *snapshot;
    struct tokperf_phase *phases[MAX_PHASES]; /* the summary's */
    bool has_state, has_run;
};

static struct tokperf_summary *summary_of(void *place)
{
    return &((struct document *)place)->snapshot->summary;
}

static struct tkp_snapshot_header *header_of(void *place)
{
    return &((struct document *)place)->snapshot->header;
}

static bool read_verdict(struct tkp_reading *r, void *place)
{
    struct tokperf_summary *summary = summary_of(place);
    struct tkp_snapshot_verdict verdict;
    if (!tkp_snapshot_read_verdict(r, &verdict))
        return false;
    summary->verdict = verdict.status;
    summary->reasons = verdict.reasons;
    summary->reason_count = verdict.reason_count;
    return true;
}

/* ---- lists of the run ---- */

static bool read_controls(struct tkp_reading *r, void *place)
{
    static const struct tkp_reading_member members[] = {
        {"action", tkp_reading_text, offsetof(struct tokperf_control, action)},
        {"url", tkp_reading_text, offsetof(struct tokperf_control, url)},
        {"ok", tkp_reading_boolean, offsetof(struct tokperf_control, ok)},
        {"status_code", tkp_reading_code, offsetof(struct tokperf_control, status_code)},
        {"attempts", tkp_reading_small, offsetof(struct tokperf_control, attempts)},
        {"start_time_ns", tkp_reading_count, offsetof(struct tokperf_control, start_realtime_ns)},
        {"duration_ns", tkp_reading_count, offsetof(struct tokperf_control, duration_ns)},
        {"message", tkp_reading_text, offsetof(struct tokperf_control, message)},
        {0}};
    struct tokperf_summary *summary = summary_of(place);
    const struct tokperf_control **list = tkp_reading_list(r, MAX_CONTROLS * sizeof *list);
    if (!list)
        return false;
    summary->controls = list;
    summary->control_count = 0;
    for (struct tokperf_control *control;
         (control = tkp_reading_item(r, sizeof *control, summary->control_count, MAX_CONTROLS));) {
        *control = (struct tokperf_control){.struct_size = sizeof *control};
        control->action = control->url = control->message = tkp_span("");
        if (!tkp_reading_members(r, members, control))
            return false;
        list[summary->control_count++] = control;
    }
    return !r->problem;
}

static bool read_collectors(struct tkp_reading *r, void *place)
{
    return tkp_snapshot_read_collectors(r, summary_of(place));
}

static bool read_phases(struct tkp_reading *r, void *place)
{
    struct document *d = place;
    struct tokperf_summary *summary = summary_of(d);
    const struct tokperf_phase **list = tkp_reading_list(r, MAX_PHASES * sizeof *list);
    if (!list)
        return false;
    summary->phases = list;
    summary->phase_count = 0;
    for (struct tokperf_phase *phase;
         (phase = tkp_reading_item(r, sizeof *phase, summary->phase_count, MAX_PHASES));) {
        if (!tkp_snapshot_read_phase(r, phase))
            return false;
        d->phases[summary->phase_count] = phase;
        list[summary->phase_count++] = phase;
    }
    return !r->problem;
}

/* ---- plain members ---- */

static bool read_sources(struct tkp_reading *r, void *place)
{
    static const struct tkp_reading_member members[] = {
        {"isl", tkp_reading_text, offsetof(struct tokperf_summary, isl_source)},
        {"osl", tkp_reading_text, offsetof(struct tokperf_summary, osl_source)},
        {0}};
    return tkp_reading_take(r, TOKPERF_JSON_OBJECT_BEGIN, "an object was expected") &&
           tkp_reading_members(r, members, summary_of(place));
}

static bool read_prompts(struct tkp_reading *r, void *place)
{
    static const struct tkp_reading_member members[] = {
        {"sent", tkp_reading_count, offsetof(struct tokperf_summary, prompts_sent)},
        {"distinct", tkp_reading_count, offsetof(struct tokperf_summary, prompts_distinct)},
        {0}};
    return tkp_reading_take(r, TOKPERF_JSON_OBJECT_BEGIN, "an object was expected") &&
           tkp_reading_members(r, members, summary_of(place));
}

static bool read_state(struct tkp_reading *r, void *place)
{
    struct tokperf_span name;
    if (!tkp_reading_text(r, &name))
        return false;
    header_of(place)->state = tkp_session_state_find(name);
    ((struct document *)place)->has_state = true;
    return header_of(place)->state < TKP_SESSION_STATE_COUNT ||
           tkp_reading_fail(r, "the state of a session was expected");
}

static bool read_run(struct tkp_reading *r, void *place)
{
    struct document *d = place;
    struct tokperf_span raw;
    struct tokperf_error ignored;
    if (tkp_json_skip(&r->scan, &raw) != TOKPERF_OK)
        return tkp_reading_fail(r, tkp_json_error_text(&r->scan));
    d->has_run = tkp_run_facts_parse(raw, r->arena, &d->snapshot->facts, &ignored) == TOKPERF_OK;
    return d->has_run || tkp_reading_fail(r, "the facts of a run were expected");
}

/* Members may be added within a major version; in another one what is known may mean something
 * else. */
static bool read_version(struct tkp_reading *r, void *place)
{
    struct tokperf_span version;
    (void)place;
    if (!tkp_reading_text(r, &version))
        return false;
    return (version.len > 2 && memcmp(version.data, "1.", 2) == 0) ||
           tkp_reading_fail(r,
                            "a schema_version of 1.x was expected (a newer tokperf may read it)");
}

#define SUMMARY(name, member, function)                         \
    static bool read_##name(struct tkp_reading *r, void *place) \
    {                                                           \
        return function(r, &summary_of(place)->member);         \
    }
SUMMARY(id, benchmark_id, tkp_reading_text)
SUMMARY(begin, start_realtime_ns, tkp_reading_count)
SUMMARY(end, end_realtime_ns, tkp_reading_count)
SUMMARY(cancelled, was_cancelled, tkp_reading_boolean)
SUMMARY(source, report_source, tkp_reading_text)
SUMMARY(main_phase, main_phase, tkp_reading_small)
#undef SUMMARY
#define HEADER(name)                                            \
    static bool read_##name(struct tkp_reading *r, void *place) \
    {                                                           \
        return tkp_reading_count(r, &header_of(place)->name);   \
    }
HEADER(sequence)
HEADER(time_ns)
HEADER(pending_tokenizations)
HEADER(in_flight)
#undef HEADER

static bool read_document(struct tkp_reading *r, struct document *d)
{
    static const struct tkp_reading_member members[] = {
        {"schema_version", read_version, 0},
        {"benchmark_id", read_id, 0},
        {"sequence", read_sequence, 0},
        {"time_ns", read_time_ns, 0},
        {"state", read_state, 0},
        {"pending_tokenizations", read_pending_tokenizations, 0},
        {"in_flight", read_in_flight, 0},
        {"start_time_ns", read_begin, 0},
        {"end_time_ns", read_end, 0},
        {"was_cancelled", read_cancelled, 0},
        {"verdict", read_verdict, 0},
        {"main_phase", read_main_phase, 0},
        {"phases", read_phases, 0},
        {"token_sources", read_sources, 0},
        {"prompts", read_prompts, 0},
        {"server_control", read_controls, 0},
        {"collectors", read_collectors, 0},
        {"report_source", read_source, 0},
        {"run", read_run, 0},
        {0}};
    return tkp_reading_take(r, TOKPERF_JSON_OBJECT_BEGIN, "an object was expected") &&
           tkp_reading_members(r, members, d) &&
           tkp_reading_take(r, TOKPERF_JSON_END, "nothing was expected behind the document");
}

/* What a report cannot do without. */
static const char *find_lack(const struct document *d)
{
    const struct tokperf_summary *summary = &d->snapshot->summary;
    if (!d->has_state || !tkp_session_state_is_final(d->snapshot->header.state))
        return "it is not the snapshot of a session that has ended";
    if (!d->has_run)
        return "it has no facts of its run";
    if (summary->main_phase >= summary->phase_count)
        return "it has no metrics of the main phase";
    return NULL;
}

/* Times of phases are monotonic in a summary. */
static void shift_times(struct document *d)
{
    struct tokperf_summary *summary = &d->snapshot->summary;
    uint64_t offset = (uint64_t)d->snapshot->facts.monotonic_to_realtime_ns;
    summary->monotonic_to_realtime_ns = d->snapshot->facts.monotonic_to_realtime_ns;
    for (uint32_t i = 0; i < summary->phase_count; i++) {
        d->phases[i]->start_ns -= d->phases[i]->start_ns ? offset : 0;
        d->phases[i]->end_ns -= d->phases[i]->end_ns ? offset : 0;
    }
}

tokperf_status tkp_snapshot_parse(struct tokperf_span json, struct tkp_arena *arena,
                                  struct tkp_snapshot *snapshot, struct tokperf_error *error)
{
    struct tkp_reading reading = {.arena = arena};
    struct document document = {.snapshot = snapshot};
    const struct tokperf_span empty = tkp_span("");
    *snapshot = (struct tkp_snapshot){
        .summary = {.struct_size = sizeof snapshot->summary,
                    .benchmark_id = empty,
                    .isl_source = empty,
                    .osl_source = empty,
                    .verdict = empty,
                    .report_source = empty},
    };
    tkp_json_open(&reading.scan, json.data, json.len);
    if (!read_document(&reading, &document))
        return tkp_fail(error, TOKPERF_E_PARSE, "not a final snapshot of a run: %s, at byte %llu",
                        reading.problem, (unsigned long long)reading.problem_at);
    const char *lack = find_lack(&document);
    if (lack)
        return tkp_fail(error, TOKPERF_E_PARSE, "no report can be made from it: %s", lack);
    shift_times(&document);
    return TOKPERF_OK;
}

tokperf_status tkp_snapshot_read(const char *run_dir, struct tkp_arena *arena,
                                 struct tkp_snapshot *snapshot, struct tokperf_error *error)
{
    char path[PATH_BYTES];
    struct tkp_buffer text;
    if (!tkp_files_join(path, sizeof path, run_dir, TKP_SNAPSHOT_PATH))
        return tkp_fail(error, TOKPERF_E_INVALID, "the path '%s' is too long", run_dir);
    if (access(path, F_OK))
        return tkp_fail(error, TOKPERF_E_NOT_FOUND, "there is no '%s'", path);
    tkp_buffer_init(&text, TKP_SNAPSHOT_MAX_BYTES + 1);
    tokperf_status status = tkp_files_read(path, TKP_SNAPSHOT_MAX_BYTES + 1, 0, &text, error);
    if (status == TOKPERF_OK) {
        status = tkp_snapshot_parse(tkp_buffer_span(&text), arena, snapshot, error);
        if (status != TOKPERF_OK)
            tkp_error_prefix(error, "'%s'", path);
    }
    tkp_buffer_finish(&text);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots of a run; see the header. The mutex guards all of struct tkp_snapshots. */
#include <run/snapshots.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/files.h>
#include <base/text.h>
#include <math.h>
#include <pthread.h>
#include <report/snapshot.h>
#include <run/parts.h>
#include <stdlib.h>

#define LARGEST_INTERVAL_NS 1e18 /* 30 years */
enum { LARGEST_TICK_MS = 250 };

struct tkp_snapshots {
    struct tkp_run *run;
    pthread_mutex_t mutex;
    enum tkp_session_state state;
    uint64_t sequence;
    uint64_t interval_ns; /* 0: only the final one */
    uint64_t next_ns;
    struct tkp_phase_note so_far;
    bool has_so_far;
    uint64_t in_flight;
    uint32_t phases_begun;
    struct tkp_buffer json, frames;
    struct tkp_arena held_arena;
    struct tokperf_summary held;
    bool is_held;
    uint64_t held_pending;
};

struct tkp_snapshots *tkp_snapshots_create(struct tkp_run *run)
{
    struct tkp_snapshots *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    double rate = run->plan->snapshot_rate_per_s;
    s->run = run;
    if (rate > 0) /* a rate near 0: none comes in the life of a run */
        s->interval_ns = (uint64_t)fmin((double)TKP_NS_PER_S / rate, LARGEST_INTERVAL_NS);
    tkp_buffer_init(&s->json, TKP_SNAPSHOT_MAX_BYTES);
    tkp_buffer_init(&s->frames, TKP_BATCH_MAX_BYTES);
    tkp_arena_init(&s->held_arena, 0);
    if (pthread_mutex_init(&s->mutex, NULL)) {
        free(s);
        return NULL;
    }
    return s;
}

void tkp_snapshots_destroy(struct tkp_snapshots *s)
{
    if (!s)
        return;
    pthread_mutex_destroy(&s->mutex);
    tkp_buffer_finish(&s->json);
    tkp_buffer_finish(&s->frames);
    tkp_arena_finish(&s->held_arena);
    free(s);
}

uint64_t tkp_snapshots_tick_ns(const struct tkp_snapshots *s)
{
    const uint64_t largest_ns = LARGEST_TICK_MS * TKP_NS_PER_MS;
    if (!s || !s->interval_ns)
        return 0;
    return s->interval_ns < largest_ns ? s->interval_ns : largest_ns;
}

/* ---- what is common to all; with the mutex held ---- */

static bool has_listener(const struct tkp_snapshots *s)
{
    const struct tkp_publisher *publisher = s->run->publisher;
    return publisher && tkp_publisher_has_subscriber(publisher, TKP_TOPIC_SNAPSHOT);
}

/* Whether the plan's rate allows another one now. Those that were missed are not made up for. A
 * tick may come a little before the one that is due, since ticks are not late by the same: it
 * counts, as the next may be an interval away. */
static bool is_due(struct tkp_snapshots *s, uint64_t now_ns)
{
    if (!s->interval_ns || tkp_clock_after_ns(now_ns, tkp_snapshots_tick_ns(s) / 2) < s->next_ns)
        return false;
    uint64_t next_ns = tkp_clock_after_ns(s->next_ns, s->interval_ns);
    s->next_ns = next_ns > now_ns ? next_ns : tkp_clock_after_ns(now_ns, s->interval_ns);
    return true;
}

static void write_document(struct tkp_snapshots *s, const struct tokperf_summary *summary,
                           uint64_t pending, const struct tkp_run_facts *facts, const char *failure)
{
    const struct tkp_snapshot_header header = {
        .sequence = s->sequence++,
        .time_ns = tkp_clock_realtime_ns(),
        .state = s->state,
        .pending_tokenizations = pending,
        .in_flight = s->in_flight,
        .phases_begun = s->phases_begun,
    };
    tkp_buffer_clear(&s->json);
    tkp_snapshot_write(&header, summary, facts, failure, &s->json);
}

static void publish_document(struct tkp_snapshots *s)
{
    if (!s->run->publisher || s->json.failed)
        return;
    tkp_buffer_clear(&s->frames);
    tkp_frame_put(&s->frames, TKP_FRAME_SNAPSHOT, s->json.data, s->json.len);
    if (s->frames.failed)
        return;
    tkp_publisher_put(s->run->publisher, TKP_TOPIC_SNAPSHOT, tkp_buffer_span(&s->frames), 1);
    tkp_publisher_flush(s->run->publisher);
}

/* Answers that wait for the tokenizer. */
static uint64_t pending(const struct tkp_snapshots *s, const struct tkp_counter_progress *progress)
{
    uint64_t kept = tkp_summarizer_texts(s->run->summarizer);
    uint64_t done = progress->texts + progress->failed;
    return kept > done ? kept - done : 0;
}

/* What is known while the summary's first pass goes on, by the thread that gives it its rows. */
static void publish_so_far(struct tkp_snapshots *s, const struct tkp_counter_progress *progress)
{
    struct tokperf_summary summary;
    struct tokperf_error error;
    struct tkp_arena arena;
    tkp_arena_init(&arena, 0);
    if (tkp_summarizer_peek(s->run->summarizer, s->has_so_far ? &s->so_far : NULL, &arena, &summary,
                            &error) == TOKPERF_OK) {
        write_document(s, &summary, pending(s, progress), NULL, NULL);
        publish_document(s);
    } else {
        tkp_log(TKP_LOG_DEBUG, "a snapshot is left out: %s", error.message);
    }
    tkp_arena_finish(&arena);
}

static void publish_held(struct tkp_snapshots *s)
{
    write_document(s, &s->held, s->held_pending, NULL, NULL);
    publish_document(s);
}

/* ---- while the run goes ---- */

void tkp_snapshots_tick(struct tkp_snapshots *s, uint64_t now_ns)
{
    struct tkp_counter_progress progress = {0};
    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    bool live = s->state == TKP_SESSION_LIVE;
    if ((live || s->state == TKP_SESSION_INITIALIZE) && is_due(s, now_ns) && has_listener(s)) {
        if (live && s->run->counter) /* main sets it before that state */
            tkp_counter_progress(s->run->counter, &progress);
        publish_so_far(s, &progress);
    }
    pthread_mutex_unlock(&s->mutex);
}

void tkp_snapshots_begin(struct tkp_snapshots *s)
{
    const struct tkp_counter_progress none = {0};
    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    if (is_due(s, tkp_clock_now_ns()) && has_listener(s))
        publish_so_far(s, &none);
    pthread_mutex_unlock(&s->mutex);
}

static void enter(struct tkp_snapshots *s, enum tkp_session_state state)
{
    if (tkp_session_state_advance(&s->state, state))
        s->next_ns = 0; /* the first one of a state is due at once */
}

void tkp_snapshots_live(struct tkp_snapshots *s, uint32_t phase)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    enter(s, TKP_SESSION_LIVE);
    s->phases_begun = phase + 1;
    pthread_mutex_unlock(&s->mutex);
}

void tkp_snapshots_note(struct tkp_snapshots *s, const struct tkp_phase_note *so_far,
                        uint64_t in_flight)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    s->so_far = *so_far;
    s->has_so_far = true;
    s->in_flight = in_flight;
    pthread_mutex_unlock(&s->mutex);
}

void tkp_snapshots_drain(struct tkp_snapshots *s)
{
    struct tkp_counter_progress progress = {0};
    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    enter(s, TKP_SESSION_DRAINING);
    s->in_flight = 0;
    s->has_so_far = false; /* the phases have their notes */
    pthread_mutex_unlock(&s->mutex);
    if (s->run->counter)
        tkp_counter_progress(s->run->counter, &progress);
    tkp_snapshots_look(s, &progress);
}

void tkp_snapshots_look(struct tkp_snapshots *s, const struct tkp_counter_progress *progress)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    if (s->state == TKP_SESSION_DRAINING && (progress || s->is_held) &&
        is_due(s, tkp_clock_now_ns()) && has_listener(s)) {
        if (progress)
            publish_so_far(s, progress);
        else
            publish_held(s);
    }
    pthread_mutex_unlock(&s->mutex);
}

void tkp_snapshots_hold(struct tkp_snapshots *s, const struct tkp_counter_progress *progress)
{
    struct tokperf_error error;
    if (!s || !s->run->publisher)
        return;
    pthread_mutex_lock(&s->mutex);
    tkp_arena_finish(&s->held_arena);
    tkp_arena_init(&s->held_arena, 0);
    s->is_held = tkp_summarizer_peek(s->run->summarizer, NULL, &s->held_arena, &s->held, &error) ==
                 TOKPERF_OK;
    s->held_pending =
        progress ? pending(s, progress) : tkp_summarizer_uncounted(s->run->summarizer);
    pthread_mutex_unlock(&s->mutex);
}

/* ---- the last one ---- */

static tokperf_status write_file(const struct tkp_snapshots *s, struct tokperf_error *error)
{
    char folder[TKP_RUNDIR_PATH_BYTES];
    if (!s->run->load_began) /* the directory goes away again */
        return TOKPERF_OK;
    if (s->json.failed)
        return tkp_fail(error, TOKPERF_E_LIMIT,
                        "the final snapshot would be larger than %d MiB: it is left out",
                        TKP_SNAPSHOT_MAX_BYTES / 1024 / 1024);
    if (!tkp_files_join(folder, sizeof folder, s->run->dir.path, TKP_SNAPSHOT_FOLDER))
        return tkp_fail(error, TOKPERF_E_LIMIT, "the path of the run directory is too long");
    tokperf_status status = tkp_files_make_own_dir(folder, error);
    if (status == TOKPERF_OK)
        status = tkp_files_replace(folder, TKP_SNAPSHOT_FILE, s->json.data, s->json.len, error);
    if (status == TOKPERF_OK)
        return status;
    tkp_error_prefix(error, "the final snapshot is not kept");
    return error->status = TOKPERF_E_IO; /* whatever is in the way */
}

/* What is known although there is no summary: as much as memory allows. */
static void write_without_summary(struct tkp_snapshots *s, const char *failure)
{
    struct tkp_run *run = s->run;
    struct tokperf_summary summary = {.struct_size = sizeof summary};
    struct tokperf_error error;
    struct tkp_arena arena;
    uint64_t waiting = 0;
    tkp_arena_init(&arena, 0);
    if (run->summarizer &&
        tkp_summarizer_peek(run->summarizer, NULL, &arena, &summary, &error) == TOKPERF_OK) {
        waiting = tkp_summarizer_uncounted(run->summarizer);
    } else {
        summary = (struct tokperf_summary){
            .struct_size = sizeof summary,
            .isl_source = tkp_span(""),
            .osl_source = tkp_span(""),
        };
        tkp_summary_identify(&summary, run->plan, &run->facts, run->dir.path);
    }
    summary.verdict = tkp_span("invalid");
    summary.report_source = tkp_span("histograms");
    write_document(s, &summary, waiting, &run->facts, failure);
    tkp_arena_finish(&arena);
}

tokperf_status tkp_snapshots_finish(struct tkp_snapshots *s, enum tkp_session_state state,
                                    const struct tokperf_summary *summary, const char *failure,
                                    struct tokperf_error *error)
{
    if (!s)
        return TOKPERF_OK;
    struct tkp_run *run = s->run;
    pthread_mutex_lock(&s->mutex);
    tokperf_status status = TOKPERF_OK;
    if (tkp_session_state_advance(&s->state, state)) {
        s->in_flight = 0;
        if (summary)
            write_document(s, summary, tkp_summarizer_uncounted(run->summarizer), &run->facts,
                           failure);
        else
            write_without_summary(s, failure);
        publish_document(s);
        status = write_file(s, error);
    }
    pthread_mutex_unlock(&s->mutex);
    if (status != TOKPERF_OK)
        tkp_log(TKP_LOG_ERROR, "%s", error->message);
    return status;
}

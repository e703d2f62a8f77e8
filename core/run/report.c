/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last stage of a run: exact numbers from the record log, the exporters, and behind them the
 * one decision how the run ended. A signal that came before it makes the run interrupted: exit code
 * 130, the final snapshot, session.ended and what `tokperf report` says of it later. One that comes
 * behind it changes none of them. [main]
 */
#include <run/parts.h>

#include <base/error.h>
#include <base/text.h>
#include <inttypes.h>
#include <report/phase_files.h>
#include <run/exit_code.h>
#include <run/interrupt.h>
#include <stdio.h>

enum { NOTE_BYTES = 4096 };

/* ---- the numbers ---- */

static void look(void *context)
{
    struct tkp_run *run = context;
    tkp_snapshots_look(run->snapshots, NULL);
}

/* Second pass and cursor need the log; without it the histograms have to do. */
static tokperf_status select_from_log(struct tkp_run *run, struct tkp_log_reader **reader,
                                      struct tokperf_error *error)
{
    bool complete = run->log_error.status == TOKPERF_OK;
    if (complete && tkp_log_open(run->log_path, reader, &run->log_error) == TOKPERF_OK) {
        tkp_log_watch(*reader, look, run);
        tokperf_status status = tkp_run_count_tokens(run, *reader, error);
        if (status != TOKPERF_OK)
            return status;
        tkp_snapshots_hold(run->snapshots, NULL);
        return tkp_summarizer_select(run->summarizer, *reader, error);
    }
    if (complete)
        tkp_log(TKP_LOG_ERROR, "%s: the results are made without it", run->log_error.message);
    tkp_summarizer_without_log(run->summarizer);
    tkp_exports_drop_records(&run->exports);
    return TOKPERF_OK;
}

static void say_not_noted(const struct tokperf_error *error)
{
    tkp_log(TKP_LOG_DEBUG, "%s: 'tokperf report' knows of no interruption", error->message);
}

/* A signal that came when the recorder had written why the run stopped: into the summary, and
 * behind the end of the log. false: there was none, or it is there already. */
static bool note_interruption(struct tkp_run *run)
{
    struct tkp_log_writer *log;
    struct tokperf_error error;
    struct tkp_stop_note *note = &run->stop;
    if (!tkp_flag_is_raised(tkp_interrupt_flag()) || note->interrupted || note->interrupted_late)
        return false;
    note->interrupted_late = 1;
    tkp_summarizer_stop_note(run->summarizer, note);
    if (run->log_error.status != TOKPERF_OK)
        return true;
    if (tkp_log_reopen(run->log_path, &log, &error) != TOKPERF_OK) {
        say_not_noted(&error);
        return true;
    }
    struct tkp_buffer json;
    tkp_buffer_init(&json, NOTE_BYTES);
    tkp_stop_note_write(note, &json);
    tkp_log_append(log, TKP_LOG_STOP, json.data, (uint32_t)json.len);
    tkp_log_sync(log);
    if (tkp_log_failed(log, &error))
        say_not_noted(&error);
    tkp_log_close(log);
    tkp_buffer_finish(&json);
    return true;
}

struct report {
    struct tkp_log_reader *reader;
    struct tkp_cursor *cursor;
    const struct tokperf_summary *summary; /* NULL: it could not be made */
};

static tokperf_status make_summary(struct tkp_run *run, struct report *report,
                                   struct tokperf_error *error)
{
    tokperf_status status = select_from_log(run, &report->reader, error);
    if (status == TOKPERF_OK)
        status = tkp_cursor_create(report->reader, tkp_summarizer_context(run->summarizer),
                                   run->facts.id_seed, &report->cursor, error);
    if (status != TOKPERF_OK)
        return status;
    if (note_interruption(run) && !tkp_summarizer_uncounted(run->summarizer)) /* else it was said */
        tkp_log(TKP_LOG_WARNING,
                "interrupted: the results are written; a second signal ends at once");
    return tkp_summarizer_result(run->summarizer, &report->summary, error);
}

static tokperf_status export(struct tkp_run *run, const struct report *report,
                             struct tokperf_error *error)
{
    const struct tkp_result_job job = {.plan = run->plan,
                                       .exports = &run->exports,
                                       .host = &run->host,
                                       .summary = report->summary,
                                       .cursor = report->cursor};
    tokperf_status status = tkp_results_write(&job, error);
    look(run); /* the last exporter may have taken long */
    if (status == TOKPERF_OK && tkp_flag_is_raised(&run->terminal_failed))
        status = tkp_fail(error, TOKPERF_E_IO, "the results could not be printed");
    return status;
}

/* ---- how it ended ---- */

/* The one sentence for a user who asked for no console. */
static void say_nothing_succeeded(const struct tokperf_summary *summary, uint64_t errors)
{
    const struct tokperf_phase *phase = summary->phases[summary->main_phase];
    if (!phase->error_count) {
        tkp_log(TKP_LOG_ERROR, "no request succeeded: none was sent");
        return;
    }
    if (!errors) {
        tkp_log(TKP_LOG_ERROR, "no request succeeded: those that were sent were cancelled before "
                               "they were answered; give them more time, or a grace period");
        return;
    }
    uint32_t at = 0; /* of those that failed by themselves */
    while (at + 1 < phase->error_count && tkp_span_is(phase->errors[at]->type, "cancelled"))
        at++;
    const struct tokperf_error_count *first = phase->errors[at];
    char code[16] = "";
    if (first->code)
        snprintf(code, sizeof code, " %" PRId32, first->code);
    tkp_log(TKP_LOG_ERROR, "no request succeeded: %" PRIu64 " failed, the first with %.*s%s%s%.*s",
            errors, (int)first->type.len, first->type.data, code, first->message.len ? ": " : "",
            (int)first->message.len, first->message.data);
}

#define TOO_MANY_FAILED "too many requests failed"

static int fail(struct tkp_run *run, const char *why)
{
    run->failure = why;
    return TKP_EXIT_RUN_FAILED;
}

/* Of a run that was not interrupted. */
static int judge(struct tkp_run *run, const struct tokperf_summary *summary)
{
    uint64_t ok, errors;
    tkp_summarizer_counts(run->summarizer, &ok, &errors);
    if (run->end != TKP_RUN_HOPELESS && ok == 0)
        say_nothing_succeeded(summary, errors);
    if (run->end == TKP_RUN_HOPELESS || ok == 0)
        return fail(run, run->end == TKP_RUN_HOPELESS ? TOO_MANY_FAILED : "no request succeeded");
    if ((double)errors > run->plan->failed_request_threshold * (double)(ok + errors)) {
        tkp_log(TKP_LOG_ERROR,
                "%" PRIu64 " of %" PRIu64 " requests failed, more than "
                "--failed-request-threshold %g",
                errors, ok + errors, run->plan->failed_request_threshold);
        return fail(run, TOO_MANY_FAILED);
    }
    if (run->plan->strict && !tkp_span_is(summary->verdict, "valid")) {
        tkp_log(TKP_LOG_ERROR, "--strict: the verdict is '%.*s'", (int)summary->verdict.len,
                summary->verdict.data);
        return fail(run, "the verdict is not valid, and --strict");
    }
    return TKP_EXIT_OK;
}

/* The decision. status, error: of the exporters. Returns the exit code. */
static int decide(struct tkp_run *run, struct report *report, tokperf_status status,
                  const struct tokperf_error *error)
{
    struct tokperf_error not_kept, ignored;
    bool is_interrupted = tkp_flag_is_raised(tkp_interrupt_flag());
    if (is_interrupted && note_interruption(run)) {
        tkp_log(TKP_LOG_WARNING, "interrupted: the results were written already");
        if (tkp_summarizer_result(run->summarizer, &report->summary, &ignored) != TOKPERF_OK)
            report->summary = NULL; /* its parts are half made */
    }
    int code = is_interrupted ? TKP_EXIT_INTERRUPTED : judge(run, report->summary);
    if (code == TKP_EXIT_OK)
        code = tkp_exit_of(status);
    tkp_interrupt_settle(code);
    tokperf_status kept = tkp_snapshots_finish(
        run->snapshots, is_interrupted ? TKP_SESSION_INTERRUPTED : TKP_SESSION_COMPLETE,
        report->summary, status == TOKPERF_OK ? NULL : error->message, &not_kept);
    return code == TKP_EXIT_OK ? tkp_exit_of(kept) : code;
}

int tkp_run_give_up(struct tkp_run *run, tokperf_status status, const struct tokperf_error *error)
{
    struct tokperf_error not_kept;
    int code = tkp_exit_of(status);
    tkp_log(TKP_LOG_ERROR, "%s", error->message);
    tkp_run_end_threads(run);
    tkp_interrupt_settle(code);
    (void)!tkp_snapshots_finish(run->snapshots, TKP_SESSION_INTERRUPTED, NULL, error->message,
                                &not_kept);
    return code;
}

int tkp_run_report(struct tkp_run *run)
{
    struct report report = {0};
    struct tokperf_error error = {0};
    tokperf_status status = make_summary(run, &report, &error);
    int code;
    if (report.summary) {
        status = export(run, &report, &error);
        code = decide(run, &report, status, &error);
    } else {
        code = tkp_run_give_up(run, status, &error);
    }
    tkp_cursor_destroy(report.cursor);
    tkp_log_reader_close(report.reader);
    return code;
}

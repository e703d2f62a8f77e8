/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of one run:
 *
 *   set up        plugins, server, model, dataset, addresses: all that can be wrong is found here
 *   open results  the run's directory and the record log; recorder and workers start
 *   load          phase after phase: what the schedule says, until its stop rule or a signal
 *   report        exact numbers from the record log, the verdict, the exporters
 *
 * and what its exit code is.
 */
#include <run/run.h>

#include <base/text.h>
#include <inttypes.h>
#include <run/exit_code.h>
#include <run/interrupt.h>
#include <run/parts.h>
#include <stdio.h>

/* Logs a failure once, here, and turns it into an exit code. */
static int refuse(tokperf_status status, const struct tokperf_error *error)
{
    tkp_log(TKP_LOG_ERROR, "%s", error->message);
    return tkp_exit_of(status);
}

/* The one sentence for a user who asked for no console. */
static void say_nothing_succeeded(const struct tokperf_summary *summary, uint64_t errors)
{
    const struct tokperf_phase *phase = summary->phases[summary->main_phase];
    if (!phase->error_count) {
        tkp_log(TKP_LOG_ERROR, "no request succeeded: none was sent");
        return;
    }
    const struct tokperf_error_count *first = phase->errors[0];
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

static int judge(struct tkp_run *run, const struct tokperf_summary *summary)
{
    uint64_t ok, errors;
    tkp_summarizer_counts(run->summarizer, &ok, &errors);
    if (run->end == TKP_RUN_INTERRUPTED || tkp_flag_is_raised(tkp_interrupt_flag()))
        return TKP_EXIT_INTERRUPTED;
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

/* There is no report: the final snapshot tells what is known. */
static int give_up(struct tkp_run *run, tokperf_status status, const struct tokperf_error *error)
{
    struct tokperf_error not_kept;
    int code = refuse(status, error);
    tkp_run_end_threads(run);
    (void)!tkp_snapshots_finish(run->snapshots, NULL, error->message, &not_kept);
    return code;
}

static int run_with_results(struct tkp_run *run)
{
    struct tokperf_error error = {0};
    const struct tokperf_summary *summary = NULL;
    tokperf_status status = tkp_run_open_results(run, &error);
    if (status == TOKPERF_OK)
        status = tkp_run_load(run, &error);
    if (status != TOKPERF_OK)
        return give_up(run, status, &error);
    status = tkp_run_report(run, &summary, &error);
    if (!summary)
        return give_up(run, status, &error);
    int code = judge(run, summary);
    return code == TKP_EXIT_OK ? tkp_exit_of(status) : code;
}

int tkp_run(const struct tkp_plan *plan)
{
    struct tkp_run run = {.plan = plan, .end = TKP_RUN_COMPLETE};
    struct tokperf_error error = {0};
    tkp_log_set_level(plan->log_level);
    tokperf_status status = tkp_interrupt_install(&error);
    if (status == TOKPERF_OK)
        status = tkp_run_set_up(&run, &error);
    int code = status == TOKPERF_OK ? run_with_results(&run) : refuse(status, &error);
    tkp_run_publish_session_ended(&run, code);
    tkp_run_close_results(&run);
    if (!run.load_began)
        tkp_rundir_discard(&run.dir);
    tkp_run_take_down(&run);
    return code;
}

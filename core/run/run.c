/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of one run:
 *
 *   set up        plugins, server, model, dataset, addresses: all that can be wrong is found here
 *   open results  the run's directory and the record log; recorder and workers start
 *   load          phase after phase: what the schedule says, until its stop rule or a signal
 *   report        exact numbers from the record log, the verdict, the exporters, and how it ended
 *
 * and what is taken down again.
 */
#include <run/run.h>

#include <run/exit_code.h>
#include <run/interrupt.h>
#include <run/parts.h>

/* Logs a failure once, here, and turns it into an exit code. */
static int refuse(tokperf_status status, const struct tokperf_error *error)
{
    tkp_log(TKP_LOG_ERROR, "%s", error->message);
    return tkp_exit_of(status);
}

static int run_with_results(struct tkp_run *run)
{
    struct tokperf_error error = {0};
    tokperf_status status = tkp_run_open_results(run, &error);
    if (status == TOKPERF_OK)
        status = tkp_run_load(run, &error);
    return status == TOKPERF_OK ? tkp_run_report(run) : tkp_run_give_up(run, status, &error);
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

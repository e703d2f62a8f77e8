/* SPDX-License-Identifier: Apache-2.0 */
/* `tokperf config validate`: everything of a run that needs neither a server nor a directory. */
#include <run/run.h>

#include <run/exit_code.h>
#include <run/parts.h>

int tkp_run_check(const struct tkp_plan *plan)
{
    struct tkp_run run = {.plan = plan, .end = TKP_RUN_COMPLETE};
    struct tokperf_error error = {0};
    tokperf_status status = tkp_run_set_up_inputs(&run, &error);
    if (status != TOKPERF_OK)
        tkp_log(TKP_LOG_ERROR, "%s", error.message);
    tkp_run_take_down(&run);
    return tkp_exit_of(status);
}

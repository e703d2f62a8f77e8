/* SPDX-License-Identifier: Apache-2.0 */
/* `tokperf profile`: resolve the plan, run it. */
#include <cli/commands.h>

#include <cli/output.h>
#include <config/resolve.h>
#include <run/run.h>
#include <unistd.h>

int tkp_cmd_profile(int argc, char **argv)
{
    struct tkp_config_input input = {.argc = argc,
                                     .argv = (const char *const *)argv,
                                     .environment = (const char *const *)environ};
    struct tkp_plan plan = {.url_count = 0};
    struct tokperf_error error = {0};
    tokperf_status status = tkp_config_resolve(&input, &plan, &error);
    int code = status == TOKPERF_OK ? tkp_run(&plan) : tkp_output_refuse(status, &error);
    tkp_plan_finish(&plan);
    return code;
}

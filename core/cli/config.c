/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tokperf config validate FILE [flags]`, `config show [FILE] [flags]` (the resolved plan as YAML),
 * `config schema`.
 */
#include <cli/commands.h>

#include <base/log.h>
#include <cli/output.h>
#include <config/document.h>
#include <config/resolve.h>
#include <run/cpu_plan.h>
#include <run/exit_code.h>
#include <run/run.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const subcommands[] = {"validate", "show", "schema", NULL};

/* argv may begin with the file; the rest are flags of profile. */
static tokperf_status resolve(int argc, char **argv, struct tkp_plan *plan,
                              struct tokperf_error *error)
{
    bool has_file = argc > 0 && argv[0][0] != '-';
    struct tkp_config_input input = {.argc = argc - has_file,
                                     .argv = (const char *const *)argv + has_file,
                                     .environment = (const char *const *)environ,
                                     .config_file = has_file ? argv[0] : NULL};
    return tkp_config_resolve(&input, plan, error);
}

/* Comments, since they are this machine's and not the configuration's. */
static void put_cpu_plan(const struct tkp_plan *plan, struct tkp_buffer *text)
{
    struct tkp_topology topology;
    struct tkp_cpu_plan cpus;
    tkp_topology_read_allowed(&topology);
    tkp_cpu_plan_make(&topology, plan->workers, plan->cpu_affinity, &cpus);
    if (plan->tokenizer)
        tkp_cpu_plan_add_lanes(&topology, plan->tokenizer_threads, &cpus);
    tkp_cpu_plan_describe(&cpus, plan->spin, text);
}

/* Which transport was picked, and why. */
static void put_transport(const struct tkp_plan *plan, struct tkp_buffer *text)
{
    tkp_buffer_printf(text, "# transport: %s (%s)\n", plan->uses_curl ? "curl" : "native",
                      plan->transport_reason);
}

static int with_plan(int argc, char **argv, bool show)
{
    struct tkp_plan plan = {.url_count = 0};
    struct tokperf_error error = {0};
    struct tkp_buffer text;
    tkp_buffer_init(&text, TKP_DOCUMENT_MAX_BYTES);
    tokperf_status status = resolve(argc, argv, &plan, &error);
    int code;
    if (status != TOKPERF_OK) {
        code = tkp_output_refuse(status, &error);
    } else if (!show && (code = tkp_run_check(&plan)) != TKP_EXIT_OK) {
        /* said already */
    } else {
        tkp_buffer_puts(&text, show ? plan.config_yaml : "valid\n");
        if (show) {
            put_transport(&plan, &text);
            put_cpu_plan(&plan, &text);
        }
        code = tkp_output_print(&text);
    }
    tkp_buffer_finish(&text);
    tkp_plan_finish(&plan);
    return code;
}

static int print_schema(void)
{
    struct tkp_buffer text;
    tkp_buffer_init(&text, TKP_DOCUMENT_MAX_BYTES);
    tkp_document_schema(&text);
    int code = tkp_output_print(&text);
    tkp_buffer_finish(&text);
    return code;
}

int tkp_cmd_config(int argc, char **argv)
{
    if (argc < 1) {
        tkp_log(TKP_LOG_ERROR, "config needs one of validate, show, schema; see tokperf help");
        return TKP_EXIT_USAGE;
    }
    if (strcmp(argv[0], "schema") == 0 && argc == 1)
        return print_schema();
    if (strcmp(argv[0], "schema") == 0)
        return tkp_output_unknown("argument of config schema", argv[1], subcommands + 3);
    if (strcmp(argv[0], "validate") == 0 || strcmp(argv[0], "show") == 0)
        return with_plan(argc - 1, argv + 1, strcmp(argv[0], "show") == 0);
    return tkp_output_unknown("subcommand of config", argv[0], subcommands);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* `tokperf plugins`: chooses the command, writes its text, and turns statuses into exit codes. */
#include <cli/plugins_command.h>

#include <base/log.h>

#include <base/error.h>
#include <base/files.h>
#include <cli/plugins_args.h>
#include <cli/plugins_check.h>
#include <cli/plugins_check_child.h>
#include <cli/plugins_list.h>
#include <cli/plugins_show.h>
#include <plugin/host.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, EXIT_ENVIRONMENT = 3, OUTPUT_MAX_BYTES = 64 * 1024 * 1024 };

static int fail_with(const struct tokperf_error *error, int code)
{
    tkp_log(TKP_LOG_ERROR, "%s", error->message);
    return code;
}

/* What the user named and is not there is 2, what is there and broken is 3. */
static int code_of(tokperf_status status)
{
    return status == TOKPERF_E_NOT_FOUND ? EXIT_USAGE : EXIT_ENVIRONMENT;
}

static int write_out(const struct tkp_buffer *out)
{
    struct tokperf_error error;
    if (out->failed) {
        (void)tkp_fail(&error, TOKPERF_E_LIMIT, "the listing is too long");
        return fail_with(&error, EXIT_ENVIRONMENT);
    }
    if (tkp_files_write_all(STDOUT_FILENO, tkp_buffer_text(out), out->len, &error) == TOKPERF_OK)
        return 0;
    return fail_with(&error, EXIT_ENVIRONMENT);
}

/* list, dirs, show: what needs the registry. */
static int run_listing(const struct tkp_plugins_args *args)
{
    struct tokperf_error error;
    struct tkp_registry *registry = NULL;
    struct tkp_buffer out;
    tkp_crash_handler_install(); /* --plugin and show load modules here */
    tokperf_status status = tkp_plugins_args_open(args, &registry, &error);
    if (status != TOKPERF_OK)
        return fail_with(&error, code_of(status));
    tkp_buffer_init(&out, OUTPUT_MAX_BYTES);
    if (strcmp(args->command, "list") == 0)
        tkp_plugins_list(registry, args, &out);
    else if (strcmp(args->command, "dirs") == 0)
        tkp_plugins_dirs(registry, &out);
    else
        status = tkp_plugins_show(registry, args, &out, &error);
    int code = status == TOKPERF_OK ? write_out(&out) : fail_with(&error, code_of(status));
    tkp_buffer_finish(&out);
    tkp_registry_close(registry);
    return code;
}

static int run_check(const struct tkp_plugins_args *args)
{
    struct tokperf_error error;
    struct tkp_buffer out;
    int code = 0;
    tkp_buffer_init(&out, OUTPUT_MAX_BYTES);
    tokperf_status status = tkp_plugins_check(args, &out, &code, &error);
    if (status != TOKPERF_OK)
        code = fail_with(&error, status == TOKPERF_E_INVALID ? EXIT_USAGE : code_of(status));
    else if (write_out(&out) != 0)
        code = EXIT_ENVIRONMENT;
    tkp_buffer_finish(&out);
    return code;
}

static int run(const struct tkp_plugins_args *args)
{
    if (args->command == NULL) {
        tkp_log(TKP_LOG_ERROR,
                "plugins needs one of list, show, check and dirs; see tokperf help plugins");
        return EXIT_USAGE;
    }
    if (strcmp(args->command, "check") == 0)
        return run_check(args);
    if (strcmp(args->command, "check-child") == 0)
        return tkp_plugins_check_child(args);
    return run_listing(args);
}

int tkp_cmd_plugins(int argc, char **argv)
{
    struct tokperf_error error;
    struct tkp_plugins_args args;
    tokperf_status status = tkp_plugins_args_parse(argc, argv, &args, &error);
    int code = status == TOKPERF_OK ? run(&args) : fail_with(&error, EXIT_USAGE);
    tkp_plugins_args_finish(&args);
    return code;
}

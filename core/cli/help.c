/* SPDX-License-Identifier: Apache-2.0 */
/* `tokperf help [COMMAND] [--markdown]` and `tokperf version`. */
#include <cli/commands.h>

#include <cli/output.h>
#include <config/document.h>
#include <base/version.h>
#include <string.h>
#include <tokperf/plugin.h>

static bool write_topic(const char *topic, struct tkp_buffer *text)
{
    if (strcmp(topic, "profile") == 0)
        tkp_document_help(text);
    else if (strcmp(topic, "--markdown") == 0)
        tkp_document_markdown(text);
    else
        return tkp_document_command(topic, text);
    return true;
}

int tkp_cmd_help(int argc, char **argv)
{
    static const char *const topics[] = {"profile", "report",    "events",     "config",
                                         "plugins", "calibrate", "tokenize",   "tokenizer",
                                         "version", "help",      "--markdown", NULL};
    struct tkp_buffer text;
    tkp_buffer_init(&text, TKP_DOCUMENT_MAX_BYTES);
    int code;
    if (argc == 0)
        tkp_document_overview(&text);
    if (argc > 1 || (argc == 1 && !write_topic(argv[0], &text)))
        code = tkp_output_unknown("help topic", argv[argc - 1], topics);
    else
        code = tkp_output_print(&text);
    tkp_buffer_finish(&text);
    return code;
}

int tkp_cmd_version(int argc, char **argv)
{
    static const char *const nothing[] = {NULL};
    if (argc)
        return tkp_output_unknown("argument of version", argv[0], nothing);
    struct tkp_buffer text;
    tkp_buffer_init(&text, 1024);
    tkp_buffer_printf(&text, "tokperf %s (plugin ABI %d.%d)\n", TKP_VERSION, TOKPERF_ABI_MAJOR,
                      TOKPERF_ABI_MINOR);
    int code = tkp_output_print(&text);
    tkp_buffer_finish(&text);
    return code;
}

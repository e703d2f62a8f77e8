/* SPDX-License-Identifier: Apache-2.0 */
/* Help on a terminal: the overview of commands and the options of a run, 100 columns. [main] */
#include <config/document.h>

#include <base/text.h>
#include <config/document_text.h>
#include <stdio.h>
#include <string.h>

enum { COLUMNS = 100 };

static const struct tkp_command_row commands[] = {
    {"profile", "tokperf profile [options]",
     "Run a benchmark: 'tokperf help profile' lists the options."},
    {"report", "tokperf report DIR [--tokenizer PATH] [--plugin FILE.so] [--registry FILE]",
     "Make every export of a result directory again, from its record log, or its final snapshot "
     "where there is no log. Plugin files that the run was given are named "
     "again here: what a record log names is not opened."},
    {"events", "tokperf events [DIR] [--topic TOPIC]... [--format text|jsonl]",
     "Follow a run while it goes, a line for each event: DIR is its directory, or the newest live "
     "run below artifacts. Topics: session, phase, sample, snapshot (default: all). Ends with the "
     "session; docs/bus.md says what the lines hold."},
    {"config validate", "tokperf config validate [FILE] [options]",
     "Check a configuration without sending anything."},
    {"config show", "tokperf config show [FILE] [options]",
     "Print the resolved configuration as YAML, secrets redacted."},
    {"config schema", "tokperf config schema", "Print the JSON Schema of the configuration file."},
    {"plugins list",
     "tokperf plugins list [--explain] [--format text|json] [--plugin FILE.so] [--registry FILE]",
     "List components; --explain shows where each comes from and which ones are shadowed."},
    {"plugins show",
     "tokperf plugins show NAME [--format text|json] [--plugin FILE.so] [--registry FILE]",
     "Describe a component and its options."},
    {"plugins check",
     "tokperf plugins check FILE.so [--fixtures DIR] [--set NAME.key=value] [--timeout DURATION] "
     "[--format text|tap|json]",
     "Try a plugin against its contract in a child process; exit 0, 1 (findings), 3 (cannot be "
     "loaded) or 77 (nothing applicable)."},
    {"plugins dirs", "tokperf plugins dirs", "List where plugins are looked for, in order."},
    {"calibrate", "tokperf calibrate [--bound-ms X] [--quick] [--output FILE] [--format text|json]",
     "Measure the highest request rate and streams x event rate at which this machine's times stay "
     "true, p99 of the error under --bound-ms (default 1), in under 90 s (--quick: 20 s), and save "
     "them for profile, which warns of a plan that goes past them."},
    {"tokenize", "tokperf tokenize --tokenizer PATH [--count|--ids|--pieces] [--jsonl] [FILE...]",
     "Count the tokens of each file (of standard input without one), or print their ids, or the "
     "pieces that the tokenizer splits a text into. With --jsonl each line's 'text' is a text, "
     "answered by a line with its count and ids."},
    {"tokenizer info", "tokperf tokenizer info PATH",
     "Say what a tokenizer is made of, and what its counts leave out."},
    {"version", "tokperf version", "Print the version."},
    {"help", "tokperf help [COMMAND] [--markdown]",
     "Print this overview, what a command takes (profile: every option), or docs/cli.md."},
};

const struct tkp_command_row *tkp_document_commands(size_t *count)
{
    *count = sizeof commands / sizeof commands[0];
    return commands;
}

void tkp_document_wrap(struct tkp_buffer *out, size_t indent, const char *text)
{
    size_t column = 0;
    for (const char *p = text; *p;) {
        size_t len = strcspn(p, " ");
        bool fits = column && column + 1 + len <= COLUMNS;
        if (!fits)
            tkp_buffer_printf(out, "%s%*s", column ? "\n" : "", (int)indent, "");
        tkp_buffer_printf(out, "%s%.*s", fits ? " " : "", (int)len, p);
        column = fits ? column + 1 + len : indent + len;
        p += len;
        p += strspn(p, " ");
    }
    tkp_buffer_puts(out, "\n");
}

bool tkp_document_command(const char *name, struct tkp_buffer *out)
{
    bool found = false;
    size_t len = strlen(name);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const char *row = commands[i].name;
        if (strncmp(row, name, len) != 0 || (row[len] && row[len] != ' '))
            continue;
        tkp_document_wrap(out, 0, commands[i].usage);
        tkp_document_wrap(out, 8, commands[i].summary);
        found = true;
    }
    return found;
}

void tkp_document_overview(struct tkp_buffer *out)
{
    tkp_buffer_puts(out, "tokperf drives an LLM inference endpoint with a defined load and reports "
                         "what it measured.\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        tkp_document_wrap(out, 2, commands[i].usage);
        tkp_document_wrap(out, 8, commands[i].summary);
    }
    tkp_buffer_puts(out, "\nFor a first look: tokperf profile --url mock: --streaming "
                         "--concurrency 8 --request-count 200\n");
}

static void put_names(struct tkp_buffer *out, const struct tkp_option *row)
{
    char line[512], value[128];
    tkp_options_value_name(row, value, sizeof value);
    int used = 0;
    if (row->short_flag)
        used = snprintf(line, sizeof line, "-%c, ", row->short_flag);
    used += snprintf(line + used, sizeof line - (size_t)used, "%s%s%s", row->flag,
                     value[0] ? " " : "", value);
    for (size_t i = 0; row->aliases[i]; i++)
        used += snprintf(line + used, sizeof line - (size_t)used, "%s%s", i ? ", " : "  (also ",
                         row->aliases[i]);
    if (row->aliases[0])
        snprintf(line + used, sizeof line - (size_t)used, ")");
    tkp_buffer_printf(out, "  %s\n", line);
}

static void put_option(struct tkp_buffer *out, const struct tkp_option *row)
{
    char text[1024], fallback[160], range[160];
    if (!row->flag)
        return;
    put_names(out, row);
    tkp_document_default(row, fallback, sizeof fallback);
    tkp_document_range(row, range, sizeof range);
    snprintf(text, sizeof text, "%s%s%s%s%s%s%s", row->help, fallback[0] ? " Default: " : "",
             fallback, fallback[0] ? "." : "", range[0] ? " Range: " : "", range,
             range[0] ? "." : "");
    tkp_document_wrap(out, 8, text);
}

void tkp_document_help(struct tkp_buffer *out)
{
    const struct tkp_option *row;
    tkp_buffer_puts(out, "Usage: tokperf profile [options]\n\n");
    tkp_document_wrap(
        out, 0,
        "Sends requests to an inference server and reports what it measured. Every option "
        "can also stand in a YAML file (-f FILE) or in a variable TOKPERF_<PATH>: the path "
        "in the file below 'benchmark', in capitals, with two underscores for each dot. "
        "Defaults < file < variables < flags. docs/cli.md has the paths.");
    for (unsigned group = 0; group < TKP_GROUP_COUNT; group++) {
        tkp_buffer_printf(out, "\n%s\n", tkp_options_group_title((enum tkp_option_group)group));
        for (size_t i = 0; (row = tkp_options_at(i)); i++)
            if (row->group == (enum tkp_option_group)group)
                put_option(out, row);
    }
}

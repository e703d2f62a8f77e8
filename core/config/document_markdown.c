/* SPDX-License-Identifier: Apache-2.0 */
/* docs/cli.md from the tables of commands and options. [main] */
#include <config/document.h>

#include <config/document_text.h>
#include <string.h>

/* Text of a table's cell: a bar would end it. */
static void put_cell(struct tkp_buffer *out, const char *text)
{
    for (; *text; text++)
        tkp_buffer_printf(out, "%s%c", *text == '|' ? "\\" : "", *text);
}

static void put_code(struct tkp_buffer *out, const char *text)
{
    tkp_buffer_puts(out, "`");
    put_cell(out, text);
    tkp_buffer_puts(out, "`");
}

static void put_flags(struct tkp_buffer *out, const struct tkp_option *row)
{
    char value[128];
    tkp_options_value_name(row, value, sizeof value);
    if (row->short_flag)
        tkp_buffer_printf(out, "`-%c`, ", row->short_flag);
    if (row->flag)
        tkp_buffer_printf(out, "`%s`", row->flag);
    for (size_t i = 0; row->aliases[i]; i++)
        tkp_buffer_printf(out, ", `%s`", row->aliases[i]);
    if (value[0] && row->flag) {
        tkp_buffer_puts(out, " ");
        put_code(out, value);
    }
}

static void put_row(struct tkp_buffer *out, const struct tkp_option *row)
{
    char text[160];
    tkp_buffer_puts(out, "| ");
    put_flags(out, row);
    tkp_buffer_puts(out, " | ");
    if (row->path)
        put_code(out, row->path);
    if (row->path_alias) {
        tkp_buffer_puts(out, ", ");
        put_code(out, row->path_alias);
    }
    tkp_buffer_puts(out, " | ");
    tkp_document_default(row, text, sizeof text);
    put_cell(out, text);
    tkp_buffer_puts(out, " | ");
    tkp_document_range(row, text, sizeof text);
    put_cell(out, text);
    tkp_buffer_puts(out, " | ");
    put_cell(out, row->help);
    tkp_buffer_puts(out, " |\n");
}

static void put_commands(struct tkp_buffer *out)
{
    size_t count;
    const struct tkp_command_row *rows = tkp_document_commands(&count);
    tkp_buffer_puts(out, "| Command | What it does |\n|---|---|\n");
    for (size_t i = 0; i < count; i++) {
        tkp_buffer_puts(out, "| ");
        put_code(out, rows[i].usage);
        tkp_buffer_puts(out, " | ");
        put_cell(out, rows[i].summary);
        tkp_buffer_puts(out, " |\n");
    }
}

static const char introduction[] =
    "<!-- Made by `tokperf help --markdown`; a test compares. Do not edit. -->\n"
    "# The command line\n\n";

static const char options_introduction[] =
    "\nExit codes: 0 ok; 1 the run failed; 2 usage or configuration; 3 environment; 4 internal or "
    "a\nplugin's crash; 130 interrupted.\n\n"
    "## Options of a run\n\n"
    "An option can be given in four places, a later one wins: its default, the YAML file "
    "(`-f FILE`),\nthe environment, the command line. The path is its place in the file below "
    "`benchmark:`\n(`random_seed` and `plugins:` stand beside it); the variable is `TOKPERF_` and "
    "the path in capitals,\nwith two underscores for each dot: `TOKPERF_ENDPOINT__API_KEY`. Lists "
    "are replaced as a whole;\nheaders, extra inputs, objectives and plugin options by member.\n\n"
    "Durations are seconds, or a number with `ns`, `us`, `ms`, `s`, `m` or `h`. A flag without "
    "value is\ntaken back by `--flag=false`. In the file, `${NAME}` and `${NAME:default}` stand "
    "for "
    "variables of the\nenvironment, `$${` for `${`; `phases` is a list, or a mapping by name, of "
    "up to 64 phases in the\norder in which they run. The paths `phases.profiling.*` and "
    "`phases.warmup.*` below are the keys of\na phase of that kind; flags and variables set the "
    "one phase of their kind (see [metrics.md](metrics.md#phases)).\n";

void tkp_document_markdown(struct tkp_buffer *out)
{
    const struct tkp_option *row;
    tkp_buffer_puts(out, introduction);
    put_commands(out);
    tkp_buffer_puts(out, options_introduction);
    for (unsigned group = 0; group < TKP_GROUP_COUNT; group++) {
        tkp_buffer_printf(out,
                          "\n### %s\n\n| Flag | Path | Default | Range | Meaning |\n"
                          "|---|---|---|---|---|\n",
                          tkp_options_group_title((enum tkp_option_group)group));
        for (size_t i = 0; (row = tkp_options_at(i)); i++)
            if (row->group == (enum tkp_option_group)group)
                put_row(out, row);
    }
}

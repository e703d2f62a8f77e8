/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exporter "console": the table at the end of a run, on stdout: the main metrics under AIPerf's
 * headers, what the client itself added, errors, the verdict with its reasons, token sources,
 * prompt reuse, and where the files are. Plain text that fits 100 columns.
 */
#include "table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 100, MAX_ERROR_LINES = 10, MAX_ROWS = 256 };

struct console {
    const struct tokperf_host *host;
    const struct tokperf_terminal_v1 *terminal;
};

static void write_terminal(void *context, const char *data, uint64_t len)
{
    const struct console *self = context;
    self->terminal->write(self->host, data, len);
}

static int by_order(const void *a, const void *b)
{
    const struct tokperf_metric *const *left = a, *const *right = b;
    return ((*left)->order > (*right)->order) - ((*left)->order < (*right)->order);
}

static void print_group(const struct table_output *out, const struct tokperf_phase *phase,
                        uint32_t group, const char *title)
{
    const struct tokperf_metric *rows[MAX_ROWS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < phase->metric_count && count < MAX_ROWS; i++) {
        const struct tokperf_metric *metric = phase->metrics[i];
        if (metric->group == group && metric->stats &&
            !(metric->flags & (TOKPERF_METRIC_NO_CONSOLE | TOKPERF_METRIC_INTERNAL)))
            rows[count++] = metric;
    }
    qsort(rows, count, sizeof rows[0], by_order);
    table_print(out, title, rows, count);
}

static const struct tokperf_metric *find(const struct tokperf_phase *phase, const char *tag)
{
    for (uint32_t i = 0; i < phase->metric_count; i++)
        if (strcmp(phase->metrics[i]->tag, tag) == 0)
            return phase->metrics[i];
    return NULL;
}

static void print_errors(const struct table_output *out, const struct tokperf_phase *phase)
{
    if (!phase->error_count)
        return;
    table_printf(out, "\n Failed and cancelled requests\n");
    for (uint32_t i = 0; i < phase->error_count && i < MAX_ERROR_LINES; i++) {
        const struct tokperf_error_count *error = phase->errors[i];
        char code[16] = "-";
        if (error->code)
            snprintf(code, sizeof code, "%d", error->code);
        table_printf(out, " %8" PRIu64 "  %4s  %-16.*s %.*s\n", error->count, code,
                     (int)error->type.len, error->type.data,
                     error->message.len < 60 ? (int)error->message.len : 60, error->message.data);
    }
    if (phase->error_count > MAX_ERROR_LINES)
        table_printf(out, " and %u more kinds: see error_summary in the JSON file\n",
                     phase->error_count - MAX_ERROR_LINES);
}

/* Wraps a sentence behind a hanging indent. */
static void print_wrapped(const struct table_output *out, const char *lead,
                          struct tokperf_span sentence)
{
    size_t indent = strlen(lead);
    size_t room = out->columns > indent + 20 ? out->columns - indent : 20;
    const char *rest = sentence.data;
    size_t left = sentence.len;
    table_printf(out, "%s", lead);
    while (left > room) {
        size_t cut = room;
        while (cut && rest[cut] != ' ')
            cut--;
        cut = cut ? cut : room;
        table_printf(out, "%.*s\n%*s", (int)cut, rest, (int)indent, "");
        rest += cut + (rest[cut] == ' ');
        left = sentence.len - (size_t)(rest - sentence.data);
    }
    table_printf(out, "%.*s\n", (int)left, rest);
}

static void print_verdict(const struct table_output *out, const struct tokperf_summary *run)
{
    table_printf(out, "\nVerdict: %.*s\n", (int)run->verdict.len, run->verdict.data);
    for (uint32_t i = 0; i < run->reason_count; i++) {
        static const char *const leads[] = {"  note: ", "  suspect: ", "  invalid: "};
        const struct tokperf_reason *reason = run->reasons[i];
        print_wrapped(out, leads[reason->severity <= 2 ? reason->severity : 2], reason->message);
    }
}

static void print_sources(const struct table_output *out, const struct tokperf_summary *run,
                          const struct tokperf_phase *phase)
{
    const struct tokperf_metric *asked = find(phase, "requested_isl");
    const struct tokperf_metric *counted = find(phase, "input_sequence_length");
    if (run->isl_source.len || run->osl_source.len)
        table_printf(out, "Token counts: input from %.*s, output from %.*s%s\n",
                     run->isl_source.len ? (int)run->isl_source.len : 7,
                     run->isl_source.len ? run->isl_source.data : "nowhere",
                     run->osl_source.len ? (int)run->osl_source.len : 7,
                     run->osl_source.len ? run->osl_source.data : "nowhere",
                     strncmp(run->osl_source.data, "chunks", run->osl_source.len) == 0
                         ? " (an estimate: one chunk is taken for one token)"
                         : "");
    if (asked && counted)
        table_printf(out,
                     "Input length: %.1f words asked for, %.1f tokens counted by the server, its "
                     "chat template included\n",
                     asked->value[TOKPERF_STAT_AVG], counted->value[TOKPERF_STAT_AVG]);
    if (run->prompts_sent)
        table_printf(out, "Prompt reuse: %" PRIu64 " prompts sent, %" PRIu64 " of them distinct\n",
                     run->prompts_sent, run->prompts_distinct);
}

static tokperf_status export_run(void *self, const struct tokperf_summary *summary,
                                 const struct tokperf_cursor *cursor, struct tokperf_error *error)
{
    (void)cursor, (void)error;
    struct console *console = self;
    struct table_output out = {console, write_terminal, MAX_COLUMNS};
    uint32_t columns = console->terminal->columns(console->host);
    if (columns && columns < MAX_COLUMNS)
        out.columns = columns;
    const struct tokperf_phase *phase = summary->phases[summary->main_phase];
    char title[160];
    snprintf(title, sizeof title, "tokperf | %.*s", (int)summary->title.len, summary->title.data);
    print_group(&out, phase, TOKPERF_GROUP_DEFAULT, title);
    print_group(&out, phase, TOKPERF_GROUP_CLIENT, "What the client itself added");
    print_errors(&out, phase);
    print_verdict(&out, summary);
    print_sources(&out, summary, phase);
    const struct tokperf_metric *duration = find(phase, "benchmark_duration");
    if (duration)
        table_printf(&out, "Benchmark duration: %.2f s\n", duration->value[TOKPERF_STAT_AVG]);
    table_printf(&out, "Random seed: %" PRIu64 "\n", summary->random_seed);
    table_printf(&out, "Results: %.*s\n", (int)summary->artifact_dir.len,
                 summary->artifact_dir.data);
    return TOKPERF_OK;
}

static tokperf_status create(const struct tokperf_host *host, const struct tokperf_config *config,
                             void **self, struct tokperf_error *error)
{
    (void)config;
    struct console *made = malloc(sizeof *made);
    if (!made) {
        snprintf(error->message, sizeof error->message, "no memory for the console exporter");
        return error->status = TOKPERF_E_NO_MEMORY;
    }
    made->host = host;
    made->terminal = host->service(host, TOKPERF_SERVICE_TERMINAL);
    *self = made;
    return TOKPERF_OK;
}

static const struct tokperf_exporter_vtable vtable = {
    .struct_size = sizeof vtable,
    .create = create,
    .destroy = free,
    .flags = TOKPERF_EXPORT_TERMINAL,
    .export_run = export_run,
};
static const struct tokperf_component component = {
    .struct_size = sizeof component,
    .kind = TOKPERF_KIND_EXPORTER,
    .name = "console",
    .summary = "The table on the terminal",
    .vtable = &vtable,
};
static const struct tokperf_component *const components[] = {&component, NULL};
static const char *const services[] = {TOKPERF_SERVICE_TERMINAL, NULL};
static const struct tokperf_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TOKPERF_ABI_MINOR,
    .id = "org.tokperf.export.console",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "Table of a run on the terminal",
    .components = components,
    .requires_services = services,
};
TOKPERF_PLUGIN(plugin)

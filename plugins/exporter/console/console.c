/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exporter "console": the table at the end of a run, on stdout: the main metrics under AIPerf's
 * headers, what the client itself added, errors, the verdict with its reasons, token sources,
 * prompt reuse, and where the files are. Plain text that fits 100 columns.
 */
#include "collector_line.h"
#include "phase_lines.h"
#include "table.h"

#include "../phase_kind.h"
#include "../statistic.h"

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
        if (metric->group == group && has_statistics(metric) &&
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

/* Copies text from outside for one line: control bytes become spaces, and it is cut at a character
 * once it has max_columns bytes. */
static void one_line(char *out, size_t max_columns, struct tokperf_span text)
{
    size_t len = text.len < max_columns ? text.len : max_columns;
    while (len && len < text.len && ((unsigned char)text.data[len] & 0xc0) == 0x80)
        len--; /* not inside of a UTF-8 sequence */
    for (size_t i = 0; i < len; i++)
        out[i] = (unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f ? ' ' : text.data[i];
    out[len] = '\0';
}

static void print_error(const struct table_output *out, const struct tokperf_error_count *error)
{
    enum { TYPE = 16 };
    char code[16] = "-", type[TYPE + 1], lead[80], message[MAX_COLUMNS];
    if (error->code)
        snprintf(code, sizeof code, "%d", error->code);
    one_line(type, TYPE, error->type);
    int n =
        snprintf(lead, sizeof lead, " %8" PRIu64 "  %4s  %-*s ", error->count, code, TYPE, type);
    size_t taken = n > 0 ? (size_t)n : 0;
    one_line(message, out->columns > taken ? out->columns - taken : 0, error->message);
    table_printf(out, "%s%s\n", lead, message);
}

static void print_errors(const struct table_output *out, const struct tokperf_phase *phase)
{
    if (!phase->error_count)
        return;
    table_printf(out, "\n Failed and cancelled requests\n");
    for (uint32_t i = 0; i < phase->error_count && i < MAX_ERROR_LINES; i++)
        print_error(out, phase->errors[i]);
    if (phase->error_count > MAX_ERROR_LINES)
        table_printf(out, " and %u more kinds: see error_summary in the JSON file\n",
                     phase->error_count - MAX_ERROR_LINES);
}

static void print_verdict(const struct table_output *out, const struct tokperf_summary *run)
{
    table_printf(out, "\nVerdict: %.*s\n", (int)run->verdict.len, run->verdict.data);
    for (uint32_t i = 0; i < run->reason_count; i++) {
        static const char *const leads[] = {"  note: ", "  suspect: ", "  invalid: "};
        const struct tokperf_reason *reason = run->reasons[i];
        char text[600];
        struct tokperf_span phase = {"", 0};
        if (TOKPERF_HAS(reason, phase) && reason->phase.len)
            phase = reason->phase;
        int n = snprintf(text, sizeof text, "%.*s%s%.*s [%.*s]", (int)phase.len, phase.data,
                         phase.len ? ": " : "", (int)reason->message.len, reason->message.data,
                         (int)reason->code.len, reason->code.data);
        size_t len = n < 0 ? 0 : (size_t)n;
        print_wrapped(out, leads[reason->severity <= 2 ? reason->severity : 2],
                      (struct tokperf_span){text, len < sizeof text ? len : sizeof text - 1});
    }
}

static void print_text(const struct table_output *out, const char *lead, const char *text)
{
    print_wrapped(out, lead, (struct tokperf_span){text, strlen(text)});
}

static int is_text(struct tokperf_span span, const char *text)
{
    return span.len == strlen(text) && memcmp(span.data, text, span.len) == 0;
}

static void print_token_sources(const struct table_output *out, const struct tokperf_summary *run)
{
    static const struct tokperf_span nothing = {"nothing: not counted", 20};
    char text[256];
    struct tokperf_span isl = run->isl_source.len ? run->isl_source : nothing;
    struct tokperf_span osl = run->osl_source.len ? run->osl_source : nothing;
    if (!run->isl_source.len && !run->osl_source.len)
        return;
    int estimate = is_text(osl, "chunks");
    snprintf(text, sizeof text, "input from %.*s, output from %.*s%s", (int)isl.len, isl.data,
             (int)osl.len, osl.data,
             estimate ? " (an estimate: one chunk is taken for one token)" : "");
    print_text(out, "Token counts: ", text);
}

static void print_prompts(const struct table_output *out, const struct tokperf_summary *run,
                          const struct tokperf_phase *phase)
{
    const struct tokperf_metric *asked = find(phase, "requested_isl");
    const struct tokperf_metric *counted = find(phase, "input_sequence_length");
    char text[256];
    if (asked && counted && has_statistic(asked, TOKPERF_STAT_AVG) &&
        has_statistic(counted, TOKPERF_STAT_AVG)) {
        int by_server = is_text(run->isl_source, "server");
        snprintf(text, sizeof text,
                 by_server
                     ? "%.1f words asked for a turn, %.1f tokens counted by the server, which "
                       "also counts its chat template and the turns before"
                     : "%.1f tokens asked for a turn, %.1f counted, the turns before among them "
                       "but no chat template",
                 asked->value[TOKPERF_STAT_AVG], counted->value[TOKPERF_STAT_AVG]);
        print_text(out, "Input length: ", text);
    }
    if (run->prompts_sent) {
        snprintf(text, sizeof text, "%" PRIu64 " prompts sent, %" PRIu64 " of them distinct",
                 run->prompts_sent, run->prompts_distinct);
        print_text(out, "Prompt reuse: ", text);
    }
}

/* Where the numbers come from, unless it is the record log. */
static void print_source(const struct table_output *out, const struct tokperf_summary *run)
{
    if (!TOKPERF_HAS(run, report_source) || !run->report_source.len ||
        is_text(run->report_source, "record_log"))
        return;
    char text[160];
    snprintf(text, sizeof text, "%.*s%s", (int)run->report_source.len, run->report_source.data,
             is_text(run->report_source, "final_snapshot")
                 ? " (there is no record log: single requests are not known)"
             : is_text(run->report_source, "histograms")
                 ? " (the record log could not be written: percentiles to 0.1 %)"
                 : "");
    print_text(out, "Report source: ", text);
}

/* What was asked of the servers around the load. */
static void print_controls(const struct table_output *out, const struct tokperf_summary *run)
{
    if (!TOKPERF_HAS(run, controls))
        return;
    for (uint32_t i = 0; i < run->control_count; i++) {
        const struct tokperf_control *control = run->controls[i];
        char text[512], said[160];
        one_line(said, sizeof said - 1, control->message);
        int n = snprintf(text, sizeof text, "%.*s %s, POST %.*s: ", (int)control->action.len,
                         control->action.data, control->ok ? "done" : "FAILED",
                         (int)(control->url.len < 200 ? control->url.len : 200), control->url.data);
        size_t used = n > 0 && (size_t)n < sizeof text ? (size_t)n : sizeof text - 1;
        if (control->status_code)
            snprintf(text + used, sizeof text - used, "HTTP %d%s%s", control->status_code,
                     !control->ok && said[0] ? ", " : "", control->ok ? "" : said);
        else
            snprintf(text + used, sizeof text - used, "%s", said);
        print_text(out, "Server control: ", text);
    }
}

static void print_collectors(const struct table_output *out, const struct tokperf_summary *run)
{
    char text[1024];
    collector_line(run, text, sizeof text);
    if (text[0])
        print_text(out, "Collectors: ", text);
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
    phase_lines_print(&out, summary);
    snprintf(title, sizeof title, "tokperf | %.*s%s", (int)summary->title.len, summary->title.data,
             phase_is_total(phase) ? " | total of the phases" : "");
    print_group(&out, phase, TOKPERF_GROUP_DEFAULT, title);
    print_group(&out, phase, TOKPERF_GROUP_CLIENT, "What the client itself added");
    print_group(&out, phase, TOKPERF_GROUP_HTTP, "HTTP trace");
    print_errors(&out, phase);
    print_verdict(&out, summary);
    print_token_sources(&out, summary);
    print_prompts(&out, summary, phase);
    print_controls(&out, summary);
    print_source(&out, summary);
    print_collectors(&out, summary);
    const struct tokperf_metric *duration = find(phase, "benchmark_duration");
    if (duration && has_statistic(duration, TOKPERF_STAT_AVG))
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

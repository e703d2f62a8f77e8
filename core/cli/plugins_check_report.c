/* SPDX-License-Identifier: Apache-2.0 */
/* The report of a check: gathered line by line, shown as text, TAP 14 or JSON. */
#include <cli/plugins_check_report.h>

#include <base/json_write.h>
#include <base/text.h>
#include <string.h>

enum { ARENA_BYTES = 32 * 1024 * 1024, CANNOT_LOAD = 3, NOTHING_APPLICABLE = 77 };

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

void tkp_check_report_init(struct tkp_check_report *report, const char *file)
{
    memset(report, 0, sizeof *report);
    tkp_arena_init(&report->arena, ARENA_BYTES);
    report->file = file;
}

void tkp_check_report_finish(struct tkp_check_report *report)
{
    tkp_arena_finish(&report->arena);
}

static struct tkp_check_step_result *current(struct tkp_check_report *report)
{
    return report->step_count > 0 ? &report->steps[report->step_count - 1] : NULL;
}

void tkp_check_report_finding(struct tkp_check_report *report, const char *text)
{
    struct tkp_check_step_result *step = current(report);
    const char *copy = tkp_arena_copy(&report->arena, text, strlen(text));
    if (step == NULL || copy == NULL || report->finding_count == TKP_CHECK_MAX_FINDINGS)
        return;
    report->findings[report->finding_count++] = copy;
    step->finding_count++;
}

void tkp_check_report_line(struct tkp_check_report *report, const char *line, size_t len)
{
    if (len < 2)
        return;
    const char *text = tkp_arena_copy(&report->arena, line + 2, len - 2);
    struct tkp_check_step_result *step = current(report);
    if (text == NULL)
        return;
    if (line[0] == 'B' && report->step_count < TKP_CHECK_MAX_STEPS)
        report->steps[report->step_count++] =
            (struct tkp_check_step_result){text, NULL, report->finding_count, 0};
    else if (line[0] == 'F')
        tkp_check_report_finding(report, text);
    else if (line[0] == 'S' && step != NULL)
        step->skipped = text;
    else if (line[0] == 'L')
        report->cannot_load = text;
    else if (line[0] == 'N')
        report->not_applicable = text;
    else if (line[0] == 'I')
        report->plugin = text;
    else if (line[0] == 'E')
        report->ended = true;
}

int tkp_check_report_code(const struct tkp_check_report *report)
{
    if (report->cannot_load != NULL)
        return CANNOT_LOAD;
    if (report->finding_count > 0)
        return 1;
    return report->not_applicable != NULL ? NOTHING_APPLICABLE : 0;
}

static const char *status_of(const struct tkp_check_step_result *step)
{
    if (step->finding_count > 0)
        return "FAIL";
    return step->skipped != NULL ? "skip" : "ok";
}

static void write_text(const struct tkp_check_report *report, struct tkp_buffer *out)
{
    tkp_buffer_printf(out, "%s: %s\n", report->file,
                      report->plugin != NULL ? report->plugin : "cannot be loaded");
    if (report->cannot_load != NULL)
        tkp_buffer_printf(out, "  FAIL  %s\n", report->cannot_load);
    for (uint32_t i = 0; report->cannot_load == NULL && i < report->step_count; i++) {
        const struct tkp_check_step_result *step = &report->steps[i];
        tkp_buffer_printf(out, "  %-4s  %s%s%s\n", status_of(step), step->name,
                          step->skipped != NULL ? ": " : "",
                          step->skipped != NULL ? step->skipped : "");
        for (uint32_t f = 0; f < step->finding_count; f++)
            tkp_buffer_printf(out, "        %s\n", report->findings[step->first_finding + f]);
    }
    if (report->not_applicable != NULL)
        tkp_buffer_printf(out, "Nothing to check: %s.\n", report->not_applicable);
    if (report->cannot_load == NULL)
        tkp_buffer_printf(out, "%u finding%s\n", report->finding_count,
                          report->finding_count == 1 ? "" : "s");
}

static void write_tap(const struct tkp_check_report *report, struct tkp_buffer *out)
{
    tkp_buffer_puts(out, "TAP version 14\n");
    if (report->cannot_load != NULL) {
        tkp_buffer_printf(out, "1..1\nnot ok 1 - load\n# %s\n", report->cannot_load);
        return;
    }
    if (report->not_applicable != NULL && report->finding_count == 0) {
        tkp_buffer_printf(out, "1..0 # SKIP %s\n", report->not_applicable);
        return;
    }
    tkp_buffer_printf(out, "1..%u\n", report->step_count);
    for (uint32_t i = 0; i < report->step_count; i++) {
        const struct tkp_check_step_result *step = &report->steps[i];
        tkp_buffer_printf(out, "%s %u - %s%s%s\n", step->finding_count > 0 ? "not ok" : "ok", i + 1,
                          step->name, step->skipped != NULL ? " # SKIP " : "",
                          step->skipped != NULL ? step->skipped : "");
        for (uint32_t f = 0; f < step->finding_count; f++)
            tkp_buffer_printf(out, "# %s\n", report->findings[step->first_finding + f]);
    }
}

static void write_step_json(const struct tkp_check_report *report,
                            const struct tkp_check_step_result *step, struct tokperf_json_writer *w)
{
    json->object_begin(w);
    tkp_json_write_pair(w, "name", step->name);
    tkp_json_write_pair(w, "status",
                        step->finding_count > 0 ? "failed"
                        : step->skipped != NULL ? "skipped"
                                                : "ok");
    tkp_json_write_pair(w, "reason", step->skipped);
    json->key(w, TOKPERF_SPAN("findings"));
    json->array_begin(w);
    for (uint32_t f = 0; f < step->finding_count; f++)
        json->string(w, tkp_span(report->findings[step->first_finding + f]));
    json->array_end(w);
    json->object_end(w);
}

static void write_json(const struct tkp_check_report *report, struct tkp_buffer *out)
{
    struct tokperf_json_writer w;
    struct tokperf_sink sink = tkp_buffer_sink(out);
    json->open(&w, &sink, TOKPERF_JSON_INDENT);
    json->object_begin(&w);
    tkp_json_write_pair(&w, "file", report->file);
    tkp_json_write_pair(&w, "plugin", report->plugin);
    tkp_json_write_pair(&w, "cannot_load", report->cannot_load);
    tkp_json_write_pair(&w, "not_applicable", report->not_applicable);
    json->key(&w, TOKPERF_SPAN("findings"));
    json->integer(&w, report->finding_count);
    json->key(&w, TOKPERF_SPAN("checks"));
    json->array_begin(&w);
    for (uint32_t i = 0; i < report->step_count; i++)
        write_step_json(report, &report->steps[i], &w);
    json->array_end(&w);
    json->object_end(&w);
    tkp_buffer_puts(out, "\n");
}

void tkp_check_report_write(const struct tkp_check_report *report, enum tkp_plugins_format format,
                            struct tkp_buffer *out)
{
    switch (format) {
    case TKP_PLUGINS_TEXT:
        write_text(report, out);
        break;
    case TKP_PLUGINS_TAP:
        write_tap(report, out);
        break;
    case TKP_PLUGINS_JSON:
        write_json(report, out);
        break;
    }
}

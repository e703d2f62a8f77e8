/* SPDX-License-Identifier: Apache-2.0 */
/* What the child of a check told, and how it is shown. [main] */
#ifndef TKP_CLI_PLUGINS_CHECK_REPORT_H
#define TKP_CLI_PLUGINS_CHECK_REPORT_H

#include <base/arena.h>
#include <base/buffer.h>
#include <cli/plugins_args.h>

enum { TKP_CHECK_MAX_STEPS = 1024, TKP_CHECK_MAX_FINDINGS = 4096 };

struct tkp_check_step_result {
    const char *name;
    const char *skipped; /* reason, or NULL */
    uint32_t first_finding, finding_count;
};

struct tkp_check_report {
    struct tkp_arena arena;
    const char *file;
    const char *plugin;         /* "com.acme.tokperf 1.2.0 (MIT)", or NULL */
    const char *cannot_load;    /* or NULL */
    const char *not_applicable; /* or NULL */
    bool ended;                 /* the child came to its end */
    struct tkp_check_step_result steps[TKP_CHECK_MAX_STEPS];
    uint32_t step_count;
    const char *findings[TKP_CHECK_MAX_FINDINGS];
    uint32_t finding_count;
};

void tkp_check_report_init(struct tkp_check_report *report, const char *file);
void tkp_check_report_finish(struct tkp_check_report *report);
/* One line of plugins_check_child.h, without its end. Lines past the bounds are dropped. */
void tkp_check_report_line(struct tkp_check_report *report, const char *line, size_t len);
/* A finding of the step that is under way. */
void tkp_check_report_finding(struct tkp_check_report *report, const char *text);
/* 0, 1, 3 or 77. */
int tkp_check_report_code(const struct tkp_check_report *report);
void tkp_check_report_write(const struct tkp_check_report *report, enum tkp_plugins_format format,
                            struct tkp_buffer *out);

#endif

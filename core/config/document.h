/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is written from the option table and from a plan: help, docs/cli.md, JSON Schema, the
 * resolved configuration. All output is deterministic and free of secrets. [main]
 *
 * The checked-in docs/cli.md and docs/config.schema.json are made by `tokperf help --markdown` and
 * `tokperf config schema`; a test compares them with the functions here.
 */
#ifndef TKP_CONFIG_DOCUMENT_H
#define TKP_CONFIG_DOCUMENT_H

#include <base/buffer.h>
#include <config/options.h>
#include <config/plan.h>

/* Enough for every document but that of a plan with huge extra inputs. */
enum { TKP_DOCUMENT_MAX_BYTES = 4 << 20 };

/* A command of the program, for help and docs/cli.md; the cli folder dispatches by name. */
struct tkp_command_row {
    const char *name;    /* "plugins list" */
    const char *usage;   /* "tokperf plugins list [--explain]" */
    const char *summary; /* one sentence */
};
const struct tkp_command_row *tkp_document_commands(size_t *count);

/* Appends the words of text in lines of at most 100 columns, each indented by so many. */
void tkp_document_wrap(struct tkp_buffer *out, size_t indent, const char *text);

/* `tokperf help`: commands, one a line, at most 100 columns. */
void tkp_document_overview(struct tkp_buffer *out);
/* `tokperf help COMMAND`: the rows of that command. false when there is none. */
bool tkp_document_command(const char *name, struct tkp_buffer *out);
/* `tokperf help profile`: every option by group, at most 100 columns. */
void tkp_document_help(struct tkp_buffer *out);
/* `tokperf help --markdown`: docs/cli.md. */
void tkp_document_markdown(struct tkp_buffer *out);
/* `tokperf config schema`: docs/config.schema.json. */
void tkp_document_schema(struct tkp_buffer *out);
/* Flags for completion: tkp_options_flags() in options.h. */

/* The plan as one JSON object of the YAML file's shape, secrets redacted; with TOKPERF_JSON_INDENT
 * in flags on several lines. Read back as -f FILE it gives the same plan, except that a redacted
 * value must be given anew. */
void tkp_document_plan(const struct tkp_plan *plan, uint32_t flags, struct tkp_buffer *out);
/* A JSON text as block YAML; json must be valid. Texts are escaped so that the file reader's ${}
 * leaves them alone. */
void tkp_document_yaml(struct tokperf_span json, struct tkp_buffer *out);

#endif

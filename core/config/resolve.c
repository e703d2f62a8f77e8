/* SPDX-License-Identifier: Apache-2.0 */
/* From argv, file and environment to a plan: the layers in order, then each part's rules. [main] */
#include <config/resolve.h>

#include <base/error.h>
#include <config/command_line.h>
#include <config/document.h>
#include <config/environment.h>
#include <config/file.h>
#include <config/resolve_parts.h>
#include <config/yaml.h>
#include <string.h>

/* All texts of argv (2 MiB by Linux's limit), a file of 1 MiB and what is made of them. */
enum { ARENA_MAX_BYTES = 64 << 20 };

static tokperf_status merge(const struct tkp_config_input *input,
                            const struct tkp_command_line *line, struct tkp_settings *settings,
                            struct tokperf_error *error)
{
    const char *file = line->config_file ? line->config_file : input->config_file;
    tokperf_status status = TOKPERF_OK;
    if (input->config_text)
        status = tkp_file_apply_text("records.tkr", input->config_text, strlen(input->config_text),
                                     input->environment, settings, error);
    else if (file)
        status = tkp_file_apply(file, input->environment, settings, error);
    if (!status)
        status = tkp_environment_apply(input->environment, settings, error);
    return status ? status : tkp_command_line_apply(line, settings, error);
}

/* A document of an earlier run, read back: what it hides must be given anew, never sent. */
static tokperf_status check_not_redacted(const struct tkp_settings *settings,
                                         struct tokperf_error *error)
{
    const struct tkp_option *row;
    for (size_t i = 0; (row = tkp_options_at(i)); i++) {
        bool may_hide = row->flags & TKP_OPTION_SECRET || row->id == TKP_OPT_URL ||
                        row->id == TKP_OPT_PROXY || row->id == TKP_OPT_COLLECTORS ||
                        row->id == TKP_OPT_ENDPOINT_PATH ||
                        row->id == TKP_OPT_RESET_KV_CACHE_PATH ||
                        row->id == TKP_OPT_SERVER_PROFILER_START_PATH ||
                        row->id == TKP_OPT_SERVER_PROFILER_STOP_PATH;
        const struct tkp_setting *s = may_hide ? tkp_settings_get(settings, row->id) : NULL;
        for (; s; s = s->next)
            if (strstr(s->text, TKP_REDACTED))
                return tkp_fail(
                    error, TOKPERF_E_INVALID,
                    "%s: the value is redacted; give the real one, for instance with %s", s->origin,
                    row->flag);
    }
    return TOKPERF_OK;
}

static tokperf_status build(const struct tkp_settings *settings, bool may_hide,
                            struct tkp_plan *plan, struct tokperf_error *error)
{
    tokperf_status status = may_hide ? TOKPERF_OK : check_not_redacted(settings, error);
    if (!status)
        status = tkp_resolve_endpoint(settings, plan, error);
    if (!status)
        status = tkp_resolve_sources(settings, plan, error);
    if (!status)
        status = tkp_resolve_connection(settings, plan, error);
    if (!status)
        status = tkp_resolve_headers(settings, plan, error);
    if (!status)
        status = tkp_resolve_server(settings, plan, error);
    if (!status)
        status = tkp_resolve_dataset(settings, plan, error);
    if (!status)
        status = tkp_resolve_token(settings, plan, error);
    if (!status)
        status = tkp_resolve_load(settings, plan, error);
    if (!status)
        status = tkp_resolve_transport(settings, plan, error);
    if (!status)
        status = tkp_resolve_output(settings, plan, error);
    return status ? status : tkp_resolve_documents(plan, error);
}

tokperf_status tkp_config_resolve(const struct tkp_config_input *input, struct tkp_plan *plan,
                                  struct tokperf_error *error)
{
    struct tkp_command_line line;
    tkp_arena_init(&plan->arena, ARENA_MAX_BYTES);
    struct tkp_settings *settings = tkp_arena_alloc(&plan->arena, sizeof *settings);
    if (!settings)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the configuration");
    tokperf_status status =
        tkp_command_line_parse(input->argc, input->argv, &plan->arena, &line, error);
    if (!status)
        status = tkp_settings_init(settings, &plan->arena, error);
    if (!status)
        status = merge(input, &line, settings, error);
    if (!status)
        status = build(settings, input->config_text != NULL, plan, error);
    plan->cli_command = line.command;
    plan->config_file = line.config_file ? line.config_file : input->config_file;
    /* A value of the user that no file, limit or rule took is still the user's to correct. */
    return status == TOKPERF_OK || status == TOKPERF_E_NO_MEMORY ? status : TOKPERF_E_INVALID;
}

tokperf_status tkp_resolve_documents(struct tkp_plan *plan, struct tokperf_error *error)
{
    struct tkp_buffer json, yaml;
    tkp_buffer_init(&json, ARENA_MAX_BYTES);
    tkp_buffer_init(&yaml, ARENA_MAX_BYTES);
    tkp_document_plan(plan, TOKPERF_JSON_INDENT, &json);
    tkp_document_yaml(tkp_buffer_span(&json), &yaml);
    plan->input_config_json = tkp_arena_copy(&plan->arena, json.data, json.len);
    plan->config_yaml = tkp_arena_copy(&plan->arena, yaml.data, yaml.len);
    bool is_large = yaml.len > TKP_YAML_MAX_BYTES; /* `report` and -f must be able to read it */
    bool failed = json.failed || yaml.failed || !plan->input_config_json || !plan->config_yaml;
    tkp_buffer_finish(&json);
    tkp_buffer_finish(&yaml);
    if (failed)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the resolved configuration");
    if (is_large)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "the resolved configuration is larger than 1 MiB; give less in "
                        "--extra-inputs, --header or --set");
    return TOKPERF_OK;
}

void tkp_plan_finish(struct tkp_plan *plan)
{
    tkp_arena_finish(&plan->arena);
    *plan = (struct tkp_plan){0};
}

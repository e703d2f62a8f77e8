/* SPDX-License-Identifier: Apache-2.0 */
/* Name and kind of a file's phases. [main] */
#include <config/file_phases.h>

#include <base/error.h>
#include <config/phase_list.h>
#include <string.h>

static tokperf_status no_memory(const struct tkp_file *file)
{
    return tkp_fail(file->error, TOKPERF_E_NO_MEMORY, "no memory for the configuration");
}

/* *text is the label's text, or NULL when the phase has none of that key. */
static tokperf_status label_of(const struct tkp_file *file, const struct tkp_yaml_node *phase,
                               const char *where, const char *key, const char **text)
{
    const struct tkp_yaml_node *label = tkp_yaml_get(phase, key);
    *text = label ? label->text : NULL;
    if (label && label->kind != TKP_YAML_SCALAR)
        return tkp_yaml_fail(file->yaml, label, file->error, "%s.%s: expected text, found %s",
                             where, key, tkp_yaml_kind_name(label));
    return TOKPERF_OK;
}

static tokperf_status check_name(const struct tkp_file *file, const struct tkp_yaml_node *at,
                                 const char *where, const char *name)
{
    const struct tkp_settings *settings = file->settings;
    if (!tkp_phase_name_is_valid(name))
        return tkp_yaml_fail(file->yaml, at, file->error,
                             "%s: '%.64s' cannot name a phase: expected a letter or _, then "
                             "letters, digits, _ and -, at most %d characters, and not 'total'",
                             where, name, TKP_PHASE_NAME_MAX);
    for (uint32_t i = 0; i < settings->phase_count; i++)
        if (strcmp(settings->phases[i].name, name) == 0)
            return tkp_yaml_fail(file->yaml, at, file->error,
                                 "%s: there is a phase named '%s' already, at %s; give each a name "
                                 "of its own",
                                 where, name, settings->phases[i].origin);
    return TOKPERF_OK;
}

/* The key of a mapping, or the member `name`, or the kind. */
static tokperf_status name_of(const struct tkp_file *file, const struct tkp_yaml_node *phase,
                              const char *where, const char *kind, const char **name)
{
    const struct tkp_yaml_node *label = tkp_yaml_get(phase, "name");
    tokperf_status status = label_of(file, phase, where, "name", name);
    if (status)
        return status;
    if (phase->key && *name && strcmp(phase->key, *name) != 0)
        return tkp_yaml_fail(file->yaml, label, file->error,
                             "%s.name: the mapping calls the phase '%s'; leave the name out", where,
                             phase->key);
    if (!*name)
        *name = phase->key ? phase->key : kind ? kind : "profiling";
    return check_name(file, label ? label : phase, where, *name);
}

static tokperf_status is_warmup(const struct tkp_file *file, const struct tkp_yaml_node *phase,
                                const char *where, const char *kind, const char *name, bool *result)
{
    *result = strcmp(kind ? kind : name, "warmup") == 0;
    if (!kind || *result || strcmp(kind, "profiling") == 0)
        return TOKPERF_OK;
    return tkp_yaml_fail(file->yaml, tkp_yaml_get(phase, "kind"), file->error,
                         "%s.kind: '%.64s' is not one of warmup, profiling", where, kind);
}

static tokperf_status append(const struct tkp_file *file, const struct tkp_yaml_node *phase,
                             const char *where, struct tkp_phase_settings **made)
{
    struct tkp_settings *settings = file->settings;
    if (settings->phase_count == TKP_PLAN_MAX_PHASES)
        return tkp_yaml_fail(file->yaml, phase, file->error, "%s: a run has at most %d phases",
                             where, TKP_PLAN_MAX_PHASES);
    if (!settings->phases)
        settings->phases =
            tkp_arena_alloc(settings->arena, TKP_PLAN_MAX_PHASES * sizeof *settings->phases);
    if (!settings->phases)
        return no_memory(file);
    *made = &settings->phases[settings->phase_count];
    **made = (struct tkp_phase_settings){.values = {.arena = settings->arena}};
    (*made)->origin = tkp_arena_printf(settings->arena, "%s:%u:%u: %s", file->yaml->name,
                                       phase->line, phase->column, where);
    return (*made)->origin ? TOKPERF_OK : no_memory(file);
}

tokperf_status tkp_file_phase_begin(const struct tkp_file *file, const struct tkp_yaml_node *phase,
                                    const char *where, struct tkp_phase_settings **made)
{
    const char *kind, *name = NULL;
    if (phase->kind != TKP_YAML_MAP)
        return tkp_yaml_fail(file->yaml, phase, file->error, "%s: expected a mapping, found %s",
                             where, tkp_yaml_kind_name(phase));
    tokperf_status status = append(file, phase, where, made);
    if (!status)
        status = label_of(file, phase, where, "kind", &kind);
    if (!status)
        status = name_of(file, phase, where, kind, &name);
    if (!status)
        status = is_warmup(file, phase, where, kind, name, &(*made)->is_warmup);
    if (status)
        return status;
    (*made)->is_named = phase->key || tkp_yaml_get(phase, "name");
    (*made)->name = tkp_arena_copy(file->settings->arena, name, strlen(name));
    file->settings->phase_count++;
    return (*made)->name ? TOKPERF_OK : no_memory(file);
}

tokperf_status tkp_file_phase_end(const struct tkp_file *file, struct tkp_phase_settings *phase)
{
    const enum tkp_option_id id = TKP_OPT_FAILED_REQUEST_THRESHOLD;
    struct tkp_setting *given = phase->values.first[id];
    const struct tkp_setting *before = tkp_settings_given(file->settings, id);
    if (!given)
        return TOKPERF_OK;
    if (before)
        return tkp_fail(file->error, TOKPERF_E_INVALID,
                        "%s: it is one for the whole run, and was given at %s; write it at one "
                        "phase",
                        given->origin, before->origin);
    file->settings->first[id] = given;
    phase->values.first[id] = NULL;
    return TOKPERF_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Running exporter plugins; see export.h. */
#include <report/export.h>

#include <base/error.h>
#include <base/log.h>
#include <tokperf/exporter.h>

static const struct tokperf_exporter_vtable *vtable_of(const struct tkp_instance *instance)
{
    return instance->vtable;
}

tokperf_status tkp_exports_create(const struct tkp_plan *plan, const struct tkp_registry *registry,
                                  const struct tokperf_host *host, bool skip_unknown,
                                  struct tkp_exports *exports, struct tokperf_error *error)
{
    *exports = (struct tkp_exports){.count = 0};
    if (plan->exporter_count > TKP_EXPORT_MAX)
        return tkp_fail(error, TOKPERF_E_LIMIT, "--exporter: %u were named, the limit is %d",
                        plan->exporter_count, TKP_EXPORT_MAX);
    for (uint32_t i = 0; i < plan->exporter_count; i++) {
        struct tkp_instance *made = NULL;
        tokperf_status status =
            tkp_instance_create(registry, "exporter", plan->exporters[i], plan->settings,
                                plan->setting_count, host, &made, error);
        if (status == TOKPERF_E_NOT_FOUND && skip_unknown) {
            tkp_log(TKP_LOG_WARNING,
                    "the exporter '%s' of the run is left out: %s; name its file "
                    "with --plugin or --registry",
                    plan->exporters[i], error->message);
            continue;
        }
        if (status == TOKPERF_E_NOT_FOUND && plan->exporter_origins)
            tkp_error_prefix(error, "%s", plan->exporter_origins[i]);
        if (status != TOKPERF_OK)
            return status;
        if (plan->export_level == TKP_EXPORT_SUMMARY &&
            (vtable_of(made)->flags & TOKPERF_EXPORT_RECORDS))
            tkp_instance_destroy(made);
        else
            exports->instances[exports->count++] = made;
    }
    return TOKPERF_OK;
}

void tkp_exports_drop_records(struct tkp_exports *exports)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < exports->count; i++) {
        struct tkp_instance *instance = exports->instances[i];
        if (!(vtable_of(instance)->flags & TOKPERF_EXPORT_RECORDS)) {
            exports->instances[kept++] = instance;
            continue;
        }
        tkp_log(TKP_LOG_WARNING, "exporter '%s' is left out: there is no record log to read",
                instance->name);
        tkp_instance_destroy(instance);
    }
    exports->count = kept;
}

void tkp_exports_finish(struct tkp_exports *exports)
{
    for (uint32_t i = exports->count; i-- > 0;)
        tkp_instance_destroy(exports->instances[i]);
    exports->count = 0;
}

static tokperf_status run_one(const struct tkp_instance *instance,
                              const struct tokperf_summary *summary, struct tkp_cursor *cursor,
                              struct tokperf_error *error)
{
    tkp_cursor_rewind(cursor);
    tkp_crash_note = instance->plugin_id;
    tokperf_status status =
        vtable_of(instance)->export_run(instance->self, summary, tkp_cursor_api(cursor), error);
    tkp_crash_note = NULL;
    if (status == TOKPERF_OK)
        return status;
    tkp_error_prefix(error, "exporter '%s'", instance->name);
    tkp_log(TKP_LOG_ERROR, "%s", error->message);
    return status;
}

/* Runs those whose flags, of the mask, are these. */
static tokperf_status run_matching(const struct tkp_exports *exports, uint32_t mask, uint32_t flags,
                                   const struct tokperf_summary *summary, struct tkp_cursor *cursor,
                                   struct tokperf_error *error)
{
    tokperf_status first = TOKPERF_OK;
    for (uint32_t i = 0; i < exports->count; i++) {
        const struct tkp_instance *instance = exports->instances[i];
        struct tokperf_error failure = {0};
        if ((vtable_of(instance)->flags & mask) != flags)
            continue;
        tokperf_status status = run_one(instance, summary, cursor, &failure);
        if (status == TOKPERF_OK || first != TOKPERF_OK)
            continue;
        first = status;
        if (error)
            *error = failure;
    }
    return first;
}

tokperf_status tkp_exports_run(const struct tkp_exports *exports,
                               const struct tokperf_summary *summary, struct tkp_cursor *cursor,
                               struct tokperf_error *error)
{
    const uint32_t terminal = TOKPERF_EXPORT_TERMINAL;
    struct tokperf_error failure = {0};
    tokperf_status first = run_matching(exports, terminal, 0, summary, cursor, error);
    tokperf_status second =
        run_matching(exports, terminal, terminal, summary, cursor, first ? &failure : error);
    return first ? first : second;
}

bool tkp_exports_want_phases(const struct tkp_exports *exports)
{
    for (uint32_t i = 0; i < exports->count; i++)
        if (vtable_of(exports->instances[i])->flags & TOKPERF_EXPORT_PHASES)
            return true;
    return false;
}

tokperf_status tkp_exports_run_phase(const struct tkp_exports *exports,
                                     const struct tokperf_summary *summary,
                                     struct tkp_cursor *cursor, struct tokperf_error *error)
{
    return run_matching(exports, TOKPERF_EXPORT_PHASES, TOKPERF_EXPORT_PHASES, summary, cursor,
                        error);
}

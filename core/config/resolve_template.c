/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint.template, and the extra inputs payload_template and response_field that AIPerf gives the
 * same with, as options of the endpoint types that have them: template and raw. [main]
 */
#include <config/resolve_parts.h>

#include <base/error.h>
#include <base/json_scan.h>
#include <base/text.h>
#include <string.h>

static const struct {
    enum tkp_option_id id;
    const char *extra; /* its name among the extra inputs */
    const char *key;   /* of the component's option */
} rows[] = {
    {TKP_OPT_TEMPLATE_BODY, "payload_template", "body"},
    {TKP_OPT_RESPONSE_FIELD, "response_field", "response_field"},
};
enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

static bool is_template(const struct tkp_plan *plan)
{
    return strcmp(plan->endpoint_type, "template") == 0;
}

static bool has_option(const struct tkp_plan *plan, size_t row)
{
    bool is_raw = strcmp(plan->endpoint_type, "raw") == 0;
    return is_template(plan) || (is_raw && rows[row].id == TKP_OPT_RESPONSE_FIELD);
}

bool tkp_resolve_is_template_extra(const struct tkp_plan *plan, const char *key)
{
    for (size_t i = 0; i < ROW_COUNT; i++)
        if (strcmp(rows[i].extra, key) == 0 && has_option(plan, i))
            return true;
    return false;
}

/* The text of a JSON string, or another value as it stands. */
static const char *text_of(const char *value, struct tkp_arena *arena)
{
    struct tokperf_json scan;
    uint64_t len = 0;
    tkp_json_open(&scan, value, strlen(value));
    if (tkp_json_next(&scan) != TOKPERF_JSON_STRING)
        return value;
    char *text = tkp_arena_alloc(arena, 3 * scan.text.len + 1); /* zeroed */
    if (!text || tkp_json_unescape(scan.text, text, 3 * scan.text.len, &len) != TOKPERF_OK)
        return NULL;
    return text;
}

static tokperf_status add(struct tkp_plan *plan, struct tkp_plugin_setting *list, size_t row,
                          const char *value, const char *origin, struct tokperf_error *error)
{
    if (!value)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plan");
    list[plan->setting_count++] =
        (struct tkp_plugin_setting){plan->endpoint_type, rows[row].key, value, origin};
    return TOKPERF_OK;
}

tokperf_status tkp_resolve_template(const struct tkp_settings *settings, struct tkp_plan *plan,
                                    struct tkp_plugin_setting *list, struct tokperf_error *error)
{
    tokperf_status status = TOKPERF_OK;
    for (size_t i = 0; i < ROW_COUNT && !status; i++) {
        const struct tkp_setting *s = tkp_settings_given(settings, rows[i].id);
        if (s && !has_option(plan, i))
            status = tkp_fail(error, TOKPERF_E_INVALID, "%s: needs --endpoint-type template%s",
                              s->origin, i ? " or raw" : "");
        else if (s)
            status = add(plan, list, i, s->text, s->origin, error);
    }
    for (const struct tkp_setting *s = tkp_settings_get(settings, TKP_OPT_EXTRA); s && !status;
         s = s->next)
        for (size_t i = 0; i < ROW_COUNT && !status; i++)
            if (strcmp(rows[i].extra, s->key) == 0 && has_option(plan, i))
                status = add(plan, list, i, text_of(s->text, &plan->arena), s->origin, error);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of every request: the user's, and one Authorization out of three sources. [main] */
#include <config/resolve_parts.h>

#include <base/error.h>
#include <base/text.h>
#include <config/authorization.h>
#include <string.h>

struct headers {
    struct tkp_header *list;
    uint32_t count;
};

static tokperf_status no_memory(struct tokperf_error *error)
{
    return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the plan");
}

/* The user-info that every URL carries, or NULL. URLs that differ cannot share one header. */
static tokperf_status shared_user_info(const struct tkp_settings *settings,
                                       const struct tkp_plan *plan, const char **user_info,
                                       struct tokperf_error *error)
{
    *user_info = plan->urls[0].user_info;
    for (uint32_t i = 1; i < plan->url_count; i++) {
        const char *other = plan->urls[i].user_info;
        bool same =
            (!other && !*user_info) || (other && *user_info && strcmp(other, *user_info) == 0);
        if (!same)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: the URLs have different user-info; all must have the same or none",
                            tkp_settings_get(settings, TKP_OPT_URL)->origin);
    }
    return TOKPERF_OK;
}

static tokperf_status add(struct headers *headers, const char *value, enum tkp_header_source source,
                          struct tokperf_error *error)
{
    if (!value)
        return no_memory(error);
    headers->list[headers->count++] = (struct tkp_header){
        .name = "Authorization", .value = value, .secret = true, .source = source};
    return TOKPERF_OK;
}

/* The credential's header, unless another one is there already. */
static tokperf_status add_authorization(const struct tkp_settings *settings, struct tkp_plan *plan,
                                        struct headers *headers, struct tokperf_error *error)
{
    const struct tkp_setting *key = tkp_settings_given(settings, TKP_OPT_API_KEY);
    const char *user_info;
    tokperf_status status = shared_user_info(settings, plan, &user_info, error);
    if (status)
        return status;
    const char *origin = key         ? key->origin
                         : user_info ? tkp_settings_get(settings, TKP_OPT_URL)->origin
                                     : NULL;
    for (uint32_t i = 0; origin && i < headers->count; i++)
        if (tkp_span_is_nocase(tkp_span(headers->list[i].name), "Authorization"))
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: there is an Authorization header already; give one credential",
                            origin);
    if (key && user_info)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: the URL has user-info already; give one credential", origin);
    if (key)
        return add(headers, tkp_authorization_bearer(key->text, &plan->arena), TKP_HEADER_API_KEY,
                   error);
    if (user_info)
        return add(headers, tkp_authorization_basic(user_info, &plan->arena), TKP_HEADER_USER_INFO,
                   error);
    return TOKPERF_OK;
}

tokperf_status tkp_resolve_headers(const struct tkp_settings *settings, struct tkp_plan *plan,
                                   struct tokperf_error *error)
{
    struct headers headers = {0};
    uint32_t count = tkp_settings_count(settings, TKP_OPT_HEADERS);
    headers.list = tkp_arena_alloc(&plan->arena, (count + 1) * sizeof *headers.list);
    if (!headers.list)
        return no_memory(error);
    for (const struct tkp_setting *s = tkp_settings_get(settings, TKP_OPT_HEADERS); s; s = s->next)
        headers.list[headers.count++] =
            (struct tkp_header){.name = s->key,
                                .value = s->text,
                                .secret = tkp_text_is_secret_name(tkp_span(s->key)),
                                .source = TKP_HEADER_GIVEN};
    tokperf_status status = add_authorization(settings, plan, &headers, error);
    plan->headers = headers.list;
    plan->header_count = headers.count;
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of every request: the user's, and one Authorization out of three sources. [main] */
#include <config/resolve_parts.h>

#include <base/error.h>
#include <base/files.h>
#include <base/text.h>
#include <config/authorization.h>
#include <string.h>

enum { KEY_MAX_BYTES = 64 * 1024 };

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

/* The key that the file holds: its one line. */
static tokperf_status read_key(const struct tkp_setting *file, struct tkp_plan *plan,
                               const char **key, struct tokperf_error *error)
{
    struct tkp_buffer text;
    tkp_buffer_init(&text, KEY_MAX_BYTES + 1);
    tokperf_status status = tkp_files_read(file->text, KEY_MAX_BYTES, 0, &text, error);
    if (status)
        tkp_error_prefix(error, "%s", file->origin);
    struct tokperf_span line = tkp_span_trim(tkp_buffer_span(&text));
    while (line.len && (line.data[line.len - 1] == '\n' || line.data[line.len - 1] == '\r'))
        line.len--;
    bool plain = line.len > 0;
    for (uint64_t i = 0; i < line.len; i++)
        plain = plain && (unsigned char)line.data[i] > 0x20 && line.data[i] != 0x7f;
    if (!status && !plain)
        status =
            tkp_fail(error, TOKPERF_E_INVALID,
                     "%s: '%s' holds no key, or a space or line break in it; write the key and "
                     "nothing else into the file",
                     file->origin, file->text);
    *key = status ? NULL : tkp_arena_copy(&plan->arena, line.data, line.len);
    tkp_buffer_finish(&text);
    return status || *key ? status : no_memory(error);
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
    const struct tkp_setting *file = tkp_settings_given(settings, TKP_OPT_API_KEY_FILE);
    const char *user_info, *text = key ? key->text : NULL;
    tokperf_status status = shared_user_info(settings, plan, &user_info, error);
    if (!status && key && file)
        status = tkp_fail(error, TOKPERF_E_INVALID, "%s: %s gives a key already; leave one out",
                          file->origin, key->origin);
    if (!status && file)
        status = read_key(file, plan, &text, error);
    if (status)
        return status;
    key = key ? key : file;
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
        return add(headers, tkp_authorization_bearer(text, &plan->arena), TKP_HEADER_API_KEY,
                   error);
    if (user_info)
        return add(headers, tkp_authorization_basic(user_info, &plan->arena), TKP_HEADER_USER_INFO,
                   error);
    return TOKPERF_OK;
}

/* The header's name goes into every request head as it is. */
static tokperf_status resolve_session(const struct tkp_settings *settings, struct tkp_plan *plan,
                                      struct tokperf_error *error)
{
    static const char *const others[] = {
        "X-Request-ID", "X-Session-Affinity", "Host",   "Content-Length", "Content-Type",
        "Connection",   "Transfer-Encoding",  "Accept", "Authorization"};
    const struct tkp_setting *name = tkp_settings_get(settings, TKP_OPT_SESSION_HEADER);
    bool good = name->text[0] != '\0';
    for (const char *p = name->text; good && *p; p++) /* tchar of RFC 9110, 5.6.2 */
        good = (*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z') ||
               strchr("!#$%&'*+-.^_`|~", *p);
    if (!good)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: '%s' is no name of a header, such as X-Session-ID", name->origin,
                        name->text);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (tkp_span_is_nocase(tkp_span(name->text), others[i]))
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: '%s' is sent with another meaning; choose another name",
                            name->origin, name->text);
    plan->session_header = name->text;
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
    return status ? status : resolve_session(settings, plan, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <config/secret_values.h>

#include <base/error.h>
#include <base/text.h>
#include <string.h>

struct values {
    struct tokperf_span *list;
    uint32_t count;
};

static void add(struct values *values, struct tokperf_span value)
{
    value = tkp_span_trim(value);
    if (value.len)
        values->list[values->count++] = value;
}

/* "Bearer X" is a scheme, which every text about credentials names, and the secret X. */
static void add_header(struct values *values, const struct tkp_header *header)
{
    struct tokperf_span name = tkp_span(header->name);
    bool has_scheme = tkp_span_is_nocase(name, "Authorization") ||
                      tkp_span_is_nocase(name, "Proxy-Authorization");
    const char *space = has_scheme ? strchr(header->value, ' ') : NULL;
    add(values, tkp_span(space ? space + 1 : header->value));
}

static void add_user_info(struct values *values, const char *user_info)
{
    const char *colon = strchr(user_info, ':');
    add(values, tkp_span(user_info));
    if (colon)
        add(values, tkp_span(colon + 1));
}

static void add_member(struct values *values, struct tokperf_span key, struct tokperf_span value)
{
    if (!tkp_text_is_secret_name(key))
        return;
    if (value.len >= 2 && value.data[0] == '"') /* JSON text */
        value = (struct tokperf_span){value.data + 1, value.len - 2};
    add(values, value);
}

/* How many members the queries of the paths have at most. */
static size_t count_members(const char *const *paths, size_t count)
{
    size_t members = 0;
    for (size_t i = 0; i < count; i++)
        for (const char *p = paths[i]; p && *p; p++)
            members += *p == '?' || *p == '&';
    return members;
}

/* The values of secret names in a path's query, as they stand there. */
static void add_query(struct values *values, const char *path)
{
    const char *at = path ? strchr(path, '?') : NULL;
    while (at) {
        const char *member = at + 1;
        size_t len = strcspn(member, "&#");
        const char *equals = memchr(member, '=', len);
        if (equals)
            add_member(values, (struct tokperf_span){member, (uint64_t)(equals - member)},
                       (struct tokperf_span){equals + 1, (uint64_t)(member + len - equals - 1)});
        at = member[len] == '&' ? member + len : NULL;
    }
}

tokperf_status tkp_secret_values(const struct tkp_plan *plan, struct tkp_arena *arena,
                                 const struct tokperf_span **list, uint32_t *count,
                                 struct tokperf_error *error)
{
    const char *const paths[] = {plan->endpoint_path, plan->reset_kv_cache.path,
                                 plan->server_profiler.path, plan->server_profiler.stop_path};
    const size_t path_count = sizeof paths / sizeof paths[0];
    size_t most = count_members(paths, path_count) + (size_t)plan->header_count +
                  (size_t)2 * plan->url_count + plan->extra_count + plan->setting_count + 3;
    struct values values = {.list = tkp_arena_alloc(arena, most * sizeof *values.list)};
    if (!values.list)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the list of secrets");
    for (uint32_t i = 0; i < plan->header_count; i++)
        if (plan->headers[i].secret)
            add_header(&values, &plan->headers[i]);
    for (uint32_t i = 0; i < plan->url_count; i++)
        if (plan->urls[i].user_info)
            add_user_info(&values, plan->urls[i].user_info);
    if (plan->proxy && plan->proxy->url.user_info)
        add_user_info(&values, plan->proxy->url.user_info);
    for (uint32_t i = 0; i < plan->extra_count; i++)
        add_member(&values, plan->extra[i].key, plan->extra[i].json);
    for (uint32_t i = 0; i < plan->setting_count; i++)
        add_member(&values, tkp_span(plan->settings[i].key), tkp_span(plan->settings[i].value));
    for (size_t i = 0; i < path_count; i++)
        add_query(&values, paths[i]);
    *list = values.list;
    *count = values.count;
    return TOKPERF_OK;
}

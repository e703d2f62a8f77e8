/* SPDX-License-Identifier: Apache-2.0 */
/* Members of map options out of one text. No state. [main] */
#include <config/members.h>

#include <base/buffer.h>
#include <base/error.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <config/redact.h>
#include <string.h>

/* Names stay below what a YAML key on one line may have (libyaml: 1024). */
enum { MAX_TEXT_BYTES = 1 << 20, MAX_KEY_BYTES = 256 };

struct target {
    struct tkp_settings *settings;
    const struct tkp_option *option;
    enum tkp_layer layer;
    const char *origin;
    struct tokperf_error *error;
};

static tokperf_status no_memory(struct tokperf_error *error)
{
    return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the configuration");
}

/* text as a JSON string, quotes included; NULL without memory. */
static const char *json_string(const char *text, struct tkp_arena *arena)
{
    struct tkp_buffer out;
    tkp_buffer_init(&out, 6 * strlen(text) + 16); /* \u00XX is the longest escape */
    struct tokperf_sink sink = tkp_buffer_sink(&out);
    struct tokperf_json_writer w;
    tkp_json_writer_service.open(&w, &sink, 0);
    tkp_json_writer_service.string(&w, tkp_span(text));
    const char *copy = out.failed ? NULL : tkp_arena_copy(arena, out.data, out.len);
    tkp_buffer_finish(&out);
    return copy;
}

static bool is_json(const char *text)
{
    struct tokperf_json scan;
    uint32_t token;
    tkp_json_open(&scan, text, strlen(text));
    do
        token = tkp_json_next(&scan);
    while (token > TOKPERF_JSON_ERROR);
    return token == TOKPERF_JSON_END;
}

/* A JSON value written again by one of redact.h's; NULL without memory. */
static const char *rewrite(struct tokperf_span value,
                           void (*write)(struct tokperf_span, struct tokperf_json_writer *),
                           struct tkp_arena *arena)
{
    struct tkp_buffer out;
    tkp_buffer_init(&out, (size_t)6 * MAX_TEXT_BYTES);
    struct tokperf_sink sink = tkp_buffer_sink(&out);
    struct tokperf_json_writer w;
    tkp_json_writer_service.open(&w, &sink, 0);
    write(value, &w);
    const char *copy = out.failed ? NULL : tkp_arena_copy(arena, tkp_buffer_text(&out), out.len);
    tkp_buffer_finish(&out);
    return copy;
}

/* What is between a JSON string's quotes as plain text; NULL: a NUL inside or no memory. */
static const char *unescape(struct tokperf_span raw, struct tkp_arena *arena)
{
    uint64_t capacity = 3 * raw.len + 1, len = 0;
    char *out = tkp_arena_alloc(arena, capacity);
    if (!out || tkp_json_unescape(raw, out, capacity - 1, &len) || memchr(out, 0, len))
        return NULL;
    out[len] = '\0';
    return out;
}

static tokperf_status add(const struct target *t, const char *key, const char *text)
{
    if (!key || !text)
        return no_memory(t->error);
    return tkp_settings_add_member(t->settings, t->option, t->layer, t->origin, key, text,
                                   t->error);
}

/* A member's JSON value as this option keeps it: extra inputs as JSON, others as plain text. */
static const char *value_of(const struct target *t, struct tokperf_span raw)
{
    struct tkp_arena *arena = t->settings->arena;
    if (t->option->type == TKP_TYPE_JSON)
        return rewrite(raw, tkp_compact_json, arena);
    if (raw.len && raw.data[0] == '"')
        return unescape((struct tokperf_span){raw.data + 1, raw.len - 2}, arena);
    return tkp_arena_copy(arena, raw.data, raw.len);
}

static tokperf_status add_object(const struct target *t, const char *text)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, text, strlen(text));
    uint32_t token;
    (void)tkp_json_next(&scan); /* {, which the caller has seen */
    while ((token = tkp_json_next(&scan)) == TOKPERF_JSON_KEY) {
        const char *key = unescape(scan.text, t->settings->arena);
        struct tokperf_span raw;
        if (tkp_json_skip(&scan, &raw))
            break;
        bool is_nested = raw.data[0] == '{' || raw.data[0] == '[' || raw.data[0] == 'n';
        if (t->option->type != TKP_TYPE_JSON && is_nested)
            return tkp_fail(t->error, TOKPERF_E_INVALID, "%s: the value of '%s' must be text",
                            t->origin, key ? key : "");
        tokperf_status status = add(t, key, value_of(t, raw));
        if (status)
            return status;
    }
    if (token == TOKPERF_JSON_OBJECT_END && tkp_json_next(&scan) == TOKPERF_JSON_END)
        return TOKPERF_OK;
    return tkp_fail(t->error, TOKPERF_E_INVALID, "%s: not a JSON object: %s at byte %llu",
                    t->origin, tkp_json_error_text(&scan), (unsigned long long)scan.error_offset);
}

/* "left<separator>right", trimmed. */
static bool cut(const char *text, char separator, struct tkp_arena *arena, const char **left,
                const char **right)
{
    const char *at = strchr(text, separator);
    if (!at)
        return false;
    struct tokperf_span a = tkp_span_trim((struct tokperf_span){text, (uint64_t)(at - text)});
    struct tokperf_span b = tkp_span_trim(tkp_span(at + 1));
    *left = tkp_arena_copy(arena, a.data, a.len);
    *right = tkp_arena_copy(arena, b.data, b.len);
    return true;
}

static tokperf_status add_pair(const struct target *t, const char *text, const char *form)
{
    const char *key = NULL, *value = NULL;
    struct tkp_arena *arena = t->settings->arena;
    if (!cut(text, t->option->id == TKP_OPT_SET ? '=' : ':', arena, &key, &value))
        return tkp_fail(t->error, TOKPERF_E_INVALID, "%s: the value is not of the form %s",
                        t->origin, form);
    if (value && t->option->type == TKP_TYPE_JSON)
        value = is_json(value) ? rewrite(tkp_span(value), tkp_compact_json, arena)
                               : json_string(value, arena);
    return add(t, key, value);
}

static tokperf_status add_words(const struct target *t, const char *text)
{
    const char *p = text + strspn(text, " \t");
    if (!*p)
        return tkp_fail(t->error, TOKPERF_E_INVALID, "%s: needs tag:value, found nothing",
                        t->origin);
    while (*p) {
        size_t len = strcspn(p, " \t");
        const char *word = tkp_arena_copy(t->settings->arena, p, len);
        tokperf_status status =
            word ? add_pair(t, word, "\"tag:value tag:value\"") : no_memory(t->error);
        if (status)
            return status;
        p += len;
        p += strspn(p, " \t");
    }
    return TOKPERF_OK;
}

tokperf_status tkp_members_add(struct tkp_settings *settings, const struct tkp_option *option,
                               enum tkp_layer layer, const char *origin, const char *text,
                               struct tokperf_error *error)
{
    struct target t = {settings, option, layer, origin, error};
    if (strlen(text) > MAX_TEXT_BYTES)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: longer than 1 MiB", origin);
    if (!tkp_text_is_utf8(text, strlen(text)))
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: the value is not UTF-8", origin);
    if (option->id == TKP_OPT_SLOS)
        return add_words(&t, text);
    if (option->id == TKP_OPT_SET)
        return add_pair(&t, text, "NAME.KEY=VALUE");
    if (text[strspn(text, " \t\r\n")] == '{')
        return add_object(&t, text + strspn(text, " \t\r\n"));
    return add_pair(&t, text,
                    option->id == TKP_OPT_HEADERS ? "'Name: value'" : "key:value or a JSON object");
}

static tokperf_status check_header(const char *origin, const char *name,
                                   struct tokperf_error *error)
{
    /* Framing, routing and content are the worker's and the endpoint's; a second one of these
     * would make a request that means two things (RFC 9112, section 6.3). */
    static const char *const own[] = {
        "Host",   "Content-Length", "Transfer-Encoding", "Connection",   "Upgrade", "TE", "Trailer",
        "Expect", "Accept",         "Accept-Encoding",   "Content-Type", NULL};
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"; /* RFC 9110, section 5.6.2 */
    if (!name[0] || name[strspn(name, token)])
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: what stands before the ':' is not the name of a header", origin);
    for (size_t i = 0; own[i]; i++)
        if (tkp_span_is_nocase(tkp_span(name), own[i]))
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "%s: the header '%s' is set by tokperf itself; leave it out", origin,
                            name);
    return TOKPERF_OK;
}

tokperf_status tkp_members_check_key(const struct tkp_option *option, const char *origin,
                                     const char *key, struct tokperf_error *error)
{
    if (option->id == TKP_OPT_HEADERS)
        return check_header(origin, key, error);
    if (option->id == TKP_OPT_SLOS && key[strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_.")])
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: '%s' is not a metric's tag, as in time_to_first_token:200", origin,
                        key);
    if (!key[0])
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: a value without a name before it", origin);
    if (strlen(key) > MAX_KEY_BYTES)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: a name longer than 256 bytes", origin);
    const char *dot = strrchr(key, '.');
    if (option->id == TKP_OPT_SET && (!dot || dot == key || !dot[1]))
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "%s: '%s' is not of the form NAME.KEY, as in json.indent=2", origin, key);
    return TOKPERF_OK;
}

/* JSON without its secrets, on one line; TKP_REDACTED when it is not JSON. */
static const char *redact_json(const char *text, struct tkp_arena *arena)
{
    return is_json(text) ? rewrite(tkp_span(text), tkp_redact_json, arena) : TKP_REDACTED;
}

const char *tkp_members_redact(const struct tkp_option *option, const char *text,
                               struct tkp_arena *arena)
{
    if (!(option->flags & TKP_OPTION_SECRET))
        return text;
    if (!(option->flags & TKP_OPTION_MAP))
        return TKP_REDACTED;
    if (text[strspn(text, " \t\r\n")] == '{' && option->id != TKP_OPT_SET)
        return redact_json(text, arena);
    size_t len = strcspn(text, option->id == TKP_OPT_SET ? "=" : ":");
    if (!text[len])
        return TKP_REDACTED;
    struct tokperf_span name = tkp_span_trim((struct tokperf_span){text, len});
    int shown = (int)len + 1; /* the separator too */
    if (tkp_text_is_secret_name(name))
        return tkp_arena_printf(arena, "%.*s" TKP_REDACTED, shown, text);
    const char *value = text + shown;
    const char first = value[strspn(value, " \t\r\n")];
    if (option->type != TKP_TYPE_JSON || (first != '{' && first != '['))
        return text;
    const char *safe = redact_json(value, arena);
    return safe ? tkp_arena_printf(arena, "%.*s%s", shown, text, safe) : NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of a run: `--flag value`, `--flag=value`, `-x value`, flags without value. [main]
 */
#include <config/command_line.h>

#include <base/buffer.h>
#include <base/error.h>
#include <base/text.h>
#include <config/members.h>
#include <config/redact.h>
#include <string.h>

enum { MAX_COMMAND_BYTES = 4 << 20, MAX_FLAG_BYTES = 128, MAX_ARGUMENTS = 65536 };

struct reader {
    const char *const *next, *const *end;
    struct tkp_arena *arena;
    struct tkp_command_line *line;
    struct tkp_buffer command;
    unsigned verbosity;
    const char *verbosity_origin;
    struct tokperf_error *error;
};

static void put_quoted(struct tkp_buffer *out, const char *text)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "@%+=:,./_-";
    tkp_buffer_puts(out, " ");
    if (text[0] && !text[strspn(text, safe)]) {
        tkp_buffer_puts(out, text);
        return;
    }
    tkp_buffer_puts(out, "'");
    for (const char *p = text; *p; p++)
        if (*p == '\'')
            tkp_buffer_puts(out, "'\\''");
        else
            tkp_buffer_append(out, p, 1);
    tkp_buffer_puts(out, "'");
}

/* A --url or --endpoint value: each URL of its list without user-info and secret query values. */
static const char *redact_urls(const char *text, struct tkp_arena *arena)
{
    struct tkp_buffer out;
    tkp_buffer_init(&out, MAX_COMMAND_BYTES);
    for (const char *p = text;; p++) {
        size_t len = strcspn(p, ",");
        const char *url = tkp_arena_copy(arena, p, len);
        char shown[4096];
        if (url && tkp_text_redact_url(shown, sizeof shown, url) < sizeof shown)
            tkp_buffer_puts(&out, shown);
        else
            tkp_buffer_puts(&out, TKP_REDACTED);
        p += len;
        if (!*p)
            break;
        tkp_buffer_puts(&out, ",");
    }
    const char *copy = tkp_arena_copy(arena, tkp_buffer_text(&out), out.len);
    tkp_buffer_finish(&out);
    return copy;
}

static const char *redact_command(const char *text, struct tkp_arena *arena)
{
    struct tkp_buffer out;
    tkp_buffer_init(&out, MAX_COMMAND_BYTES);
    tkp_redact_command(text, &out);
    const char *copy = out.failed ? NULL : tkp_arena_copy(arena, tkp_buffer_text(&out), out.len);
    tkp_buffer_finish(&out);
    return copy;
}

/* Options whose values are URLs or paths of the server: a query may hold a key. */
static bool has_query(enum tkp_option_id id)
{
    return id == TKP_OPT_URL || id == TKP_OPT_ENDPOINT_PATH || id == TKP_OPT_RESET_KV_CACHE_PATH ||
           id == TKP_OPT_SERVER_PROFILER_START_PATH || id == TKP_OPT_SERVER_PROFILER_STOP_PATH;
}

static void put_item(struct reader *r, const struct tkp_command_line_item *item, bool has_value)
{
    put_quoted(&r->command, item->origin);
    if (!has_value)
        return;
    enum tkp_option_id id = item->option->id;
    const char *shown = NULL;
    if (has_query(id))
        shown = redact_urls(item->text, r->arena);
    else if (id == TKP_OPT_COLLECTORS)
        shown = redact_command(item->text, r->arena);
    else if (id != TKP_OPT_PROXY)
        shown = tkp_members_redact(item->option, item->text, r->arena);
    else if (!strchr(item->text, '@')) /* without credentials */
        shown = item->text;
    put_quoted(&r->command, shown ? shown : TKP_REDACTED);
}

static tokperf_status unknown(const char *flag, struct tokperf_error *error)
{
    struct tkp_option_flags_list flags;
    tkp_options_flags(&flags);
    const char *closest = tkp_text_closest(flag, flags.names);
    if (closest)
        return tkp_fail(error, TOKPERF_E_INVALID, "%s: unknown option; did you mean '%s'?", flag,
                        closest);
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "%s: unknown option; 'tokperf help profile' lists them", flag);
}

static tokperf_status needs_value(const struct tkp_option *option, const char *flag,
                                  struct tokperf_error *error)
{
    char name[128];
    tkp_options_value_name(option, name, sizeof name);
    return tkp_fail(error, TOKPERF_E_INVALID, "%s: needs a value: %s", flag, name);
}

static tokperf_status keep(struct reader *r, const struct tkp_option *option, const char *flag,
                           const char *text, bool has_value)
{
    struct tkp_command_line_item item = {option, flag, text};
    put_item(r, &item, has_value);
    if (option->id != TKP_OPT_CONFIG) {
        r->line->items[r->line->item_count++] = item;
        return TOKPERF_OK;
    }
    if (r->line->config_file)
        return tkp_fail(r->error, TOKPERF_E_INVALID, "%s: given twice", flag);
    r->line->config_file = text;
    return text[0] ? TOKPERF_OK : needs_value(option, flag, r->error);
}

static tokperf_status on_boolean(struct reader *r, const struct tkp_option *option,
                                 const char *flag, const char *attached)
{
    bool takes_none = option->id == TKP_OPT_VERBOSE || option->flags & TKP_OPTION_OFF;
    if (attached && takes_none)
        return tkp_fail(r->error, TOKPERF_E_INVALID, "%s: takes no value", flag);
    if (option->id == TKP_OPT_VERBOSE) {
        bool is_double = strcmp(flag, "-v") != 0 && strcmp(flag, "--verbose") != 0;
        r->verbosity += is_double ? 2 : 1;
        r->verbosity_origin = flag;
        put_quoted(&r->command, flag);
        return TOKPERF_OK;
    }
    if (attached)
        return keep(r, option, flag, attached, true);
    return keep(r, option, flag, option->flags & TKP_OPTION_OFF ? "false" : "true", false);
}

static tokperf_status on_argument(struct reader *r, const char *argument)
{
    if (argument[0] != '-' || !argument[1])
        return tkp_fail(r->error, TOKPERF_E_INVALID,
                        "unexpected argument '%.200s': options begin with --", argument);
    size_t len = strcspn(argument, "=");
    const char *attached = argument[len] ? argument + len + 1 : NULL;
    const char *flag =
        tkp_arena_copy(r->arena, argument, len < MAX_FLAG_BYTES ? len : MAX_FLAG_BYTES);
    if (!flag)
        return tkp_fail(r->error, TOKPERF_E_NO_MEMORY, "no memory for the arguments");
    const struct tkp_option *option = tkp_options_by_flag(flag);
    if (!option)
        return unknown(flag, r->error);
    if (option->type == TKP_TYPE_BOOLEAN)
        return on_boolean(r, option, flag, attached);
    if (attached)
        return keep(r, option, flag, attached, true);
    if (r->next == r->end || tkp_options_by_flag(*r->next))
        return needs_value(option, flag, r->error);
    return keep(r, option, flag, *r->next++, true);
}

/* -v counts; the sum stands for a --log-level. */
static void add_verbosity(struct reader *r)
{
    if (r->verbosity)
        r->line->items[r->line->item_count++] =
            (struct tkp_command_line_item){tkp_options_row(TKP_OPT_LOG_LEVEL), r->verbosity_origin,
                                           r->verbosity > 1 ? "debug" : "info"};
}

tokperf_status tkp_command_line_parse(int argc, const char *const *argv, struct tkp_arena *arena,
                                      struct tkp_command_line *line, struct tokperf_error *error)
{
    struct reader r = {.next = argv,
                       .end = argc > 0 ? argv + argc : argv,
                       .arena = arena,
                       .line = line,
                       .error = error};
    *line = (struct tkp_command_line){0};
    if (argc < 0 || argc > MAX_ARGUMENTS)
        return tkp_fail(error, TOKPERF_E_INVALID, "more than 65536 arguments");
    line->items = tkp_arena_alloc(arena, ((size_t)argc + 1) * sizeof *line->items);
    if (!line->items)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the arguments");
    tkp_buffer_init(&r.command, MAX_COMMAND_BYTES);
    tkp_buffer_puts(&r.command, "tokperf profile");
    tokperf_status status = TOKPERF_OK;
    while (!status && r.next < r.end)
        status = on_argument(&r, *r.next++);
    if (!status)
        add_verbosity(&r);
    line->command = tkp_arena_copy(arena, tkp_buffer_text(&r.command), r.command.len);
    if (!status && (!line->command || r.command.failed))
        status = tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the arguments");
    tkp_buffer_finish(&r.command);
    return status;
}

tokperf_status tkp_command_line_apply(const struct tkp_command_line *line,
                                      struct tkp_settings *settings, struct tokperf_error *error)
{
    tokperf_status status = TOKPERF_OK;
    for (uint32_t i = 0; !status && i < line->item_count; i++)
        status = tkp_settings_add(settings, line->items[i].option, TKP_LAYER_FLAG,
                                  line->items[i].origin, line->items[i].text, error);
    return status;
}

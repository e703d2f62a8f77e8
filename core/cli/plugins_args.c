/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments of `tokperf plugins`: a command word, an operand and a few flags, in any order, as
 * --flag value or --flag=value.
 */
#include <cli/plugins_args.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/text.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_TIMEOUT_S = 10, ARENA_BYTES = 1024 * 1024 };

static const char *const commands[] = {"list", "show", "check", "dirs", "check-child", NULL};

/* Which commands a flag belongs to, as bits of the table above. */
enum { LIST = 1, SHOW = 2, CHECK = 4, DIRS = 8, CHILD = 16 };

enum flag {
    FLAG_FORMAT,
    FLAG_EXPLAIN,
    FLAG_FIXTURES,
    FLAG_TIMEOUT,
    FLAG_SET,
    FLAG_PLUGIN,
    FLAG_REGISTRY
};

static const struct {
    const char *name;
    unsigned commands;
    bool has_value;
} flags[] = {
    [FLAG_FORMAT] = {"--format", LIST | SHOW | CHECK, true},
    [FLAG_EXPLAIN] = {"--explain", LIST, false},
    [FLAG_FIXTURES] = {"--fixtures", CHECK | CHILD, true},
    [FLAG_TIMEOUT] = {"--timeout", CHECK, true},
    [FLAG_SET] = {"--set", CHECK | CHILD, true},
    [FLAG_PLUGIN] = {"--plugin", LIST | SHOW, true},
    [FLAG_REGISTRY] = {"--registry", LIST | SHOW, true},
};
enum { FLAG_COUNT = sizeof flags / sizeof flags[0] };

static unsigned command_bit(const char *command)
{
    for (unsigned i = 0; command != NULL && commands[i] != NULL; i++)
        if (strcmp(commands[i], command) == 0)
            return 1u << i;
    return 0;
}

static tokperf_status take_format(struct tkp_plugins_args *args, const char *value,
                                  struct tokperf_error *error)
{
    static const char *const names[] = {"text", "json", "tap", NULL};
    bool is_check = command_bit(args->command) == CHECK;
    args->format_name = value;
    for (unsigned i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], value) == 0 && (i != 2 || is_check)) {
            args->format = (enum tkp_plugins_format)(TKP_PLUGINS_TEXT + i);
            return TOKPERF_OK;
        }
    return tkp_fail(error, TOKPERF_E_INVALID, "--format: '%s' is not one of text, %sjson", value,
                    is_check ? "tap, " : "");
}

static tokperf_status take_set(struct tkp_plugins_args *args, const char *text,
                               struct tokperf_error *error)
{
    const char *equals = strchr(text, '=');
    const char *dot = NULL;
    for (const char *c = text; equals != NULL && c < equals; c++)
        if (*c == '.')
            dot = c; /* the last one before the value: full ids hold dots too */
    if (dot == NULL || dot == text || dot + 1 == equals)
        return tkp_fail(error, TOKPERF_E_INVALID, "--set: '%s' is not NAME.key=value", text);
    struct tkp_plugin_setting *s = &args->settings[args->setting_count];
    *s = (struct tkp_plugin_setting){
        .component = tkp_arena_copy(&args->arena, text, (size_t)(dot - text)),
        .key = tkp_arena_copy(&args->arena, dot + 1, (size_t)(equals - dot - 1)),
        .value = equals + 1,
        .origin = "--set",
    };
    if (s->component == NULL || s->key == NULL)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the arguments");
    args->set_texts[args->setting_count++] = text;
    return TOKPERF_OK;
}

static tokperf_status take_flag(struct tkp_plugins_args *args, enum flag flag, const char *value,
                                struct tokperf_error *error)
{
    switch (flag) {
    case FLAG_FORMAT:
        return take_format(args, value, error);
    case FLAG_EXPLAIN:
        args->explain = true;
        return TOKPERF_OK;
    case FLAG_FIXTURES:
        args->fixtures = value;
        return TOKPERF_OK;
    case FLAG_TIMEOUT:
        if (!tkp_text_to_duration(value, &args->timeout_ns) || args->timeout_ns == 0)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "--timeout: '%s' is not a duration such as 10 or 500ms", value);
        return TOKPERF_OK;
    case FLAG_SET:
        return take_set(args, value, error);
    case FLAG_PLUGIN:
        args->plugin_files[args->plugin_file_count++] = value;
        return TOKPERF_OK;
    case FLAG_REGISTRY:
        args->registry_files[args->registry_file_count++] = value;
        return TOKPERF_OK;
    }
    return tkp_fail(error, TOKPERF_E_INTERNAL, "a flag without a meaning");
}

static tokperf_status unknown_flag(const struct tkp_plugins_args *args, const char *word,
                                   struct tokperf_error *error)
{
    const char *names[FLAG_COUNT + 1];
    unsigned count = 0;
    for (unsigned i = 0; i < FLAG_COUNT; i++)
        if ((flags[i].commands & command_bit(args->command)) != 0)
            names[count++] = flags[i].name;
    names[count] = NULL;
    const char *closest = tkp_text_closest(word, names);
    return tkp_fail(error, TOKPERF_E_INVALID, "tokperf plugins %s has no flag %s%s%s%s",
                    args->command != NULL ? args->command : "", word,
                    closest != NULL ? "; did you mean '" : "", closest != NULL ? closest : "",
                    closest != NULL ? "'?" : "");
}

static tokperf_status read_flag(struct tkp_plugins_args *args, int argc, char **argv, int *index,
                                struct tokperf_error *error)
{
    const char *word = argv[*index];
    size_t len = strcspn(word, "=");
    for (unsigned i = 0; i < FLAG_COUNT; i++) {
        bool applies = args->command == NULL || (flags[i].commands & command_bit(args->command));
        if (strlen(flags[i].name) != len || memcmp(flags[i].name, word, len) != 0 || !applies)
            continue;
        bool joined = word[len] == '=';
        const char *value = joined ? word + len + 1 : "";
        if (!flags[i].has_value && joined)
            return tkp_fail(error, TOKPERF_E_INVALID, "%s takes no value", flags[i].name);
        if (flags[i].has_value && !joined && *index + 1 < argc)
            value = argv[++*index];
        if (flags[i].has_value && value[0] == '\0')
            return tkp_fail(error, TOKPERF_E_INVALID, "%s needs a value", flags[i].name);
        return take_flag(args, (enum flag)i, value, error);
    }
    return unknown_flag(args, word, error);
}

static tokperf_status take_word(struct tkp_plugins_args *args, const char *word,
                                struct tokperf_error *error)
{
    if (args->command == NULL) {
        args->command = word;
        if (command_bit(word) != 0)
            return TOKPERF_OK;
        static const char *const shown[] = {"list", "show", "check", "dirs", NULL};
        const char *closest = tkp_text_closest(word, shown);
        if (closest != NULL)
            return tkp_fail(error, TOKPERF_E_INVALID,
                            "tokperf plugins has no command '%s'; did you mean '%s'?", word,
                            closest);
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "tokperf plugins has no command '%s', only list, show, check and dirs",
                        word);
    }
    bool wants = (command_bit(args->command) & (SHOW | CHECK | CHILD)) != 0;
    if (!wants || args->operand != NULL)
        return tkp_fail(error, TOKPERF_E_INVALID,
                        "tokperf plugins %s: '%s' is one argument too many", args->command, word);
    args->operand = word;
    return TOKPERF_OK;
}

tokperf_status tkp_plugins_args_parse(int argc, char **argv, struct tkp_plugins_args *args,
                                      struct tokperf_error *error)
{
    *args = (struct tkp_plugins_args){.format = TKP_PLUGINS_TEXT,
                                      .format_name = "text",
                                      .timeout_ns = DEFAULT_TIMEOUT_S * TKP_NS_PER_S};
    tkp_arena_init(&args->arena, ARENA_BYTES);
    if (argc > TKP_PLUGINS_ARGS_MAX)
        return tkp_fail(error, TOKPERF_E_LIMIT, "tokperf plugins: more than %d arguments",
                        TKP_PLUGINS_ARGS_MAX);
    tokperf_status status = TOKPERF_OK;
    for (int i = 0; status == TOKPERF_OK && i < argc; i++)
        status = argv[i][0] == '-' ? read_flag(args, argc, argv, &i, error)
                                   : take_word(args, argv[i], error);
    if (status != TOKPERF_OK)
        return status;
    if ((command_bit(args->command) & (SHOW | CHECK | CHILD)) != 0 && args->operand == NULL)
        return tkp_fail(error, TOKPERF_E_INVALID, "tokperf plugins %s needs %s", args->command,
                        command_bit(args->command) == SHOW ? "the NAME of a component"
                                                           : "the path of a FILE.so");
    return TOKPERF_OK;
}

void tkp_plugins_args_finish(struct tkp_plugins_args *args)
{
    tkp_arena_finish(&args->arena);
}

tokperf_status tkp_plugins_args_open(const struct tkp_plugins_args *args,
                                     struct tkp_registry **registry, struct tokperf_error *error)
{
    const struct tkp_registry_options options = {
        .plugin_files = args->plugin_files,
        .plugin_file_count = args->plugin_file_count,
        .registry_files = args->registry_files,
        .registry_file_count = args->registry_file_count,
        .environment = (const char *const *)environ,
    };
    return tkp_registry_open(&options, registry, error);
}

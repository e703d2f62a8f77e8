/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries create with many values of the options, and many times. Memory is measured with mallinfo2,
 * so a plugin with an allocator of its own is not seen; sanitizers measure better themselves.
 */
#include <cli/plugins_check_options.h>

#include <base/error.h>
#include <base/text.h>
#include <cli/plugins_check_request.h>
#include <malloc.h>
#include <plugin/option.h>
#include <stdio.h>
#include <string.h>

enum {
    CREATES = 100,
    WARM_UP_CREATES = 10,
    LEAK_BYTES_PER_CREATE = 16, /* less than the smallest allocation: rounding is no leak */
    MAX_SETTINGS = TKP_PLUGINS_ARGS_MAX + 257,
    FUZZ_ARENA_BYTES = 4 * 1024 * 1024,
    LONG_VALUE_BYTES = 16 * 1024
};

/* The settings that are tried: those of --set, samples for required rows, and one that varies. */
struct trial {
    struct tkp_plugin_setting settings[MAX_SETTINGS];
    uint32_t count;
};

static const char *const texts[] = {
    "",      "0",     "1",   "-1",       "true", "false",
    "x",     "1e308", "nan", "10ms",     "1KiB", "../../etc/passwd",
    "%s%n",  "\"",    "{}",  "\xc3\xa4", "/",    "9223372036854775807",
    "a=b.c", "\t\n",  "~",   "http://",  "0x10", "-9223372036854775808"};
enum { TEXT_COUNT = sizeof texts / sizeof texts[0] };

static const char *sample_of(const struct tokperf_option *row, struct tkp_arena *arena)
{
    char number[32];
    switch (row->type) {
    case TOKPERF_OPTION_ENUM:
        return row->choices[0];
    case TOKPERF_OPTION_BOOL:
        return "false";
    case TOKPERF_OPTION_STRING:
    case TOKPERF_OPTION_LIST:
        return "sample";
    case TOKPERF_OPTION_PATH:
        return "/dev/null";
    default: /* numbers */
        if ((row->flags & TOKPERF_OPTION_RANGE) == 0)
            return "1";
        tkp_text_from_double(number, sizeof number, row->minimum);
        return tkp_arena_copy(arena, number, strlen(number));
    }
}

static bool is_set_by_user(const struct tkp_check_subject *s, const char *key)
{
    const struct tkp_plugins_args *args = s->check->args;
    for (uint32_t i = 0; i < args->setting_count; i++)
        if (strcmp(args->settings[i].component, s->component->name) == 0 &&
            strcmp(args->settings[i].key, key) == 0)
            return true;
    return false;
}

static void add(struct trial *trial, const char *component, const char *key, const char *value)
{
    trial->settings[trial->count++] =
        (struct tkp_plugin_setting){component, key, value, "plugins check"};
}

static void begin_trial(struct tkp_check_subject *s, struct trial *trial)
{
    const struct tkp_plugins_args *args = s->check->args;
    trial->count = 0;
    for (uint32_t i = 0; i < args->setting_count; i++)
        trial->settings[trial->count++] = args->settings[i];
    for (size_t i = 0; s->component->options != NULL && s->component->options[i] != NULL; i++) {
        const struct tokperf_option *row = s->component->options[i];
        if ((row->flags & TOKPERF_OPTION_REQUIRED) == 0 || is_set_by_user(s, row->key))
            continue;
        const char *sample = sample_of(row, &s->arena);
        if (sample != NULL)
            add(trial, s->component->name, row->key, sample);
    }
}

static tokperf_status resolve(const struct tkp_check_subject *s, const struct trial *trial,
                              struct tkp_arena *arena, const struct tokperf_config **config,
                              struct tokperf_error *error)
{
    const struct tkp_option_input input = {trial->settings, trial->count, s->component->name, NULL};
    return tkp_option_resolve(s->component->options, &input, arena, config, error);
}

/* One create with one value of one option. What our own typing refuses never reaches the plugin. */
static void try_value(struct tkp_check_subject *s, struct trial *trial,
                      const struct tokperf_option *row, const char *value)
{
    struct tkp_arena arena;
    struct tokperf_error error;
    const struct tokperf_config *config = NULL;
    tkp_check_alive(s->check);
    tkp_arena_init(&arena, FUZZ_ARENA_BYTES);
    uint32_t before = trial->count;
    add(trial, s->component->name, row->key, value);
    if (resolve(s, trial, &arena, &config, &error) == TOKPERF_OK) {
        void *self = NULL;
        tokperf_status status = tkp_check_create(s->check, s->component, config, &self, &error);
        if (status == TOKPERF_OK)
            tkp_check_destroy(s->component, self);
        else if (error.message[0] == '\0')
            tkp_check_finding(s->check, "create refuses %s = \"%.40s\" without a sentence",
                              row->key, value);
    }
    trial->count = before;
    tkp_arena_finish(&arena);
}

static void try_row(struct tkp_check_subject *s, struct trial *trial,
                    const struct tokperf_option *row)
{
    char number[32];
    static char long_value[LONG_VALUE_BYTES + 1];
    memset(long_value, 'x', LONG_VALUE_BYTES);
    for (size_t i = 0; i < TEXT_COUNT; i++)
        try_value(s, trial, row, texts[i]);
    try_value(s, trial, row, long_value);
    for (size_t i = 0; row->choices != NULL && row->choices[i] != NULL; i++)
        try_value(s, trial, row, row->choices[i]);
    if ((row->flags & TOKPERF_OPTION_RANGE) != 0) {
        tkp_text_from_double(number, sizeof number, row->minimum);
        try_value(s, trial, row, number);
        tkp_text_from_double(number, sizeof number, row->maximum);
        try_value(s, trial, row, number);
    }
}

static struct trial trial; /* large; one at a time */

tokperf_status tkp_check_config(struct tkp_check_subject *s, const struct tokperf_member *options,
                                uint32_t count, const struct tokperf_config **config,
                                struct tokperf_error *error)
{
    begin_trial(s, &trial);
    for (uint32_t i = 0; i < count && trial.count < MAX_SETTINGS; i++) {
        const char *key = tkp_arena_copy(&s->arena, options[i].key.data, options[i].key.len);
        const char *value = tkp_check_request_text(options[i].json, &s->arena);
        if (key == NULL || value == NULL)
            return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the options of a fixture");
        add(&trial, s->component->name, key, value);
    }
    return resolve(s, &trial, &s->arena, config, error);
}

void tkp_check_options(struct tkp_check_subject *s)
{
    struct tokperf_error error;
    const struct tokperf_config *config = NULL;
    tkp_check_step(s->check, "%s %s: options", s->kind, s->component->name);
    begin_trial(s, &trial);
    if (resolve(s, &trial, &s->arena, &config, &error) != TOKPERF_OK) {
        tkp_check_finding(s->check, "%s", error.message);
        return;
    }
    for (size_t i = 0; s->component->options != NULL && s->component->options[i] != NULL; i++)
        try_row(s, &trial, s->component->options[i]);
    void *self = NULL;
    if (tkp_check_create(s->check, s->component, config, &self, &error) == TOKPERF_OK) {
        tkp_check_destroy(s->component, self);
        s->config = config;
    } else if (error.message[0] == '\0') {
        tkp_check_finding(s->check, "create fails without a sentence");
    } else {
        tkp_check_finding(s->check, "create fails: %s; give it what it needs with --set",
                          error.message);
    }
}

static uint64_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return (uint64_t)info.uordblks + (uint64_t)info.hblkhd;
}

static bool create_some(struct tkp_check_subject *s, unsigned count)
{
    struct tokperf_error error;
    for (unsigned i = 0; i < count; i++) {
        void *self = NULL;
        tkp_check_alive(s->check);
        if (tkp_check_create(s->check, s->component, s->config, &self, &error) != TOKPERF_OK) {
            tkp_check_finding(s->check, "create worked before and now fails: %s", error.message);
            return false;
        }
        tkp_check_destroy(s->component, self);
    }
    return true;
}

static void two_at_once(struct tkp_check_subject *s)
{
    struct tokperf_error error;
    void *first = NULL;
    void *second = NULL;
    if (tkp_check_create(s->check, s->component, s->config, &first, &error) != TOKPERF_OK)
        return;
    tokperf_status status = tkp_check_create(s->check, s->component, s->config, &second, &error);
    if (status != TOKPERF_OK)
        tkp_check_finding(s->check, "a second instance beside the first fails: %s", error.message);
    tkp_check_destroy(s->component, first); /* in the order of creation: no stack discipline */
    if (status == TOKPERF_OK)
        tkp_check_destroy(s->component, second);
}

void tkp_check_lifecycle(struct tkp_check_subject *s)
{
    tkp_check_step(s->check, "%s %s: lifecycle", s->kind, s->component->name);
    if (!create_some(s, WARM_UP_CREATES))
        return;
    uint64_t before = heap_bytes();
    if (!create_some(s, CREATES))
        return;
    uint64_t after = heap_bytes();
    if (after > before && after - before >= (uint64_t)CREATES * LEAK_BYTES_PER_CREATE)
        tkp_check_finding(s->check, "each create leaves %llu bytes behind after destroy",
                          (unsigned long long)((after - before) / CREATES));
    two_at_once(s);
}

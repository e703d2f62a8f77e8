/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tokperf events [DIR] [--topic TOPIC]... [--format text|jsonl]`: what a live run says on its bus,
 * a line for each event.
 */
#include <cli/commands.h>

#include <base/error.h>
#include <base/log.h>
#include <base/text.h>
#include <cli/events_follow.h>
#include <cli/output.h>
#include <run/exit_code.h>
#include <run/interrupt.h>

enum { ARENA_MAX_BYTES = 256 * 1024 * 1024 /* of every run.json below artifacts */ };

struct arguments {
    const char *dir; /* NULL: the newest */
    uint32_t topics;
    enum tkp_event_format format;
};

static int take_topic(struct arguments *a, const char *name)
{
    const char *names[TKP_TOPIC_COUNT + 1] = {NULL};
    enum tkp_topic topic = tkp_topic_find(tkp_span(name));
    for (int i = 0; i < TKP_TOPIC_COUNT; i++)
        names[i] = tkp_topic_name((enum tkp_topic)i);
    if (topic == TKP_TOPIC_COUNT)
        return tkp_output_unknown("topic", name, names);
    a->topics |= 1u << topic;
    return TKP_EXIT_OK;
}

static int take_format(struct arguments *a, const char *name)
{
    static const char *const names[] = {"text", "jsonl", NULL};
    for (int i = 0; names[i]; i++)
        if (strcmp(name, names[i]) == 0) {
            a->format = (enum tkp_event_format)(i + TKP_EVENT_TEXT);
            return TKP_EXIT_OK;
        }
    return tkp_output_unknown("format", name, names);
}

/* used: how many words it takes. */
static int take_flag(struct arguments *a, const char *word, const char *next, int *used)
{
    static const char *const names[] = {"--topic", "--format", NULL};
    size_t len = strcspn(word, "=");
    const char *value = word[len] ? word + len + 1 : next;
    int i = 0;
    while (names[i] && (strlen(names[i]) != len || memcmp(names[i], word, len) != 0))
        i++;
    *used = word[len] ? 1 : 2;
    if (!names[i]) {
        char flag[64];
        tkp_text_copy(flag, sizeof flag, (struct tokperf_span){word, len});
        return tkp_output_unknown("flag of events", flag, names);
    }
    if (!value || !*value) {
        tkp_log(TKP_LOG_ERROR, "%s needs a value: %s", names[i],
                i == 0 ? "session, phase, sample or snapshot" : "text or jsonl");
        return TKP_EXIT_USAGE;
    }
    return i == 0 ? take_topic(a, value) : take_format(a, value);
}

static int parse(struct arguments *a, int argc, char **argv)
{
    int code = TKP_EXIT_OK;
    for (int i = 0, used; i < argc && code == TKP_EXIT_OK; i += used) {
        used = 1;
        if (argv[i][0] == '-') {
            code = take_flag(a, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used);
        } else if (a->dir) {
            tkp_log(TKP_LOG_ERROR, "events takes one directory: tokperf events [DIR] "
                                   "[--topic TOPIC]... [--format text|jsonl]");
            code = TKP_EXIT_USAGE;
        } else {
            a->dir = argv[i];
        }
    }
    if (!a->topics)
        a->topics = (1u << TKP_TOPIC_COUNT) - 1;
    return code;
}

static int run(struct arguments *a, struct tkp_arena *arena)
{
    struct tkp_run_file file;
    struct tokperf_error error = {0};
    tokperf_status status = tkp_interrupt_install(&error);
    if (status == TOKPERF_OK && !a->dir) {
        a->dir = tkp_events_newest_run(arena);
        if (!a->dir)
            status = tkp_fail(&error, TOKPERF_E_INVALID,
                              "no run goes on below artifacts; name the directory of one: tokperf "
                              "events DIR");
    }
    if (status == TOKPERF_OK)
        status = tkp_events_open_run(a->dir, arena, &file, &error);
    if (status != TOKPERF_OK)
        return tkp_output_refuse(status, &error);
    return tkp_events_follow(a->dir, &file, a->topics, a->format);
}

int tkp_cmd_events(int argc, char **argv)
{
    struct arguments arguments = {.format = TKP_EVENT_TEXT};
    struct tkp_arena arena;
    int code = parse(&arguments, argc, argv);
    if (code != TKP_EXIT_OK)
        return code;
    tkp_arena_init(&arena, ARENA_MAX_BYTES);
    code = run(&arguments, &arena);
    tkp_arena_finish(&arena);
    return code;
}

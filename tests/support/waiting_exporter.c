/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exporter that a test holds and ends as it likes. In the folder that TKP_TEST_EXPORTER names it
 * makes the file `begun`, reads the requests over and over until there is a file `go`, and does
 * what that says: "ok", "fail" or "crash". Without the folder it does nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tokperf/exporter.h>

enum { PATIENCE_S = 120, PAUSE_NS = 1000 * 1000, PATH_BYTES = 512, WORD_BYTES = 16 };

static tokperf_status create(const struct tokperf_host *host, const struct tokperf_config *config,
                             void **self, struct tokperf_error *error)
{
    static char nothing;
    (void)host;
    (void)config;
    (void)error;
    *self = &nothing;
    return TOKPERF_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static tokperf_status fail(struct tokperf_error *error, const char *why)
{
    snprintf(error->message, sizeof error->message, "%s", why);
    return error->status = TOKPERF_E_IO;
}

static int announce(const char *folder)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/begun", folder);
    FILE *file = fopen(path, "w");
    return file && fclose(file) == 0;
}

/* "": not yet. The test puts the file there whole. */
static void read_word(const char *folder, char word[WORD_BYTES])
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/go", folder);
    FILE *file = fopen(path, "r");
    word[0] = '\0';
    if (file) {
        size_t got = fread(word, 1, WORD_BYTES - 1, file);
        word[got] = '\0';
        fclose(file);
    }
}

static void read_requests(const struct tokperf_cursor *cursor)
{
    const struct tokperf_record *record;
    struct tokperf_error ignored;
    cursor->rewind(cursor->context);
    while (cursor->next(cursor->context, &record, &ignored) == TOKPERF_OK)
        ;
}

static tokperf_status export_run(void *self, const struct tokperf_summary *summary,
                                 const struct tokperf_cursor *cursor, struct tokperf_error *error)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_NS};
    const char *folder = getenv("TKP_TEST_EXPORTER");
    const time_t begin = time(NULL);
    char word[WORD_BYTES];
    (void)self;
    (void)summary;
    if (!folder)
        return TOKPERF_OK;
    if (!announce(folder))
        return fail(error, "nobody can be told that it begins");
    for (read_word(folder, word); !word[0]; read_word(folder, word)) {
        if (time(NULL) - begin > PATIENCE_S)
            return fail(error, "nobody said go");
        read_requests(cursor);
        nanosleep(&pause, NULL);
    }
    if (strcmp(word, "crash") == 0)
        __builtin_trap();
    return strcmp(word, "ok") == 0 ? TOKPERF_OK : fail(error, "it was told to fail");
}

static const struct tokperf_exporter_vtable vtable = {
    .struct_size = sizeof vtable,
    .create = create,
    .destroy = destroy,
    .export_run = export_run,
};

static const struct tokperf_component component = {
    .struct_size = sizeof component,
    .kind = TOKPERF_KIND_EXPORTER,
    .name = "waiting",
    .summary = "Ends when a test says so",
    .vtable = &vtable,
};

static const struct tokperf_component *const components[] = {&component, NULL};

static const struct tokperf_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TOKPERF_ABI_MINOR,
    .id = "org.tokperf.test.waiting",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "An exporter for tests",
    .components = components,
};

TOKPERF_PLUGIN(plugin)

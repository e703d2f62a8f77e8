/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin that is broken in one way, which -DBROKEN=<way> chooses. Everything else is right, so
 * that the sentence about it is about that one way.
 */
#include <tokperf/endpoint.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The numbers count the ways of tests/abi/CMakeLists.txt. */
#define GOOD              0
#define WRONG_ABI         1
#define MISSING_SYMBOL    2
#define NULL_DESCRIPTOR   3
#define SMALL_DESCRIPTOR  4
#define NEWER_HOST        5
#define BAD_ID            6
#define SMALL_VTABLE      7
#define MISSING_MEMBER    8
#define WRONG_KIND        9
#define OTHER_KIND        10
#define FAILING_CREATE    11
#define SILENT_CREATE     12
#define NEEDS_SERVICE     13
#define BAD_OPTION        14
#define CRASHES           15
#define SPINS             16
#define LEAKS             17
#define CRASHES_ON_BYTES  18
#define NOT_DETERMINISTIC 19
#define NO_COMPONENTS     20
#define LATE_SYMBOL       21
#define EXPORTS           22
#define PRINTS            23
#define GROWN             24 /* not broken: structs of a later minor version */
#define SLOW              25 /* an event takes 150 ms of the worker's time */
#define ALIGNED           26 /* its state needs more than the 16 that the SDK promises */
#define SILENT            27 /* closes what it could say something to, and does not come back */

#if BROKEN == LEAKS
extern void *last_lost; /* not static, so that the compiler keeps the allocation */
void *last_lost;
#endif

#if BROKEN == EXPORTS
TOKPERF_EXPORT extern int stray_symbol;
int stray_symbol = 1;
#endif

#if BROKEN == LATE_SYMBOL
extern int tokperf_a_symbol_that_nobody_defines(void);
#endif

static tokperf_status create(const struct tokperf_host *host, const struct tokperf_config *config,
                             void **self, struct tokperf_error *error)
{
    (void)host;
    (void)config;
    *self = NULL;
    if (BROKEN == FAILING_CREATE) {
        static const char text[] = "the moon\nis not full";
        memcpy(error->message, text, sizeof text);
        return TOKPERF_E_INVALID;
    }
    if (BROKEN == SILENT_CREATE)
        return TOKPERF_E_NO_MEMORY;
#if BROKEN == CRASHES
    __builtin_trap();
#elif BROKEN == SPINS || BROKEN == SILENT
    for (int fd = 0; BROKEN == SILENT && fd < 16; fd++)
        (void)close(fd);
    for (;;)
        (void)usleep(1000);
#elif BROKEN == LEAKS
    last_lost = malloc(64 * 1024);
    if (last_lost != NULL)
        memset(last_lost, 1, 64 * 1024);
#elif BROKEN == PRINTS
    static const char hello[] = "hello\n";
    if (write(STDOUT_FILENO, hello, sizeof hello - 1) < 0)
        return TOKPERF_E_IO;
#elif BROKEN == LATE_SYMBOL
    return (tokperf_status)tokperf_a_symbol_that_nobody_defines();
#endif
    return TOKPERF_OK;
}

static void destroy(void *self)
{
    (void)self;
}

static tokperf_status describe(const void *self, struct tokperf_endpoint_info *info,
                               struct tokperf_error *error)
{
    static const char path[] = "/v1/broken";
    static const char title[] = "Broken Metrics";
    (void)self;
    (void)error;
    info->inputs = TOKPERF_INPUT_TEXT;
    info->stream_framing = TOKPERF_FRAMING_WHOLE;
    info->whole_framing = TOKPERF_FRAMING_WHOLE;
    memcpy(info->path, path, sizeof path);
    memcpy(info->title, title, sizeof title);
    return TOKPERF_OK;
}

static tokperf_status format(const void *self, const struct tokperf_request *request,
                             const struct tokperf_request_sink *sink, struct tokperf_error *error)
{
    static char digit = '0';
    (void)self;
    (void)error;
    (void)request;
    sink->body(sink->context, "{\"n\": ", 6);
    sink->body(sink->context, &digit, 1);
    sink->body(sink->context, "}", 1);
    if (BROKEN == NOT_DETERMINISTIC)
        digit = digit == '9' ? '0' : (char)(digit + 1);
    return TOKPERF_OK;
}

static void begin(const void *self, void *state, uint32_t framing)
{
    (void)self;
    (void)state;
    (void)framing;
#if BROKEN == ALIGNED
    if ((uintptr_t)state % 32)
        abort();
#endif
}

#if BROKEN == SLOW
/* Takes 150 ms of the worker's time. */
static void dawdle(void)
{
    struct timespec now, begin;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < 150);
}
#endif

static tokperf_status event(const void *self, void *state, void *scratch,
                            const struct tokperf_event *e, const struct tokperf_emit *emit,
                            struct tokperf_error *error)
{
    (void)self;
    (void)state;
    (void)scratch;
    (void)error;
#if BROKEN == CRASHES_ON_BYTES
    if (e->data.len == 0 || e->data.data[0] != '{')
        __builtin_trap();
#endif
#if BROKEN == SLOW
    dawdle();
#endif
    emit->text(emit->context, TOKPERF_TEXT_OUTPUT, e->data, TOKPERF_ENCODING_RAW);
    return TOKPERF_OK;
}

static uint32_t finish(const void *self, void *state, void *scratch, uint32_t end,
                       const struct tokperf_emit *emit)
{
    (void)self;
    (void)state;
    (void)scratch;
    (void)emit;
    return end == TOKPERF_END_CUT ? TOKPERF_VERDICT_TRUNCATED : TOKPERF_VERDICT_OK;
}

static const struct tokperf_endpoint_vtable vtable = {
    .struct_size = BROKEN == SMALL_VTABLE ? 24 : sizeof vtable + (BROKEN == GROWN ? 64 : 0),
    .create = create,
    .destroy = destroy,
    .describe = describe,
    .format = format,
    .begin = begin,
    .event = BROKEN == MISSING_MEMBER ? NULL : event,
    .finish = finish,
};

static const struct tokperf_option mode = {.struct_size = sizeof mode,
                                           .type = BROKEN == BAD_OPTION ? TOKPERF_OPTION_ENUM
                                                                        : TOKPERF_OPTION_STRING,
                                           .key = "mode",
                                           .help = "Has no effect."};
static const struct tokperf_option *const options[] = {&mode, NULL};

#if BROKEN == WRONG_KIND
static const char kind[] = "tokperf.endpoint/7";
#elif BROKEN == OTHER_KIND
static const char kind[] = "acme.teapot/1";
#else
static const char kind[] = TOKPERF_KIND_ENDPOINT;
#endif

static const struct tokperf_component component = {sizeof component,  0,       kind,   "broken",
                                                   "A broken plugin", options, &vtable};
static const struct tokperf_component *const components[] = {
    BROKEN == NO_COMPONENTS ? NULL : &component, NULL};
static const char *const services[] = {BROKEN == NEEDS_SERVICE ? "teleport/1" : NULL, NULL};

static const struct tokperf_plugin plugin = {
    .struct_size = BROKEN == SMALL_DESCRIPTOR ? 8 : sizeof plugin + (BROKEN == GROWN ? 64 : 0),
    .abi_minor = TOKPERF_ABI_MINOR,
    .min_host_minor = BROKEN == NEWER_HOST ? 99 : 0,
    .id = BROKEN == BAD_ID ? "noDots" : "com.acme.broken",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "Broken on purpose",
    .components = components,
    .requires_services = services,
};

#if BROKEN == WRONG_ABI
TOKPERF_EXPORT const struct tokperf_plugin *tokperf_plugin_entry_v2(void);
const struct tokperf_plugin *tokperf_plugin_entry_v2(void)
{
    return &plugin;
}
#elif BROKEN == MISSING_SYMBOL
TOKPERF_EXPORT const struct tokperf_plugin *some_other_function(void);
const struct tokperf_plugin *some_other_function(void)
{
    return &plugin;
}
#elif BROKEN == NULL_DESCRIPTOR
TOKPERF_EXPORT const struct tokperf_plugin *tokperf_plugin_entry_v1(void);
const struct tokperf_plugin *tokperf_plugin_entry_v1(void)
{
    return plugin.struct_size == 0 ? &plugin : NULL;
}
#else
TOKPERF_PLUGIN(plugin)
#endif

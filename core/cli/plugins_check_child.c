/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the steps, the limits of the process, and the lines to the parent. */
#include <cli/plugins_check_child.h>

#include <base/clock.h>
#include <base/error.h>
#include <base/files.h>
#include <base/log.h>
#include <cli/plugins_check_endpoint.h>
#include <cli/plugins_check_fixture.h>
#include <cli/plugins_check_options.h>
#include <cli/plugins_check_symbols.h>
#include <limits.h>
#include <plugin/fragment.h>
#include <plugin/kind.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const uint64_t alive_every_ns = 20 * TKP_NS_PER_MS;
enum { LINE_BYTES = 2048, ARENA_BYTES = 16 * 1024 * 1024 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER
#endif
#endif

static const struct {
    int resource;
    rlim_t value;
} limits[] = {
    {RLIMIT_CORE, 0},
    {RLIMIT_CPU, 120},                /* seconds; the parent's deadline comes first */
    {RLIMIT_FSIZE, (rlim_t)64 << 20}, /* bytes */
#ifndef HAS_SANITIZER
    {RLIMIT_AS, (rlim_t)2 << 30}, /* bytes; sanitizers reserve far more address space */
#endif
};

static void put_line(char type, const char *format, va_list args) TOKPERF_PRINTF(2, 0);
static void put_line(char type, const char *format, va_list args)
{
    char line[LINE_BYTES];
    struct tokperf_error ignored;
    line[0] = type;
    line[1] = ' ';
    int len = vsnprintf(line + 2, sizeof line - 3, format, args);
    size_t used = 2 + (len < 0 ? 0 : (size_t)len);
    if (used > sizeof line - 2)
        used = sizeof line - 2;
    for (size_t i = 2; i < used; i++)
        if ((unsigned char)line[i] < 0x20)
            line[i] = ' ';
    line[used++] = '\n';
    if (tkp_files_write_all(TKP_CHECK_REPORT_FD, line, used, &ignored) != TOKPERF_OK)
        _exit(1); /* the parent is gone */
}

static void put(char type, const char *format, ...) TOKPERF_PRINTF(2, 3);
static void put(char type, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    put_line(type, format, args);
    va_end(args);
}

void tkp_check_step(struct tkp_check *check, const char *format, ...)
{
    va_list args;
    check->step_findings = 0;
    va_start(args, format);
    put_line('B', format, args);
    va_end(args);
}

void tkp_check_alive(struct tkp_check *check)
{
    uint64_t now = tkp_clock_now_ns();
    if (now - check->alive_ns < alive_every_ns)
        return;
    check->alive_ns = now;
    put('P', "alive");
}

void tkp_check_skip(struct tkp_check *check, const char *format, ...)
{
    va_list args;
    (void)check;
    va_start(args, format);
    put_line('S', format, args);
    va_end(args);
}

void tkp_check_finding(struct tkp_check *check, const char *format, ...)
{
    va_list args;
    check->findings++;
    if (check->step_findings++ >= TKP_CHECK_FINDINGS_PER_STEP) {
        if (check->step_findings == TKP_CHECK_FINDINGS_PER_STEP + 1)
            put('F', "there are more findings like these");
        return;
    }
    va_start(args, format);
    put_line('F', format, args);
    va_end(args);
}

tokperf_status tkp_check_create(struct tkp_check *check, const struct tokperf_component *component,
                                const struct tokperf_config *config, void **self,
                                struct tokperf_error *error)
{
    const struct tokperf_vtable *head = component->vtable;
    *error = (struct tokperf_error){0};
    *self = NULL;
    tokperf_status status = head->create(&check->host.api, config, self, error);
    error->message[sizeof error->message - 1] = '\0';
    return status;
}

void tkp_check_destroy(const struct tokperf_component *component, void *self)
{
    const struct tokperf_vtable *head = component->vtable;
    head->destroy(self);
}

/* A registry fragment lies beside its module under the same name. */
struct fragment_look {
    struct tkp_check *check;
    char module[PATH_MAX];
    bool listed[256]; /* by index of the descriptor's components */
    uint32_t entries;
};

static tokperf_status look_at_entry(void *context, const struct tkp_component_entry *entry,
                                    struct tokperf_error *error)
{
    struct fragment_look *look = context;
    struct tkp_check *check = look->check;
    struct tokperf_error reason;
    char real[PATH_MAX];
    (void)error;
    if (realpath(entry->module, real) == NULL || strcmp(real, look->module) != 0) {
        tkp_check_finding(check, "%s lists %s, but with another module: %s", entry->origin,
                          entry->name, entry->module);
        return TOKPERF_OK;
    }
    look->entries++;
    if (tkp_entry_check(entry, check->module, &reason) != TOKPERF_OK)
        tkp_check_finding(check, "%s", reason.message);
    if (strcmp(entry->version, check->plugin->version) != 0)
        tkp_check_finding(check, "%s says version %s, the module says %s", entry->origin,
                          entry->version, check->plugin->version);
    for (size_t i = 0; check->plugin->components[i] != NULL; i++)
        if (strcmp(check->plugin->components[i]->name, entry->name) == 0)
            look->listed[i] = true;
    return TOKPERF_OK;
}

static void check_fragment(struct tkp_check *check)
{
    struct fragment_look look = {.check = check};
    struct tkp_arena arena;
    struct tokperf_error error;
    char fragment[PATH_MAX];
    tkp_check_step(check, "fragment");
    if (realpath(check->args->operand, look.module) == NULL)
        return;
    size_t len = strlen(look.module);
    size_t stem = len > 3 && strcmp(look.module + len - 3, ".so") == 0 ? len - 3 : len;
    if (snprintf(fragment, sizeof fragment, "%.*s.yaml", (int)stem, look.module) >=
            (int)sizeof fragment ||
        access(fragment, F_OK) != 0) {
        tkp_check_skip(check, "there is no %s", fragment);
        return;
    }
    const struct tkp_fragment_sink sink = {&look, look_at_entry, NULL};
    tkp_arena_init(&arena, ARENA_BYTES);
    if (tkp_fragment_read(fragment, &arena, &sink, &error) != TOKPERF_OK)
        tkp_check_finding(check, "%s", error.message);
    tkp_arena_finish(&arena);
    for (size_t i = 0; check->plugin->components[i] != NULL; i++)
        if (!look.listed[i])
            tkp_check_finding(check, "%s does not list component %s of the module", fragment,
                              check->plugin->components[i]->name);
}

static void check_component(struct tkp_check *check, const struct tokperf_component *component)
{
    struct tkp_check_subject subject = {
        .check = check, .component = component, .kind = tkp_kind_by_id(component->kind)->name};
    tkp_arena_init(&subject.arena, ARENA_BYTES);
    tkp_check_options(&subject);
    if (subject.config != NULL) {
        tkp_check_lifecycle(&subject);
        if (strcmp(subject.kind, "endpoint") == 0) {
            tkp_check_endpoint(&subject);
            if (check->args->fixtures != NULL)
                tkp_check_fixtures(&subject);
        }
    }
    tkp_arena_finish(&subject.arena);
}

static void limit_process(void)
{
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct rlimit limit = {limits[i].value, limits[i].value};
        (void)setrlimit((__rlimit_resource_t)limits[i].resource, &limit);
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) {
        struct sigaction action = {.sa_handler = SIG_DFL};
        (void)sigaction(crashes[i], &action, NULL); /* the parent reads the signal */
    }
}

static int run_steps(struct tkp_check *check)
{
    uint32_t known = 0;
    tkp_check_symbols(check);
    for (size_t i = 0; check->plugin->components[i] != NULL; i++)
        if (tkp_kind_by_id(check->plugin->components[i]->kind) != NULL)
            known++;
    if (known == 0) {
        put('N', "it holds no component of a kind that this tokperf knows");
        put('E', "end");
        return 0;
    }
    check_fragment(check);
    tkp_module_keep(check->module);
    for (size_t i = 0; check->plugin->components[i] != NULL; i++)
        if (tkp_kind_by_id(check->plugin->components[i]->kind) != NULL)
            check_component(check, check->plugin->components[i]);
    if (check->args->fixtures == NULL) {
        tkp_check_step(check, "fixtures");
        tkp_check_skip(check, "none were given (--fixtures DIR)");
    }
    put('E', "end");
    return 0;
}

int tkp_plugins_check_child(const struct tkp_plugins_args *args)
{
    struct tkp_check check = {.args = args};
    struct tokperf_error error;
    limit_process();
    tkp_log_set_level(TKP_LOG_ERROR);
    tkp_host_init(&check.host);
    tkp_check_step(&check, "load");
    if (tkp_module_open(args->operand, &check.module, &error) != TOKPERF_OK) {
        put('L', "%s", error.message);
        put('E', "end");
        return 0;
    }
    check.plugin = tkp_module_plugin(check.module);
    put('I', "%s %s (%s)", check.plugin->id, check.plugin->version, check.plugin->license);
    int code = run_steps(&check);
    tkp_module_close(check.module);
    return code;
}

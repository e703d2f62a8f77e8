/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and parses what machine.h names; proc(5), and cpufreq in the kernel's admin guide. */
#include <run/machine.h>

#include <base/buffer.h>
#include <base/error.h>
#include <base/files.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
    STAT_MAX_BYTES = 16 * 1024 * 1024, /* its line of interrupts is long on large machines */
    SMALL_BYTES = 4096,
    STATES = 8, /* user nice system idle iowait irq softirq steal; guests are in user and nice */
    STEAL = 7,
    MAX_CPUS = TKP_MACHINE_CPU_SETS * CPU_SETSIZE
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads a number behind spaces; false at anything else or beyond 64 bits. */
static bool take_number(struct tokperf_span *text, uint64_t *value)
{
    while (text->len && text->data[0] == ' ')
        text->data++, text->len--;
    if (!text->len || !is_digit(text->data[0]))
        return false;
    for (*value = 0; text->len && is_digit(text->data[0]); text->data++, text->len--)
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (uint64_t)(text->data[0] - '0'), value))
            return false;
    return true;
}

static bool starts_with(struct tokperf_span text, const char *what)
{
    size_t len = strlen(what);
    return text.len >= len && memcmp(text.data, what, len) == 0;
}

/* The lines "cpuN ..." of the whole. */
static uint64_t count_cpus(struct tokperf_span text)
{
    uint64_t cpus = 0;
    while (text.len) {
        const char *end = memchr(text.data, '\n', text.len);
        size_t len = end ? (size_t)(end - text.data) + 1 : text.len;
        cpus += starts_with(text, "cpu") && len > 3 && is_digit(text.data[3]);
        text.data += len;
        text.len -= len;
    }
    return cpus;
}

bool tkp_machine_parse_stat(struct tokperf_span text, struct tkp_machine *machine)
{
    struct tokperf_span line = text;
    uint64_t state[STATES], sum = 0;
    if (!starts_with(text, "cpu "))
        return false;
    line.data += 4, line.len -= 4;
    for (int i = 0; i < STATES; i++)
        if (!take_number(&line, &state[i]) || __builtin_add_overflow(sum, state[i], &sum))
            return false;
    machine->cpu_ticks = sum;
    machine->steal_ticks = state[STEAL];
    machine->cpus = count_cpus(text);
    return true;
}

/* "0.20 0.18 0.12 1/80 11206": two decimals. */
bool tkp_machine_parse_load(struct tokperf_span text, struct tkp_machine *machine)
{
    uint64_t whole, hundredths;
    if (!take_number(&text, &whole) || !starts_with(text, ".") || whole > UINT32_MAX)
        return false;
    text.data++, text.len--;
    if (text.len < 2 || !is_digit(text.data[0]) || !is_digit(text.data[1]))
        return false;
    hundredths = (uint64_t)(text.data[0] - '0') * 10 + (uint64_t)(text.data[1] - '0');
    machine->load_milli = whole * 1000 + hundredths * 10;
    return true;
}

tokperf_status tkp_machine_read(const char *root, struct tkp_machine *machine,
                                struct tokperf_error *error)
{
    char path[PATH_MAX];
    struct tkp_buffer text;
    struct tokperf_error ignored;
    *machine = (struct tkp_machine){0};
    tkp_buffer_init(&text, STAT_MAX_BYTES);
    if (tkp_files_join(path, sizeof path, root, "proc/loadavg") &&
        tkp_files_read(path, SMALL_BYTES, 0, &text, &ignored) == TOKPERF_OK)
        (void)tkp_machine_parse_load(tkp_buffer_span(&text), machine);
    tokperf_status status = TOKPERF_OK;
    if (!tkp_files_join(path, sizeof path, root, "proc/stat"))
        status = tkp_fail(error, TOKPERF_E_LIMIT, "the path is too long");
    else
        status = tkp_files_read(path, STAT_MAX_BYTES, 0, &text, error);
    if (status == TOKPERF_OK && !tkp_machine_parse_stat(tkp_buffer_span(&text), machine))
        status = tkp_fail(error, TOKPERF_E_PARSE,
                          "'%s' does not begin with the CPU times of a /proc/stat", path);
    tkp_buffer_finish(&text);
    return status;
}

void tkp_machine_allowed(struct tkp_machine_cpus *cpus)
{
    memset(cpus, 0, sizeof *cpus);
    if (sched_getaffinity(0, sizeof cpus->sets, cpus->sets) != 0)
        memset(cpus, 0, sizeof *cpus);
}

static bool governor_of(const char *root, int cpu, struct tkp_buffer *text)
{
    char name[96], path[PATH_MAX];
    struct tokperf_error ignored;
    snprintf(name, sizeof name, "sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu);
    if (!tkp_files_join(path, sizeof path, root, name) ||
        tkp_files_read(path, SMALL_BYTES, TKP_FILES_UTF8, text, &ignored) != TOKPERF_OK)
        return false;
    while (text->len && (unsigned char)text->data[text->len - 1] <= ' ')
        text->len--;
    return text->len > 0;
}

/* Whether the list has the name as one of its items. */
static bool has_item(const char *list, struct tokperf_span name)
{
    for (const char *at = list; *at;) {
        size_t len = strcspn(at, ",");
        if (len == name.len && memcmp(at, name.data, len) == 0)
            return true;
        at += len;
        at += strspn(at, ", ");
    }
    return false;
}

void tkp_machine_governors(const char *root, const struct tkp_machine_cpus *cpus, char *out,
                           size_t capacity)
{
    struct tkp_buffer text;
    size_t used = 0;
    tkp_buffer_init(&text, SMALL_BYTES);
    out[0] = '\0';
    for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
        if (!CPU_ISSET_S((size_t)cpu, sizeof cpus->sets, cpus->sets) ||
            !governor_of(root, cpu, &text))
            continue;
        struct tokperf_span name = tkp_buffer_span(&text);
        if (has_item(out, name) || used + name.len + 3 > capacity)
            continue;
        used += (size_t)snprintf(out + used, capacity - used, "%s%.*s", used ? ", " : "",
                                 (int)name.len, name.data);
    }
    tkp_buffer_finish(&text);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* See host.h. */
#include <calibrate/host.h>

#include <base/text.h>
#include <base/thread.h>
#include <base/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static void copy(char *out, size_t capacity, const char *text)
{
    tkp_text_copy(out, capacity, tkp_span(text));
}

/* "model name\t: AMD EPYC\n" */
static bool read_cpu_model(char *out, size_t capacity)
{
    char line[512];
    bool found = false;
    FILE *file = fopen("/proc/cpuinfo", "re");
    while (file && !found && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, "model name", strlen("model name")) != 0 || !colon)
            continue;
        struct tokperf_span rest = {colon + 1, strcspn(colon + 1, "\n")};
        tkp_text_copy(out, capacity, tkp_span_trim(rest));
        found = true;
    }
    if (file)
        (void)fclose(file);
    return found;
}

void tkp_calibrated_host_read(struct tkp_calibrated_host *host)
{
    struct utsname names = {.machine = "unknown", .release = "unknown"};
    *host = (struct tkp_calibrated_host){.cores = tkp_thread_cpu_count()};
    (void)uname(&names);
    copy(host->kernel, sizeof host->kernel, names.release);
    copy(host->tokperf_version, sizeof host->tokperf_version, TKP_VERSION);
    if (!read_cpu_model(host->cpu_model, sizeof host->cpu_model))
        copy(host->cpu_model, sizeof host->cpu_model, names.machine);
}

bool tkp_calibrated_host_equal(const struct tkp_calibrated_host *a,
                               const struct tkp_calibrated_host *b)
{
    return strcmp(a->cpu_model, b->cpu_model) == 0 && strcmp(a->kernel, b->kernel) == 0 &&
           strcmp(a->tokperf_version, b->tokperf_version) == 0 && a->cores == b->cores;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* /sys/devices/system/cpu/cpu<N>/topology and sched_getaffinity(). */
#include <run/topology.h>

#include <base/buffer.h>
#include <base/files.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX_BYTES = 4096 }; /* one page: what sysfs gives */

/* The first number of a file of a CPU's topology directory: an id, or the lowest of a CPU list. */
static bool read_first_number(const char *root, int32_t cpu, const char *name, int32_t *number)
{
    char path[PATH_MAX];
    int len =
        snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/topology/%s", root, cpu, name);
    if (len < 0 || (size_t)len >= sizeof path)
        return false;
    struct tkp_buffer text;
    struct tokperf_error unused;
    tkp_buffer_init(&text, FILE_MAX_BYTES);
    bool found = false;
    if (tkp_files_read(path, FILE_MAX_BYTES, 0, &text, &unused) == TOKPERF_OK) {
        char *end = NULL;
        const char *begin = tkp_buffer_text(&text);
        long value = strtol(begin, &end, 10);
        found = end != begin && value >= 0 && value <= INT32_MAX; /* -1: the kernel does not know */
        *number = found ? (int32_t)value : *number;
    }
    tkp_buffer_finish(&text);
    return found;
}

void tkp_topology_read(const char *root, const int32_t *cpus, uint32_t count,
                       struct tkp_topology *topology)
{
    topology->count = 0;
    for (uint32_t i = 0; i < count && i < TKP_TOPOLOGY_MAX_CPUS; i++) {
        struct tkp_cpu *cpu = &topology->cpus[topology->count++];
        *cpu = (struct tkp_cpu){.id = cpus[i], .core = cpus[i]};
        read_first_number(root, cpu->id, "physical_package_id", &cpu->package);
        /* core_id repeats between dies and packages; the lowest sibling does not */
        read_first_number(root, cpu->id, "thread_siblings_list", &cpu->core);
    }
}

void tkp_topology_read_allowed(struct tkp_topology *topology)
{
    cpu_set_t set;
    int32_t cpus[TKP_TOPOLOGY_MAX_CPUS];
    uint32_t count = 0;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) /* fails where there are more than 1024 */
        for (int32_t cpu = 0; cpu < TKP_TOPOLOGY_MAX_CPUS; cpu++)
            if (CPU_ISSET((size_t)cpu, &set))
                cpus[count++] = cpu;
    tkp_topology_read("", cpus, count, topology);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* getrlimit(2), /proc/meminfo, cgroup v2's memory.max and ip_local_port_range. */
#include <run/limits.h>

#include <base/buffer.h>
#include <base/error.h>
#include <base/files.h>
#include <bus/bus.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    FILE_MAX_BYTES = 64 * 1024, /* /proc/meminfo has 1.5 KiB, and grows */
    /* standard streams, record log, log file, exporters, signals, the mock's pipes, the bus (20
     * with the log of events and the control socket), and what libraries open in between */
    RESERVED_DESCRIPTORS = 64,
    DESCRIPTORS_PER_WORKER = 4,    /* epoll, eventfd, and as many to spare */
    DESCRIPTORS_PER_COLLECTOR = 2, /* its input, its end; its connection is one of the bus's */
    /* The kernel's for one TCP connection: sizes of TCP, sock_inode_cache, filp, dentry,
     * eventpoll_epi and eventpoll_pwq in /proc/slabinfo (Linux 6.18) sum up to 3.9 KB. */
    KERNEL_STREAM_BYTES = 4096,
    WORKER_BYTES = 5 * 1024 * 1024 /* 64 blocks of 64 KiB, the read buffer, tables */
};
#define NO_LIMIT UINT64_MAX

/* ---- what the machine has ---- */

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The content of root + path; false when it cannot be read. */
static bool read_file(const char *root, const char *path, struct tkp_buffer *text)
{
    char full[PATH_MAX];
    struct tokperf_error unused;
    int len = snprintf(full, sizeof full, "%s%s", root, path);
    tkp_buffer_clear(text);
    return len > 0 && (size_t)len < sizeof full &&
           tkp_files_read(full, FILE_MAX_BYTES, 0, text, &unused) == TOKPERF_OK;
}

/* Takes a decimal number behind white space off a text; false where none begins. */
static bool take_number(const char **text, uint64_t *number)
{
    char *end;
    const char *begin = *text + strspn(*text, " \t");
    if (*begin < '0' || *begin > '9')
        return false;
    errno = 0;
    *number = strtoull(begin, &end, 10);
    *text = end;
    return errno == 0;
}

static uint64_t read_ports(const char *root, struct tkp_buffer *text)
{
    uint64_t first, last;
    if (!read_file(root, "/proc/sys/net/ipv4/ip_local_port_range", text))
        return NO_LIMIT;
    const char *at = tkp_buffer_text(text);
    if (!take_number(&at, &first) || !take_number(&at, &last) || last < first || last > UINT16_MAX)
        return NO_LIMIT;
    return last - first + 1;
}

static uint64_t read_available(const char *root, struct tkp_buffer *text)
{
    uint64_t kib;
    if (!read_file(root, "/proc/meminfo", text))
        return NO_LIMIT;
    static const char name[] = "MemAvailable:";
    const char *line = strstr(tkp_buffer_text(text), name);
    const char *at = line ? line + sizeof name - 1 : "";
    if (!take_number(&at, &kib) || kib > NO_LIMIT / 1024)
        return NO_LIMIT;
    return kib * 1024;
}

/* The least memory.max of this process's cgroup and those above it, as far as they are seen from
 * here: a container sees its own as the topmost. */
static uint64_t read_cgroup(const char *root, struct tkp_buffer *text)
{
    char group[PATH_MAX / 2] = "", path[PATH_MAX];
    uint64_t least = NO_LIMIT, bytes;
    if (read_file(root, "/proc/self/cgroup", text)) {
        const char *line = strstr(tkp_buffer_text(text), "0::/");
        if (line)
            snprintf(group, sizeof group, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
    }
    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", group);
        const char *at = read_file(root, path, text) ? tkp_buffer_text(text) : "";
        if (take_number(&at, &bytes)) /* "max": none */
            least = lesser(least, bytes);
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

void tkp_limits_read(const char *root, struct tkp_machine_limits *limits)
{
    struct rlimit files;
    struct tkp_buffer text;
    tkp_buffer_init(&text, FILE_MAX_BYTES);
    bool known = getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max != RLIM_INFINITY;
    limits->descriptors = known ? (uint64_t)files.rlim_max : NO_LIMIT;
    limits->ports = read_ports(root, &text);
    limits->memory_bytes = lesser(read_available(root, &text), read_cgroup(root, &text));
    tkp_buffer_finish(&text);
}

void tkp_limits_raise_descriptors(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max)
        return;
    files.rlim_cur = files.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0)
        tkp_log(TKP_LOG_DEBUG, "the limit of open files cannot be raised");
}

/* ---- what the plan needs ---- */

/* Requests of a phase; UINT64_MAX where only the server's speed decides. */
static uint64_t requests_of(const struct tkp_phase_plan *phase)
{
    uint64_t count = phase->request_count ? phase->request_count : NO_LIMIT;
    if (phase->arrival != TKP_ARRIVAL_CLOSED && phase->duration_ns) {
        double drawn = phase->rate_per_s * (double)phase->duration_ns / 1e9;
        count = lesser(count, (uint64_t)drawn + 1);
    }
    return count;
}

struct tkp_demand tkp_demand_of(const struct tkp_plan *plan, uint64_t stream_bytes)
{
    struct tkp_demand demand = {
        .workers = plan->workers,
        .collectors = plan->collector_count,
        .stream_bytes = stream_bytes,
        .sources = plan->source_count ? plan->source_count : 1,
        .reuses_connections = plan->reuse == TKP_REUSE_POOLED,
    };
    for (uint32_t i = 0; i < plan->phase_count; i++) {
        const struct tkp_phase_plan *phase = &plan->phases[i];
        uint64_t requests = requests_of(phase);
        uint64_t streams = phase->concurrency;
        if (phase->is_seamless && i) /* the last answers of the one before are still to come */
            streams += plan->phases[i - 1].concurrency;
        demand.streams = streams > demand.streams ? streams : demand.streams;
        demand.requests =
            requests > NO_LIMIT - demand.requests ? NO_LIMIT : demand.requests + requests;
    }
    return demand;
}

static tokperf_status check_descriptors(const struct tkp_machine_limits *limits,
                                        const struct tkp_demand *demand,
                                        struct tokperf_error *error)
{
    uint64_t own = RESERVED_DESCRIPTORS + TKP_BUS_CONNECTIONS_MAX +
                   (uint64_t)demand->workers * DESCRIPTORS_PER_WORKER +
                   (uint64_t)demand->collectors * DESCRIPTORS_PER_COLLECTOR;
    if (demand->streams + own <= limits->descriptors)
        return TOKPERF_OK;
    uint64_t most = limits->descriptors > own ? limits->descriptors - own : 0;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "--concurrency %" PRIu64 " needs %" PRIu64
                    " open files (one for each connection, %" PRIu64
                    " for the program itself, its listeners and collectors), but the hard limit "
                    "is %" PRIu64 ": use at most --concurrency %" PRIu64
                    ", or raise the limit (ulimit -Hn, LimitNOFILE= of a service)",
                    demand->streams, demand->streams + own, own, limits->descriptors, most);
}

static tokperf_status check_memory(const struct tkp_machine_limits *limits,
                                   const struct tkp_demand *demand, struct tokperf_error *error)
{
    uint64_t each = demand->stream_bytes + KERNEL_STREAM_BYTES;
    uint64_t needed = demand->streams * each + (uint64_t)demand->workers * WORKER_BYTES;
    if (needed <= limits->memory_bytes)
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "--concurrency %" PRIu64 " needs about %" PRIu64 " MiB of memory (%" PRIu64
                    " bytes for each connection, %u MiB for each of %u workers), but %" PRIu64
                    " MiB are available: lower it, or give this machine or its control group more",
                    demand->streams, needed >> 20, each, (unsigned)(WORKER_BYTES >> 20),
                    demand->workers, limits->memory_bytes >> 20);
}

tokperf_status tkp_limits_check(const struct tkp_machine_limits *limits,
                                const struct tkp_demand *demand, struct tokperf_error *error)
{
    tokperf_status status = check_descriptors(limits, demand, error);
    return status ? status : check_memory(limits, demand, error);
}

/* All ports of all pairs of addresses. */
static uint64_t ports_of(const struct tkp_machine_limits *limits, const struct tkp_demand *demand)
{
    uint64_t pairs = (uint64_t)demand->sources * demand->destinations;
    return pairs == 0 || limits->ports == NO_LIMIT ? NO_LIMIT : limits->ports * pairs;
}

tokperf_status tkp_limits_check_ports(const struct tkp_machine_limits *limits,
                                      const struct tkp_demand *demand, struct tokperf_error *error)
{
    uint64_t ports = ports_of(limits, demand);
    if (demand->streams <= ports)
        return TOKPERF_OK;
    return tkp_fail(error, TOKPERF_E_INVALID,
                    "--concurrency %" PRIu64 " needs as many local ports, but there are %" PRIu64
                    " (%" PRIu64 " for each pair of %u source and %u destination addresses): use "
                    "at most that, give more --source-address, or widen "
                    "net.ipv4.ip_local_port_range",
                    demand->streams, ports, limits->ports, demand->sources, demand->destinations);
}

bool tkp_limits_ports_may_run_out(const struct tkp_machine_limits *limits,
                                  const struct tkp_demand *demand, uint64_t *total)
{
    *total = ports_of(limits, demand);
    return !demand->reuses_connections && *total != NO_LIMIT && demand->requests > *total;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine allows, read from files below a root, against what a plan needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/clock.h>
#include <run/limits.h>
#include <string.h>
#include <sys/resource.h>
#include <temp_dir.h>

#define NO_LIMIT UINT64_MAX

static const char meminfo[] = "MemTotal:        8000000 kB\n"
                              "MemFree:          100000 kB\n"
                              "MemAvailable:    2000000 kB\n";

static struct tkp_machine_limits read_limits(const struct temp_dir *dir)
{
    struct tkp_machine_limits limits;
    tkp_limits_read(dir->path, &limits);
    return limits;
}

static void memory_is_what_is_available(void **state)
{
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    assert_true(read_limits(&dir).memory_bytes == NO_LIMIT);
    temp_dir_write(&dir, "proc/meminfo", meminfo);
    assert_true(read_limits(&dir).memory_bytes == UINT64_C(2000000) * 1024);
    temp_dir_write(&dir, "proc/meminfo", "MemTotal: 5 kB\n");
    assert_true(read_limits(&dir).memory_bytes == NO_LIMIT);
    temp_dir_remove(&dir);
}

/* The least of all groups above counts; those that are not seen from here do not. */
static void memory_is_what_the_groups_allow(void **state)
{
    (void)state;
    struct temp_dir dir;
    temp_dir_make(&dir);
    temp_dir_write(&dir, "proc/meminfo", meminfo);
    temp_dir_write(&dir, "proc/self/cgroup", "1:name=systemd:/x\n0::/a/b\n");
    temp_dir_write(&dir, "sys/fs/cgroup/a/b/memory.max", "max\n");
    assert_true(read_limits(&dir).memory_bytes == UINT64_C(2000000) * 1024);
    temp_dir_write(&dir, "sys/fs/cgroup/a/memory.max", "1000000000\n");
    assert_true(read_limits(&dir).memory_bytes == 1000000000);
    temp_dir_write(&dir, "sys/fs/cgroup/a/b/memory.max", "900000000\n");
    assert_true(read_limits(&dir).memory_bytes == 900000000);
    temp_dir_write(&dir, "sys/fs/cgroup/memory.max", "800000000\n"); /* a container's own */
    assert_true(read_limits(&dir).memory_bytes == 800000000);
    temp_dir_write(&dir, "proc/self/cgroup", "0::/unseen/from/here\n");
    assert_true(read_limits(&dir).memory_bytes == 800000000);
    temp_dir_remove(&dir);
}

static void ports_are_those_of_the_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t ports;
    } rows[] = {{"32768\t60999\n", 28232}, {"1024 65535\n", 64512}, {"5 5\n", 1},
                {"9 8\n", NO_LIMIT},       {"x\n", NO_LIMIT},       {"", NO_LIMIT}};
    struct temp_dir dir;
    temp_dir_make(&dir);
    assert_true(read_limits(&dir).ports == NO_LIMIT);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        temp_dir_write(&dir, "proc/sys/net/ipv4/ip_local_port_range", rows[i].text);
        assert_true(read_limits(&dir).ports == rows[i].ports);
    }
    temp_dir_remove(&dir);
}

/* The soft limit follows the hard one. */
static void descriptors_are_raised(void **state)
{
    (void)state;
    struct rlimit files, raised;
    struct tkp_machine_limits limits;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = 32;
    files.rlim_max = 300;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    tkp_limits_read("", &limits);
    assert_int_equal(limits.descriptors, 300);
    tkp_limits_raise_descriptors();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &raised), 0);
    assert_int_equal(raised.rlim_cur, 300);
}

static const struct tkp_machine_limits machine = {
    .descriptors = 20000, .ports = 28232, .memory_bytes = 64 << 20};

static void check(const struct tkp_demand *demand, tokperf_status expected, const char *message)
{
    struct tokperf_error error = {0};
    tokperf_status status = tkp_limits_check(&machine, demand, &error);
    if (status == TOKPERF_OK)
        status = tkp_limits_check_ports(&machine, demand, &error);
    assert_int_equal(status, expected);
    assert_string_equal(error.message, message);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct tkp_demand demand = {
        .workers = 1, .sources = 1, .destinations = 1, .reuses_connections = true};
    check(&demand, TOKPERF_OK, ""); /* no cap */
    demand.streams = 14000;
    check(&demand, TOKPERF_OK, "");
    demand.streams = 19895;
    demand.collectors = 3;
    check(&demand, TOKPERF_E_INVALID,
          "--concurrency 19895 needs 20001 open files (one for each connection, 106 for the "
          "program itself, its listeners and collectors), but the hard limit is 20000: use at most "
          "--concurrency 19894, or raise the limit (ulimit -Hn, LimitNOFILE= of a service)");
    demand.collectors = 2;
    check(&demand, TOKPERF_E_INVALID,
          "--concurrency 19895 needs about 82 MiB of memory (4096 bytes for each connection, 5 MiB "
          "for each of 1 workers), but 64 MiB are available: lower it, or give this machine or its "
          "control group more");
    demand.streams = 10000;
    demand.stream_bytes = 2048; /* 58.6 MiB and a worker */
    check(&demand, TOKPERF_OK, "");
    demand.workers = 2;
    struct tokperf_error error;
    assert_int_equal(tkp_limits_check(&machine, &demand, &error), TOKPERF_E_INVALID);
}

static void ports_are_for_each_pair(void **state)
{
    (void)state;
    const struct tkp_machine_limits narrow = {NO_LIMIT, 1000, NO_LIMIT};
    static const struct {
        uint64_t streams;
        uint32_t sources, destinations;
        bool fits;
    } rows[] = {{0, 1, 1, true},     {1000, 1, 1, true}, {1001, 1, 1, false}, {3000, 3, 1, true},
                {3001, 3, 1, false}, {6000, 3, 2, true}, {6001, 3, 2, false}, {99999, 1, 0, true},
                {2000, 1, 2, true},  {2001, 1, 2, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tokperf_error error = {0};
        struct tkp_demand demand = {.streams = rows[i].streams,
                                    .sources = rows[i].sources,
                                    .destinations = rows[i].destinations};
        assert_int_equal(tkp_limits_check_ports(&narrow, &demand, &error),
                         rows[i].fits ? TOKPERF_OK : TOKPERF_E_INVALID);
        if (i == 6)
            assert_string_equal(error.message,
                                "--concurrency 6001 needs as many local ports, but there are 6000 "
                                "(1000 for each pair of 3 source and 2 destination addresses): use "
                                "at most that, give more --source-address, or widen "
                                "net.ipv4.ip_local_port_range");
    }
}

static void a_connection_for_each_request_may_run_out(void **state)
{
    (void)state;
    struct tkp_demand demand = {.requests = 56465, .sources = 2, .destinations = 1};
    uint64_t total = 0;
    assert_true(tkp_limits_ports_may_run_out(&machine, &demand, &total));
    assert_int_equal(total, 56464);
    demand.requests = 56464;
    assert_false(tkp_limits_ports_may_run_out(&machine, &demand, &total));
    demand.requests = NO_LIMIT;
    assert_true(tkp_limits_ports_may_run_out(&machine, &demand, &total));
    demand.reuses_connections = true;
    assert_false(tkp_limits_ports_may_run_out(&machine, &demand, &total));
    demand = (struct tkp_demand){.requests = NO_LIMIT, .sources = 1}; /* a unix socket */
    assert_false(tkp_limits_ports_may_run_out(&machine, &demand, &total));
}

static void the_peak_of_all_phases_counts(void **state)
{
    (void)state;
    struct tkp_phase_plan phases[] = {
        {.arrival = TKP_ARRIVAL_CLOSED, .concurrency = 30, .request_count = 100},
        {.arrival = TKP_ARRIVAL_POISSON,
         .concurrency = 20,
         .rate_per_s = 50,
         .duration_ns = 4 * TKP_NS_PER_S},
    };
    struct tkp_plan plan = {.phases = phases,
                            .phase_count = 2,
                            .workers = 3,
                            .collector_count = 2,
                            .reuse = TKP_REUSE_NEVER};
    struct tkp_demand demand = tkp_demand_of(&plan, 700);
    assert_int_equal(demand.streams, 30);
    assert_int_equal(demand.requests, 100 + 201);
    assert_int_equal(demand.workers, 3);
    assert_int_equal(demand.collectors, 2);
    assert_int_equal(demand.stream_bytes, 700);
    assert_int_equal(demand.sources, 1);
    assert_false(demand.reuses_connections);
    phases[1].is_seamless = true; /* both at a time */
    assert_int_equal(tkp_demand_of(&plan, 700).streams, 50);
    struct tkp_phase_plan closed = {
        .arrival = TKP_ARRIVAL_CLOSED, .concurrency = 1, .duration_ns = TKP_NS_PER_S};
    plan.phases = &closed;
    plan.phase_count = 1;
    plan.source_count = 4;
    plan.reuse = TKP_REUSE_POOLED;
    demand = tkp_demand_of(&plan, 0);
    assert_true(demand.requests == NO_LIMIT);
    assert_int_equal(demand.sources, 4);
    assert_true(demand.reuses_connections);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_what_is_available),
        cmocka_unit_test(memory_is_what_the_groups_allow),
        cmocka_unit_test(ports_are_those_of_the_range),
        cmocka_unit_test(descriptors_are_raised),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(ports_are_for_each_pair),
        cmocka_unit_test(a_connection_for_each_request_may_run_out),
        cmocka_unit_test(the_peak_of_all_phases_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

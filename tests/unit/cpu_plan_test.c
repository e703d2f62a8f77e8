/* SPDX-License-Identifier: Apache-2.0 */
/* Which thread goes to which CPU, for machines made up as files below a root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <run/cpu_plan.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <temp_dir.h>

enum { MAX_CPUS = 16 };

struct machine {
    const char *name;
    uint32_t cpus;          /* 0 .. cpus - 1 exist */
    uint32_t packages;      /* of equal size */
    bool siblings_adjacent; /* else cpu and cpu + cores of its package list */
    bool smt;
};

/* The kernel's files as they are on such a machine. */
static void make_machine(const struct temp_dir *dir, const struct machine *m)
{
    uint32_t cores = m->smt ? m->cpus / 2 : m->cpus;
    for (uint32_t cpu = 0; cpu < m->cpus; cpu++) {
        char name[96], text[32];
        uint32_t core = !m->smt ? cpu : m->siblings_adjacent ? cpu / 2 : cpu % cores;
        uint32_t first = m->siblings_adjacent ? 2 * core : core;
        snprintf(name, sizeof name, "sys/devices/system/cpu/cpu%u/topology/physical_package_id",
                 cpu);
        snprintf(text, sizeof text, "%u\n", core / (cores / m->packages));
        temp_dir_write(dir, name, text);
        snprintf(name, sizeof name, "sys/devices/system/cpu/cpu%u/topology/thread_siblings_list",
                 cpu);
        if (!m->smt)
            snprintf(text, sizeof text, "%u\n", cpu);
        else
            snprintf(text, sizeof text, m->siblings_adjacent ? "%u-%u\n" : "%u,%u\n", first,
                     m->siblings_adjacent ? first + 1 : first + cores);
        temp_dir_write(dir, name, text);
    }
}

static const struct machine one = {"one CPU", 1, 1, false, false};
static const struct machine two = {"two cores", 2, 1, false, false};
static const struct machine pair = {"one core of two threads", 2, 1, true, true};
static const struct machine eight_smt = {"eight cores, 16 threads", 16, 1, false, true};
static const struct machine adjacent = {"four cores, threads side by side", 8, 1, true, true};
static const struct machine packages = {"two packages of four cores", 8, 2, false, false};
static const struct machine packages_smt = {"two packages of two cores, SMT", 8, 2, false, true};

static const struct row {
    const struct machine *machine;
    const char *allowed; /* CPUs as hexadecimal digits; NULL: all */
    uint32_t workers;
    bool off; /* --no-cpu-affinity */
    uint32_t cores, spare;
    bool spins; /* with auto */
    int recorder;
    const char *pinned; /* CPUs of the workers as hexadecimal digits; NULL: nothing is pinned */
} rows[] = {
    {&one, NULL, 1, false, 1, 0, false, -1, NULL},
    {&two, NULL, 1, false, 2, 0, false, 0, "1"},
    {&two, NULL, 1, true, 2, 0, false, -1, NULL},
    {&two, NULL, 2, false, 2, 0, false, -1, NULL},
    {&pair, NULL, 1, false, 1, 0, false, 0, "1"},
    {&eight_smt, NULL, 1, false, 8, 6, true, 0, "1"},
    {&eight_smt, NULL, 6, false, 8, 1, true, 0, "123456"},
    {&eight_smt, NULL, 7, false, 8, 0, false, 0, "1234567"},
    {&eight_smt, NULL, 8, false, 8, 0, false, 0, "12345678"}, /* 8 is the sibling of 0 */
    {&eight_smt, NULL, 15, false, 8, 0, false, 0, "123456789abcdef"},
    {&eight_smt, NULL, 16, false, 8, 0, false, -1, NULL},
    {&eight_smt, NULL, 2, true, 8, 5, true, -1, NULL},
    {&adjacent, NULL, 3, false, 4, 0, false, 0, "246"},
    {&adjacent, NULL, 5, false, 4, 0, false, 0, "24613"},
    {&packages, NULL, 3, false, 8, 4, true, 0, "123"},
    {&packages_smt, NULL, 3, false, 4, 0, false, 0, "123"},
    /* holes: what a cpuset or taskset leaves */
    {&eight_smt, "08", 1, false, 1, 0, false, 0, "8"},
    {&eight_smt, "3b", 1, false, 1, 0, false, 3, "b"},
    {&eight_smt, "2359", 2, false, 4, 1, true, 2, "35"},
    {&eight_smt, "35bd7", 2, false, 3, 0, false, 3, "57"},
    {&eight_smt, "35bd7", 4, false, 3, 0, false, 3, "57bd"},
    {&eight_smt, "35bd7", 5, false, 3, 0, false, -1, NULL},
    {&packages, "67", 1, false, 2, 0, false, 6, "7"},
    {&packages, "5", 1, false, 1, 0, false, -1, NULL},
};

static int32_t digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static uint32_t allowed_cpus(const struct row *row, int32_t *cpus)
{
    uint32_t count = 0;
    for (int32_t cpu = 0; cpu < (int32_t)row->machine->cpus; cpu++) {
        bool is_allowed = !row->allowed;
        for (const char *c = row->allowed ? row->allowed : ""; *c; c++)
            is_allowed |= digit(*c) == cpu;
        if (is_allowed)
            cpus[count++] = cpu;
    }
    return count;
}

static void check_row(const struct row *row)
{
    struct temp_dir dir;
    struct tkp_topology topology;
    struct tkp_cpu_plan plan;
    int32_t cpus[MAX_CPUS];
    temp_dir_make(&dir);
    make_machine(&dir, row->machine);
    uint32_t count = allowed_cpus(row, cpus);
    tkp_topology_read(dir.path, cpus, count, &topology);
    temp_dir_remove(&dir);
    tkp_cpu_plan_make(&topology, row->workers, !row->off, &plan);
    print_message("%s, %s, %u workers\n", row->machine->name, row->allowed ? row->allowed : "all",
                  row->workers);
    assert_int_equal(plan.cpus, count);
    assert_int_equal(plan.cores, row->cores);
    assert_int_equal(plan.spare_cores, row->spare);
    assert_int_equal(tkp_cpu_plan_spins(&plan, TKP_SPIN_AUTO), row->spins);
    assert_int_equal(plan.is_pinned, row->pinned != NULL);
    assert_int_equal(plan.recorder_cpu, row->recorder);
    for (uint32_t i = 0; i < TKP_PHASE_MAX_WORKERS; i++)
        assert_int_equal(plan.worker_cpus[i],
                         row->pinned && i < row->workers ? digit(row->pinned[i]) : -1);
}

static void plans(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_row(&rows[i]);
}

/* Tokenizer threads keep off the workers' cores: on spare cores, on the recorder's other hardware
 * thread, beside the recorder, or not at all. */
static void lanes_keep_off_the_workers(void **state)
{
    (void)state;
    static const struct {
        const struct machine *machine;
        uint32_t workers;
        int32_t wanted;
        uint32_t lanes;
        const char *cpus; /* hexadecimal digits; NULL: anywhere */
    } cases[] = {
        {&one, 1, -1, 0, ""},          {&two, 1, -1, 1, "0"},        {&two, 2, -1, 0, ""},
        {&two, 2, 2, 2, NULL},         {&two, 1, 0, 0, ""},          {&eight_smt, 2, -1, 4, "3456"},
        {&eight_smt, 6, -1, 1, "7"},   {&eight_smt, 7, -1, 1, "8"},  {&eight_smt, 8, -1, 1, "0"},
        {&eight_smt, 6, 4, 4, "78f7"}, {&eight_smt, 15, 2, 2, "00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct temp_dir dir;
        struct tkp_topology topology;
        struct tkp_cpu_plan plan;
        int32_t cpus[MAX_CPUS];
        struct row row = {.machine = cases[i].machine};
        temp_dir_make(&dir);
        make_machine(&dir, cases[i].machine);
        tkp_topology_read(dir.path, cpus, allowed_cpus(&row, cpus), &topology);
        temp_dir_remove(&dir);
        tkp_cpu_plan_make(&topology, cases[i].workers, true, &plan);
        tkp_cpu_plan_add_lanes(&topology, cases[i].wanted, &plan);
        print_message("%s, %u workers\n", cases[i].machine->name, cases[i].workers);
        assert_int_equal(plan.lanes, cases[i].lanes);
        for (uint32_t k = 0; k < plan.lanes; k++)
            assert_int_equal(plan.lane_cpus[k], cases[i].cpus ? digit(cases[i].cpus[k]) : -1);
    }
}

/* Containers may lack the files, and a virtual machine says -1: each CPU is a core then. */
static void silence_is_a_core_for_each_cpu(void **state)
{
    (void)state;
    static const int32_t cpus[] = {0, 1, 2};
    struct temp_dir dir;
    struct tkp_topology topology;
    temp_dir_make(&dir);
    temp_dir_write(&dir, "sys/devices/system/cpu/cpu0/topology/physical_package_id", "-1\n");
    temp_dir_write(&dir, "sys/devices/system/cpu/cpu1/topology/thread_siblings_list", "\n");
    tkp_topology_read(dir.path, cpus, 3, &topology);
    temp_dir_remove(&dir);
    assert_int_equal(topology.count, 3);
    for (int32_t i = 0; i < 3; i++) {
        assert_int_equal(topology.cpus[i].id, i);
        assert_int_equal(topology.cpus[i].core, i);
        assert_int_equal(topology.cpus[i].package, 0);
    }
}

/* Looking leaves the mask as it was. */
static void this_machine_is_only_looked_at(void **state)
{
    (void)state;
    cpu_set_t before, after;
    struct tkp_topology topology;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    tkp_topology_read_allowed(&topology);
    assert_int_equal(sched_getaffinity(0, sizeof after, &after), 0);
    assert_true(CPU_EQUAL(&before, &after));
    assert_int_equal(topology.count, CPU_COUNT(&before));
    for (uint32_t i = 0; i < topology.count; i++)
        assert_true(CPU_ISSET((size_t)topology.cpus[i].id, &before));
}

static void an_unknown_machine_is_left_alone(void **state)
{
    (void)state;
    static const struct tkp_topology nothing = {.count = 0};
    struct tkp_cpu_plan plan;
    tkp_cpu_plan_make(&nothing, 1, true, &plan);
    assert_false(plan.is_pinned);
    assert_false(tkp_cpu_plan_spins(&plan, TKP_SPIN_AUTO));
    assert_true(tkp_cpu_plan_spins(&plan, TKP_SPIN_ON));
}

static void spinning_can_be_told(void **state)
{
    (void)state;
    struct tkp_cpu_plan roomy = {.spare_cores = 3}, tight = {.spare_cores = 0};
    assert_true(tkp_cpu_plan_spins(&roomy, TKP_SPIN_AUTO));
    assert_false(tkp_cpu_plan_spins(&roomy, TKP_SPIN_OFF));
    assert_false(tkp_cpu_plan_spins(&tight, TKP_SPIN_AUTO));
    assert_true(tkp_cpu_plan_spins(&tight, TKP_SPIN_ON));
}

static void it_is_described_in_comments(void **state)
{
    (void)state;
    static const struct tkp_topology topology = {3, {{0, 0, 0}, {1, 0, 1}, {2, 0, 2}}};
    struct tkp_cpu_plan plan;
    struct tkp_buffer text;
    tkp_buffer_init(&text, 4096);
    tkp_cpu_plan_make(&topology, 2, true, &plan);
    tkp_cpu_plan_describe(&plan, TKP_SPIN_AUTO, &text);
    assert_string_equal(tkp_buffer_text(&text),
                        "# CPU plan of this machine: CPUs 3, cores 3, workers 2 and a recorder, "
                        "cores to spare 0\n"
                        "# recorder and bus on CPU 0, workers on CPU 1, 2\n"
                        "# workers do not spin before a send that is due\n");
    tkp_buffer_clear(&text);
    tkp_cpu_plan_make(&topology, 3, true, &plan);
    tkp_cpu_plan_describe(&plan, TKP_SPIN_ON, &text);
    assert_non_null(strstr(tkp_buffer_text(&text), "# threads are not pinned: there is no CPU"));
    assert_non_null(strstr(tkp_buffer_text(&text), "# workers spin before"));
    tkp_buffer_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_keep_off_the_workers),
        cmocka_unit_test(plans),
        cmocka_unit_test(silence_is_a_core_for_each_cpu),
        cmocka_unit_test(this_machine_is_only_looked_at),
        cmocka_unit_test(an_unknown_machine_is_left_alone),
        cmocka_unit_test(spinning_can_be_told),
        cmocka_unit_test(it_is_described_in_comments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine says about itself: made-up files below a root, and this machine's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <run/machine.h>
#include <stdio.h>
#include <string.h>
#include <temp_dir.h>

/* Linux 6.18 on two CPUs, cut; the guest's 40 ticks are in user already. */
static const char stat_text[] = "cpu  300 20 1000 5000 30 1 80 250 40 0\n"
                                "cpu0 100 10 500 2500 15 1 40 125 20 0\n"
                                "cpu1 200 10 500 2500 15 0 40 125 20 0\n"
                                "intr 123 0 0\n"
                                "cpux 1\n";

static struct tokperf_span span(const char *text)
{
    return (struct tokperf_span){text, strlen(text)};
}

static void stat_is_read(void **state)
{
    (void)state;
    struct tkp_machine machine = {0};
    assert_true(tkp_machine_parse_stat(span(stat_text), &machine));
    assert_int_equal(machine.cpu_ticks, 300 + 20 + 1000 + 5000 + 30 + 1 + 80 + 250);
    assert_int_equal(machine.steal_ticks, 250);
    assert_int_equal(machine.cpus, 2);
    assert_true(tkp_machine_parse_stat(span("cpu 1 1 1 1 1 1 1 2"), &machine)); /* no guests */
    assert_int_equal(machine.steal_ticks, 2);
    assert_int_equal(machine.cpus, 0);
}

static void what_is_no_stat_changes_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "cpu",
                                      "cpu ",
                                      "cpu0 1 2 3 4 5 6 7 8\n",
                                      "cpu  1 2 3 4 5 6 7\ncpu0 1",
                                      "cpu  1 2 3 4 5 6 7 -8\n",
                                      "cpu  1 2 3 4 5 6 7 99999999999999999999\n",
                                      "cpu  18446744073709551615 1 0 0 0 0 0 1\n",
                                      "intr 1 2 3 4 5 6 7 8\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tkp_machine machine = {1, 2, 3, 4};
        assert_false(tkp_machine_parse_stat(span(bad[i]), &machine));
        assert_true(machine.cpu_ticks == 1 && machine.steal_ticks == 2 && machine.cpus == 3);
    }
}

static void load_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t milli;
    } rows[] = {{"0.20 0.18 0.12 1/80 11206\n", 200},
                {"12.05 1.00 0.00 1/2 3\n", 12050},
                {"0.00", 0},
                {"", 9},
                {"x", 9},
                {"1", 9},
                {"1.", 9},
                {"1.2", 9},
                {"-1.00", 9},
                {"1,00", 9},
                {"99999999999.00", 9}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tkp_machine machine = {.load_milli = 9};
        assert_int_equal(tkp_machine_parse_load(span(rows[i].text), &machine), rows[i].milli != 9);
        assert_int_equal(machine.load_milli, rows[i].milli);
    }
}

static void a_root_is_read(void **state)
{
    (void)state;
    struct temp_dir dir;
    struct tkp_machine machine;
    struct tokperf_error error;
    temp_dir_make(&dir);
    assert_int_equal(tkp_machine_read(dir.path, &machine, &error), TOKPERF_E_NOT_FOUND);
    assert_non_null(strstr(error.message, "proc/stat"));
    temp_dir_write(&dir, "proc/stat", "nonsense\n");
    assert_int_equal(tkp_machine_read(dir.path, &machine, &error), TOKPERF_E_PARSE);
    temp_dir_write(&dir, "proc/stat", stat_text);
    assert_int_equal(tkp_machine_read(dir.path, &machine, &error), TOKPERF_OK);
    assert_int_equal(machine.steal_ticks, 250);
    assert_int_equal(machine.load_milli, 0);
    temp_dir_write(&dir, "proc/loadavg", "3.50 0.18 0.12 1/80 11206\n");
    assert_int_equal(tkp_machine_read(dir.path, &machine, &error), TOKPERF_OK);
    assert_int_equal(machine.load_milli, 3500);
    temp_dir_remove(&dir);
}

static void governors_of_the_allowed(void **state)
{
    (void)state;
    static const char governor[] = "sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor";
    static const char *const names[] = {"performance\n", "powersave\n", "performance\n",
                                        "schedutil\n", "\n"};
    struct temp_dir dir;
    struct tkp_machine_cpus cpus;
    char list[64], small[16], path[96];
    temp_dir_make(&dir);
    for (int cpu = 0; cpu < 5; cpu++) {
        (void)snprintf(path, sizeof path, governor, cpu);
        temp_dir_write(&dir, path, names[cpu]);
    }
    memset(&cpus, 0, sizeof cpus);
    tkp_machine_governors(dir.path, &cpus, list, sizeof list);
    assert_string_equal(list, "");
    static const int allowed[] = {0, 1, 2, 4, 5, 8191}; /* not 3; 5 and 8191 have none */
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        CPU_SET_S((size_t)allowed[i], sizeof cpus.sets, cpus.sets);
    tkp_machine_governors(dir.path, &cpus, list, sizeof list);
    assert_string_equal(list, "performance, powersave");
    tkp_machine_governors(dir.path, &cpus, small, sizeof small);
    assert_string_equal(small, "performance");
    temp_dir_remove(&dir);
}

static void this_machine(void **state)
{
    (void)state;
    struct tkp_machine machine;
    struct tkp_machine_cpus cpus;
    struct tokperf_error error;
    assert_int_equal(tkp_machine_read("/", &machine, &error), TOKPERF_OK);
    assert_true(machine.cpu_ticks > 0 && machine.cpus > 0);
    tkp_machine_allowed(&cpus);
    assert_true(CPU_COUNT_S(sizeof cpus.sets, cpus.sets) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stat_is_read),
        cmocka_unit_test(what_is_no_stat_changes_nothing),
        cmocka_unit_test(load_is_read),
        cmocka_unit_test(a_root_is_read),
        cmocka_unit_test(governors_of_the_allowed),
        cmocka_unit_test(this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

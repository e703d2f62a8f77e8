/* SPDX-License-Identifier: Apache-2.0 */
/* Run directories: names, refusal to overwrite, what --overwrite clears, what cannot be made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "temp_dir.h"

#include <base/files.h>
#include <base/process_begin.h>
#include <linux/capability.h>
#include <report/rundir.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct temp_dir home;

static int enter(void **state)
{
    (void)state;
    temp_dir_make(&home);
    return chdir(home.path);
}

static int leave(void **state)
{
    (void)state;
    int left = chdir("/");
    temp_dir_remove(&home);
    return left;
}

/* A plan of one closed-loop phase of 8. */
static struct tkp_plan plan_of(struct tkp_phase_plan *phase)
{
    *phase = (struct tkp_phase_plan){
        .name = "profiling", .arrival = TKP_ARRIVAL_CLOSED, .concurrency = 8};
    return (struct tkp_plan){.endpoint_type = "chat",
                             .phases = phase,
                             .phase_count = 1,
                             .config_yaml = "benchmark: {}\n"};
}

static bool exists(const char *name)
{
    struct stat info;
    return lstat(temp_dir_path(&home, name), &info) == 0;
}

static void names_follow_model_endpoint_and_stimulus(void **state)
{
    (void)state;
    static const struct {
        const char *model, *endpoint;
        enum tkp_arrival arrival;
        uint64_t concurrency;
        double rate_per_s;
        const char *name;
    } rows[] = {
        {"m", "chat", TKP_ARRIVAL_CLOSED, 1, 0, "artifacts/m-chat-concurrency1"},
        {"Qwen/Qwen3-0.6B", "chat", TKP_ARRIVAL_CLOSED, 64, 0,
         "artifacts/Qwen_Qwen3-0.6B-chat-concurrency64"},
        {"m", "completions", TKP_ARRIVAL_POISSON, 0, 10, "artifacts/m-completions-request_rate10"},
        {"m", "chat", TKP_ARRIVAL_CONSTANT, 4, 0.5,
         "artifacts/m-chat-request_rate0.5-concurrency4"},
        {"../../etc", "chat", TKP_ARRIVAL_CLOSED, 2, 0, "artifacts/_._.._etc-chat-concurrency2"},
        {".hidden", "chat", TKP_ARRIVAL_CLOSED, 2, 0, "artifacts/_hidden-chat-concurrency2"},
        {"a b\n\xc3\xa4", "chat", TKP_ARRIVAL_CLOSED, 2, 0, "artifacts/a_b___-chat-concurrency2"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct tkp_phase_plan phase;
        struct tkp_plan plan = plan_of(&phase);
        struct tkp_rundir dir;
        struct tokperf_error error;
        plan.endpoint_type = rows[i].endpoint;
        phase.arrival = rows[i].arrival;
        phase.concurrency = rows[i].concurrency;
        phase.rate_per_s = rows[i].rate_per_s;
        assert_int_equal(tkp_rundir_create(&plan, rows[i].model, &dir, &error), TOKPERF_OK);
        assert_string_equal(dir.path, rows[i].name);
        assert_true(exists(rows[i].name));
    }
}

static void the_last_phase_names_the_stimulus(void **state)
{
    (void)state;
    struct tkp_phase_plan phases[2];
    struct tkp_plan plan = plan_of(&phases[0]);
    struct tkp_rundir dir;
    struct tokperf_error error;
    phases[1] = phases[0];
    phases[0].is_warmup = true;
    phases[1].concurrency = 99;
    plan.phase_count = 2;
    assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_OK);
    assert_string_equal(dir.path, "artifacts/m-chat-concurrency99");
    phases[0].is_warmup = false; /* no single load stands for the run */
    assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_OK);
    assert_string_equal(dir.path, "artifacts/m-chat-phases2");
}

static void long_models_are_cut(void **state)
{
    (void)state;
    struct tkp_phase_plan phase;
    struct tkp_plan plan = plan_of(&phase);
    struct tkp_rundir dir;
    struct tokperf_error error;
    char model[3000];
    memset(model, 'x', sizeof model - 1);
    model[sizeof model - 1] = '\0';
    assert_int_equal(tkp_rundir_create(&plan, model, &dir, &error), TOKPERF_OK);
    assert_true(strlen(dir.path) < 255);
    assert_non_null(strstr(dir.path, "-chat-concurrency8"));
}

static void a_taken_name_gets_a_number(void **state)
{
    (void)state;
    static const char *const names[] = {
        "artifacts/m-chat-concurrency8", "artifacts/m-chat-concurrency8-2",
        "artifacts/m-chat-concurrency8-3", "artifacts/m-chat-concurrency8-5"};
    struct tkp_phase_plan phase;
    struct tkp_plan plan = plan_of(&phase);
    for (size_t i = 0; i < COUNT(names); i++) {
        struct tkp_rundir dir;
        struct tokperf_error error;
        if (i == 3) /* a file takes a name as well */
            temp_dir_write(&home, "artifacts/m-chat-concurrency8-4", "");
        assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_OK);
        assert_string_equal(dir.path, names[i]);
        char logs[TKP_RUNDIR_PATH_BYTES];
        assert_true(tkp_files_join(logs, sizeof logs, names[i], "logs") && exists(logs));
    }
}

static void an_explicit_result_is_refused(void **state)
{
    (void)state;
    static const char *const results[] = {"records.tkr", "run.json"};
    for (size_t i = 0; i < COUNT(results); i++) {
        char name[64];
        struct tkp_phase_plan phase;
        struct tkp_plan plan = plan_of(&phase);
        struct tkp_rundir dir;
        struct tokperf_error error;
        snprintf(name, sizeof name, "mine%zu/%s", i, results[i]);
        temp_dir_write(&home, name, "old");
        snprintf(name, sizeof name, "mine%zu", i);
        plan.artifact_dir = temp_dir_path(&home, name);
        assert_int_equal(tkp_rundir_check(&plan, &error), TOKPERF_E_EXISTS);
        assert_non_null(strstr(error.message, "--overwrite"));
        assert_non_null(strstr(error.message, name));
        assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_E_EXISTS);
    }
}

/* A link that leads nowhere is still something that a run would write through. */
static void a_link_counts_as_a_result(void **state)
{
    (void)state;
    struct tkp_phase_plan phase;
    struct tkp_plan plan = plan_of(&phase);
    struct tokperf_error error;
    plan.artifact_dir = temp_dir_folder(&home, "linked");
    assert_int_equal(symlink("/nowhere", temp_dir_path(&home, "linked/records.tkr")), 0);
    assert_int_equal(tkp_rundir_check(&plan, &error), TOKPERF_E_EXISTS);
}

static void an_explicit_directory_may_hold_other_things(void **state)
{
    (void)state;
    struct tkp_phase_plan phase;
    struct tkp_plan plan = plan_of(&phase);
    struct tkp_rundir dir;
    struct tokperf_error error;
    temp_dir_write(&home, "mine/notes.txt", "keep");
    plan.artifact_dir = temp_dir_path(&home, "mine");
    plan.overwrite = true;
    assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_OK);
    assert_true(exists("mine/notes.txt") && exists("mine/logs"));
    plan.artifact_dir = temp_dir_path(&home, "new/deep/one");
    assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_OK);
    assert_true(exists("new/deep/one/logs"));
}

static void overwrite_clears_files_of_runs_only(void **state)
{
    (void)state;
    static const char *const ours[] = {"records.tkr",        "run.json",
                                       "tokens.tkr",         "config.yaml",
                                       "inputs.json",        "profile_export.json",
                                       "profile_export.csv", "profile_export_more.jsonl",
                                       "mine.json",          "mine.jsonl.01234567.tmp"};
    static const char *const others[] = {"thesis.tex",     "data.json",  "mine",   "mined.json",
                                         "profile_export", "config.yml", "my.csv", "run.json.bak"};
    struct tkp_phase_plan phase;
    struct tkp_plan plan = plan_of(&phase);
    struct tkp_rundir dir;
    struct tokperf_error error;
    char name[64];
    for (size_t i = 0; i < COUNT(ours); i++) {
        snprintf(name, sizeof name, "kept/%s", ours[i]);
        temp_dir_write(&home, name, "old");
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        snprintf(name, sizeof name, "kept/%s", others[i]);
        temp_dir_write(&home, name, "keep");
    }
    plan.artifact_dir = temp_dir_path(&home, "kept");
    plan.export_prefix = "mine";
    plan.overwrite = true;
    assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_OK);
    for (size_t i = 0; i < COUNT(ours); i++) {
        snprintf(name, sizeof name, "kept/%s", ours[i]);
        assert_false(exists(name));
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        snprintf(name, sizeof name, "kept/%s", others[i]);
        assert_true(exists(name));
    }
}

static void a_link_in_place_of_the_logs_is_not_followed(void **state)
{
    (void)state;
    struct tkp_phase_plan phase;
    struct tkp_plan plan = plan_of(&phase);
    struct tkp_rundir dir;
    struct tokperf_error error;
    temp_dir_folder(&home, "elsewhere");
    plan.artifact_dir = temp_dir_folder(&home, "mine");
    assert_int_equal(symlink("../elsewhere", temp_dir_path(&home, "mine/logs")), 0);
    assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_E_DENIED);
    assert_non_null(strstr(error.message, "mine/logs"));
}

static void overwrite_clears_regular_files_only(void **state)
{
    (void)state;
    struct tkp_phase_plan phase;
    struct tkp_plan plan = plan_of(&phase);
    struct tkp_rundir dir;
    struct tokperf_error error;
    temp_dir_write(&home, "elsewhere.txt", "not ours");
    temp_dir_write(&home, "mine/records.tkr", "old");
    temp_dir_write(&home, "mine/profile_export.json", "old");
    temp_dir_write(&home, "mine/folder/inside.txt", "keep");
    assert_int_equal(symlink("../elsewhere.txt", temp_dir_path(&home, "mine/link")), 0);
    plan.artifact_dir = temp_dir_path(&home, "mine");
    plan.overwrite = true;
    assert_int_equal(tkp_rundir_check(&plan, &error), TOKPERF_OK);
    assert_true(exists("mine/records.tkr")); /* checking changes nothing */
    assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_OK);
    assert_false(exists("mine/records.tkr"));
    assert_false(exists("mine/profile_export.json"));
    assert_true(exists("mine/folder/inside.txt"));
    assert_true(exists("mine/link"));
    assert_true(exists("elsewhere.txt"));
}

static void what_cannot_be_made_names_the_path(void **state)
{
    (void)state;
    struct tkp_phase_plan phase;
    struct tkp_plan plan = plan_of(&phase);
    struct tkp_rundir dir;
    struct tokperf_error error;
    temp_dir_write(&home, "file", "");
    plan.artifact_dir = temp_dir_path(&home, "file/below");
    assert_int_not_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_OK);
    assert_non_null(strstr(error.message, "/file"));
    temp_dir_write(&home, "artifacts", "a file where the folder should be");
    plan.artifact_dir = NULL;
    assert_int_not_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_OK);
    assert_non_null(strstr(error.message, "artifacts"));
    char path[5000];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    plan.artifact_dir = path;
    assert_int_not_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_OK);
    assert_non_null(strstr(error.message, "too long"));
}

/* Root writes everywhere but without these rights. Returns those that there were. */
static uint32_t set_rights(uint32_t rights)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    assert_int_equal(syscall(SYS_capget, &head, data), 0);
    uint32_t before = data[0].effective;
    data[0].effective = rights & data[0].permitted;
    assert_int_equal(syscall(SYS_capset, &head, data), 0);
    return before;
}

static void an_unwritable_parent_is_denied(void **state)
{
    (void)state;
    uint32_t rights = set_rights(0);
    struct tkp_phase_plan phase;
    struct tkp_plan plan = plan_of(&phase);
    struct tkp_rundir dir;
    struct tokperf_error error;
    assert_int_equal(chmod(temp_dir_folder(&home, "locked"), 0555), 0);
    plan.artifact_dir = temp_dir_path(&home, "locked/run");
    assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_E_DENIED);
    assert_non_null(strstr(error.message, "locked/run"));
    assert_int_equal(chmod(home.path, 0555), 0);
    plan.artifact_dir = NULL;
    assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_E_DENIED);
    assert_int_equal(chmod(home.path, 0755), 0);
    assert_int_equal(chmod(temp_dir_path(&home, "locked"), 0755), 0);
    set_rights(rights);
}

static void the_first_files_are_written(void **state)
{
    (void)state;
    struct tkp_phase_plan phase;
    struct tkp_plan plan = plan_of(&phase);
    struct tkp_rundir dir;
    struct tokperf_error error;
    struct tkp_buffer text;
    char expected[256], path[TKP_RUNDIR_PATH_BYTES];
    assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_OK);
    assert_int_equal(tkp_rundir_begin(&dir, &plan, "an-id", 1790000000123456789, &error),
                     TOKPERF_OK);
    tkp_log_set_file(-1);
    tkp_buffer_init(&text, 4096);
    assert_int_equal(
        tkp_files_read("artifacts/m-chat-concurrency8/config.yaml", 4096, 0, &text, &error),
        TOKPERF_OK);
    assert_string_equal(tkp_buffer_text(&text), plan.config_yaml);
    assert_int_equal(
        tkp_files_read("artifacts/m-chat-concurrency8/run.json", 4096, 0, &text, &error),
        TOKPERF_OK);
    snprintf(expected, sizeof expected,
             "{\n  \"benchmark_id\": \"an-id\",\n  \"pid\": %d,\n"
             "  \"process_begin_ticks\": %llu,\n  \"start_ns\": 1790000000123456789\n}\n",
             (int)getpid(), (unsigned long long)tkp_process_begin_ticks(getpid()));
    assert_string_equal(tkp_buffer_text(&text), expected);
    assert_true(exists("artifacts/m-chat-concurrency8/logs/tokperf.log"));
    assert_true(tkp_rundir_log_path(&dir, path, sizeof path));
    assert_string_equal(path, "artifacts/m-chat-concurrency8/records.tkr");
    assert_false(tkp_rundir_log_path(&dir, path, 12));
    tkp_buffer_finish(&text);
}

static void the_log_file_is_not_written_through_a_link(void **state)
{
    (void)state;
    struct tkp_phase_plan phase;
    struct tkp_plan plan = plan_of(&phase);
    struct tkp_rundir dir;
    struct tokperf_error error;
    struct stat info;
    const char *target = temp_dir_write(&home, "elsewhere.txt", "not ours");
    plan.artifact_dir = temp_dir_folder(&home, "mine/logs");
    assert_int_equal(symlink(target, temp_dir_path(&home, "mine/logs/tokperf.log")), 0);
    plan.artifact_dir = temp_dir_path(&home, "mine");
    plan.overwrite = true;
    assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_OK);
    assert_int_not_equal(tkp_rundir_begin(&dir, &plan, "an-id", 1, &error), TOKPERF_OK);
    assert_non_null(strstr(error.message, "tokperf.log"));
    assert_int_equal(stat(target, &info), 0);
    assert_int_equal(info.st_size, 8);
}

/* A start that fails takes away what it made and nothing else. */
static void a_discarded_start_leaves_what_was_there(void **state)
{
    (void)state;
    struct tkp_phase_plan phase;
    struct tkp_plan plan = plan_of(&phase);
    struct tkp_rundir dir = {0};
    struct tokperf_error error;
    tkp_rundir_discard(&dir);                 /* of a run that came to no directory */
    for (int there = 0; there < 2; there++) { /* the directory is new, or holds files */
        if (there) {
            temp_dir_write(&home, "mine/note.txt", "a note");
            temp_dir_write(&home, "mine/logs/other.log", "a log");
        }
        plan.artifact_dir = temp_dir_path(&home, "mine");
        assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_OK);
        assert_int_equal(tkp_rundir_begin(&dir, &plan, "an-id", 1, &error), TOKPERF_OK);
        assert_true(exists("mine/run.json"));
        tkp_log_set_file(-1);
        tkp_rundir_discard(&dir);
        assert_int_equal(exists("mine"), there);
        assert_int_equal(exists("mine/note.txt"), there);
        assert_int_equal(exists("mine/logs/other.log"), there);
        assert_false(exists("mine/run.json") || exists("mine/logs/tokperf.log"));
    }
    plan.artifact_dir = NULL;
    assert_int_equal(tkp_rundir_create(&plan, "m", &dir, &error), TOKPERF_OK);
    assert_true(exists(dir.path));
    tkp_rundir_discard(&dir);
    assert_false(exists(dir.path));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_follow_model_endpoint_and_stimulus),
        TEST(the_last_phase_names_the_stimulus),
        TEST(long_models_are_cut),
        TEST(a_taken_name_gets_a_number),
        TEST(an_explicit_result_is_refused),
        TEST(a_link_counts_as_a_result),
        TEST(an_explicit_directory_may_hold_other_things),
        TEST(overwrite_clears_files_of_runs_only),
        TEST(a_link_in_place_of_the_logs_is_not_followed),
        TEST(overwrite_clears_regular_files_only),
        TEST(what_cannot_be_made_names_the_path),
        TEST(an_unwritable_parent_is_denied),
        TEST(the_first_files_are_written),
        TEST(the_log_file_is_not_written_through_a_link),
        TEST(a_discarded_start_leaves_what_was_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

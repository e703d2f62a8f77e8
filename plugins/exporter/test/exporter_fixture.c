/* SPDX-License-Identifier: Apache-2.0 */
/* See exporter_fixture.h. */
#include "exporter_fixture.h"

#include "temp_dir.h"

#include <base/files.h>
#include <dirent.h>
#include <plugin/host.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { FILE_BYTES_MAX = 1 << 20 };

/* plugin.h gives it this name in the test's build. */
const struct tokperf_plugin *exporter_plugin(void);

static struct temp_dir dir;
static struct tkp_host host;
static struct tkp_buffer terminal, content;
static uint32_t terminal_columns;

static void write_terminal(const struct tokperf_host *unused, const char *data, uint64_t len)
{
    (void)unused;
    tkp_buffer_append(&terminal, data, len);
}

static uint32_t is_terminal(const struct tokperf_host *unused)
{
    (void)unused;
    return 0;
}

static uint32_t columns(const struct tokperf_host *unused)
{
    (void)unused;
    return terminal_columns;
}

static const void *find_service(const struct tokperf_host *unused, const char *id)
{
    static const struct tokperf_terminal_v1 memory_terminal = {
        sizeof memory_terminal, 0, write_terminal, is_terminal, columns};
    (void)unused;
    return strcmp(id, TOKPERF_SERVICE_TERMINAL) == 0 ? &memory_terminal : tkp_host_service(id);
}

int exporter_enter(void **state)
{
    (void)state;
    temp_dir_make(&dir);
    tkp_host_init(&host);
    host.api.service = find_service;
    host.output_dir = dir.path;
    terminal_columns = 100;
    tkp_buffer_init(&terminal, FILE_BYTES_MAX);
    tkp_buffer_init(&content, FILE_BYTES_MAX);
    return 0;
}

int exporter_leave(void **state)
{
    (void)state;
    tkp_buffer_finish(&terminal);
    tkp_buffer_finish(&content);
    temp_dir_remove(&dir);
    return 0;
}

tokperf_status exporter_run(struct sample_run *run, struct tokperf_error *error)
{
    const struct tokperf_exporter_vtable *vtable = exporter_plugin()->components[0]->vtable;
    const struct tokperf_config config = {.struct_size = sizeof config};
    struct tokperf_error ignored = {0};
    void *self = NULL;
    error = error ? error : &ignored;
    *error = ignored;
    assert_int_equal(vtable->create(&host.api, &config, &self, error), TOKPERF_OK);
    run->cursor.rewind(run->cursor.context);
    tokperf_status status = vtable->export_run(self, &run->summary, &run->cursor, error);
    vtable->destroy(self);
    return status;
}

const char *exporter_file(const char *name)
{
    struct tokperf_error error = {0};
    if (tkp_files_read(temp_dir_path(&dir, name), FILE_BYTES_MAX, 0, &content, &error))
        fail_msg("%s", error.message);
    return tkp_buffer_text(&content);
}

const char *exporter_terminal(void)
{
    return tkp_buffer_text(&terminal);
}

void exporter_set_columns(uint32_t count)
{
    terminal_columns = count;
    tkp_buffer_clear(&terminal);
}

unsigned exporter_file_count(void)
{
    unsigned count = 0;
    DIR *list = opendir(dir.path);
    assert_non_null(list);
    for (struct dirent *entry; (entry = readdir(list));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(list);
    return count;
}

void assert_golden(const char *name, const char *text)
{
    char path[1024];
    struct tkp_buffer golden;
    struct tokperf_error error = {0};
    assert_true(tkp_files_join(path, sizeof path, TKP_TEST_DATA "/export", name));
    if (getenv("TKP_UPDATE_GOLDEN"))
        assert_int_equal(
            tkp_files_replace(TKP_TEST_DATA "/export", name, text, strlen(text), &error), 0);
    tkp_buffer_init(&golden, FILE_BYTES_MAX);
    if (tkp_files_read(path, FILE_BYTES_MAX, 0, &golden, &error))
        fail_msg("%s", error.message);
    assert_string_equal(text, tkp_buffer_text(&golden));
    tkp_buffer_finish(&golden);
}

void test_full_disk(void **state)
{
    (void)state;
    struct sample_run run;
    struct tokperf_error error;
    struct rlimit before, small;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sample_run_init(&run);
    assert_int_equal(sigaction(SIGXFSZ, &ignore, NULL), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 100;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    tokperf_status status = exporter_run(&run, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, TOKPERF_E_IO);
    assert_non_null(strstr(error.message, "profile_export"));
    assert_int_equal(exporter_file_count(), 0);
}

void test_empty_run(void **state)
{
    (void)state;
    struct sample_run run;
    sample_run_init(&run);
    run.profiling.metric_count = run.profiling.error_count = 0;
    run.profiling.finish_reason_count = run.profiling.support_count = 0;
    run.summary.reason_count = 0;
    run.next = SAMPLE_RECORDS;
    assert_int_equal(exporter_run(&run, NULL), TOKPERF_OK);
}

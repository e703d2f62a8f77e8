/* SPDX-License-Identifier: Apache-2.0 */
/* The host's side of an exporter plugin, for tests: a directory for its files, a terminal in
 * memory, golden files. The plugin is linked in under the name exporter_plugin. */
#ifndef EXPORTER_FIXTURE_H
#define EXPORTER_FIXTURE_H

#include "sample_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* cmocka setup and teardown: an empty directory and an empty terminal of 100 columns. */
int exporter_enter(void **state);
int exporter_leave(void **state);

/* Creates the plugin's component, exports, destroys it. *error may be NULL. */
tokperf_status exporter_run(struct sample_run *run, struct tokperf_error *error);
/* What it wrote. Valid until the next call. */
const char *exporter_file(const char *name);
const char *exporter_terminal(void);
void exporter_set_columns(uint32_t columns);
/* Files in the directory, temporary ones included. */
unsigned exporter_file_count(void);

/* Compares with tests/data/export/NAME; writes it with TKP_UPDATE_GOLDEN in the environment. */
void assert_golden(const char *name, const char *text);
/* A test: on a full disk it fails with a sentence that names the file, and leaves nothing. */
void test_full_disk(void **state);
/* A test: no metric, no error, no record; the export goes well. */
void test_empty_run(void **state);

#define EXPORTER_TEST(function) \
    cmocka_unit_test_setup_teardown(function, exporter_enter, exporter_leave)

#endif

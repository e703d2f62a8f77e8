/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which a file gets its place: written and synced under a temporary name, renamed, its
 * directory synced. This program's own fsync() and rename() note what they are called for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/files.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <temp_dir.h>
#include <unistd.h>

enum { CALLS_MAX = 8 };

static struct call {
    char what; /* 'f': fsync, 'r': rename */
    ino_t inode;
    off_t size;
} calls[CALLS_MAX];
static struct temp_dir root;
static int call_count, fail_at; /* fail_at: the number of the call that fails, from 1 */

static int note(char what, const struct stat *facts)
{
    assert_true(call_count < CALLS_MAX);
    calls[call_count++] =
        (struct call){.what = what, .inode = facts->st_ino, .size = facts->st_size};
    errno = EIO;
    return call_count == fail_at ? -1 : 0;
}

int fsync(int fd)
{
    struct stat facts;
    assert_int_equal(fstat(fd, &facts), 0);
    return note('f', &facts) ? -1 : (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    struct stat facts;
    assert_int_equal(stat(from, &facts), 0);
    return note('r', &facts) ? -1 : (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

static ino_t inode_of(const char *path)
{
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    return facts.st_ino;
}

static void begin(int failing)
{
    call_count = 0;
    fail_at = failing;
}

static void is_synced_before_and_behind_its_rename(void **state)
{
    struct tokperf_error error;
    const char *dir = root.path, *path = temp_dir_path(&root, "result");
    (void)state;
    begin(0);
    assert_int_equal(tkp_files_replace(dir, "result", "12345", 5, &error), TOKPERF_OK);
    assert_int_equal(call_count, 3);
    assert_int_equal(calls[0].what, 'f');
    assert_true(calls[0].inode == inode_of(path));
    assert_int_equal(calls[0].size, 5); /* all of it was written by then */
    assert_int_equal(calls[1].what, 'r');
    assert_true(calls[1].inode == inode_of(path));
    assert_int_equal(calls[2].what, 'f');
    assert_true(calls[2].inode == inode_of(dir));
}

static void a_failure_on_the_way_is_told(void **state)
{
    static const char *const says[] = {"cannot sync '", "in place", "cannot sync the directory"};
    struct tokperf_error error;
    const char *dir = root.path, *path = temp_dir_path(&root, "other");
    (void)state;
    for (int at = 1; at <= 3; at++) {
        begin(at);
        assert_int_equal(tkp_files_replace(dir, "other", "1", 1, &error), TOKPERF_E_IO);
        assert_non_null(strstr(error.message, says[at - 1]));
        assert_int_equal(call_count, at); /* what is not safe does not get the name */
        assert_int_equal(access(path, F_OK), at == 3 ? 0 : -1);
    }
}

static int enter(void **state)
{
    (void)state;
    temp_dir_make(&root);
    return 0;
}

static int leave(void **state)
{
    (void)state;
    temp_dir_remove(&root);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_synced_before_and_behind_its_rename, enter, leave),
        cmocka_unit_test_setup_teardown(a_failure_on_the_way_is_told, enter, leave),
    };
    return cmocka_run_group_tests_name("outfile", tests, NULL, NULL);
}

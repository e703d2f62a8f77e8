/* SPDX-License-Identifier: Apache-2.0 */
/* Files: reading by safe rules, atomic replacement, full disks. Each test has its own directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/files.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char root[64];

static const char *in_root(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % 4];
    assert_true(tkp_files_join(path, PATH_MAX, root, name));
    return path;
}

static void put_file(const char *name, const char *data, size_t len)
{
    struct tokperf_error error;
    assert_int_equal(tkp_files_replace(root, name, data, len, &error), TOKPERF_OK);
}

static int enter(void **state)
{
    (void)state;
    char *base = realpath(P_tmpdir, NULL); /* the walk refuses symbolic links */
    if (!base)
        return -1;
    snprintf(root, sizeof root, "%s/tokperf-files-XXXXXX", base);
    free(base);
    return mkdtemp(root) ? 0 : -1;
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char child[PATH_MAX];
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
            !tkp_files_join(child, sizeof child, path, entry->d_name))
            continue;
        if (unlink(child) && (errno == EISDIR || errno == EPERM))
            remove_tree(child);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

static int leave(void **state)
{
    (void)state;
    remove_tree(root);
    return 0;
}

static unsigned files_in_root(void)
{
    unsigned count = 0;
    DIR *dir = opendir(root);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void reads_up_to_the_bound(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 65535, 65536, 65537, 200000};
    char *data = malloc(200000);
    assert_non_null(data);
    memset(data, 'x', 200000);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct tkp_buffer out;
        struct tokperf_error error;
        tkp_buffer_init(&out, 1 << 20);
        put_file("data", data, sizes[i]);
        assert_int_equal(tkp_files_read(in_root("data"), sizes[i], 0, &out, &error), TOKPERF_OK);
        assert_int_equal(out.len, sizes[i]);
        assert_int_equal(out.data[out.len], '\0'); /* of an empty file too */
        assert_true(!sizes[i] || !memcmp(out.data, data, sizes[i]));
        if (sizes[i]) {
            assert_int_equal(tkp_files_read(in_root("data"), sizes[i] - 1, 0, &out, &error),
                             TOKPERF_E_LIMIT);
            assert_non_null(strstr(error.message, "data"));
            assert_int_equal(out.len, 0);
        }
        tkp_buffer_finish(&out);
    }
    free(data);
}

/* Files of /proc say size 0: only reading finds where they end. */
static void reads_files_of_unknown_size(void **state)
{
    (void)state;
    struct tkp_buffer out;
    struct tokperf_error error;
    tkp_buffer_init(&out, 1 << 20);
    assert_int_equal(tkp_files_read("/proc/self/maps", 1 << 20, 0, &out, &error), TOKPERF_OK);
    assert_true(out.len > 100);
    assert_int_equal(tkp_files_read("/proc/self/maps", 100, 0, &out, &error), TOKPERF_E_LIMIT);
    tkp_buffer_finish(&out);
    tkp_buffer_init(&out, 50);
    assert_int_equal(tkp_files_read("/proc/self/maps", 1 << 20, 0, &out, &error), TOKPERF_E_LIMIT);
    tkp_buffer_finish(&out);
}

static void refusals_name_the_path(void **state)
{
    (void)state;
    assert_int_equal(mkdir(in_root("dir"), 0755), 0);
    assert_int_equal(mkfifo(in_root("fifo"), 0644), 0);
    put_file("plain", "x", 1);
    static const struct {
        const char *name;
        unsigned flags;
        tokperf_status want;
        const char *says;
    } cases[] = {
        {"missing", 0, TOKPERF_E_NOT_FOUND, "No such file"},
        {"missing", TKP_FILES_NO_SYMLINK, TOKPERF_E_NOT_FOUND, "No such file"},
        {"no/such", TKP_FILES_NO_SYMLINK, TOKPERF_E_NOT_FOUND, "No such file"},
        {"plain/x", TKP_FILES_NO_SYMLINK, TOKPERF_E_NOT_FOUND, "Not a directory"},
        {"dir", 0, TOKPERF_E_INVALID, "not a regular file"},
        {"dir/", TKP_FILES_NO_SYMLINK, TOKPERF_E_INVALID, "not a regular file"},
        {"fifo", 0, TOKPERF_E_INVALID, "not a regular file"},
        {"fifo", TKP_FILES_NO_SYMLINK, TOKPERF_E_INVALID, "not a regular file"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tkp_buffer out;
        struct tokperf_error error = {0};
        tkp_buffer_init(&out, 100);
        const char *path = in_root(cases[i].name);
        assert_int_equal(tkp_files_read(path, 100, cases[i].flags, &out, &error), cases[i].want);
        assert_int_equal(error.status, cases[i].want);
        assert_non_null(strstr(error.message, path));
        assert_non_null(strstr(error.message, cases[i].says));
        tkp_buffer_finish(&out);
    }
}

static void symbolic_links_are_not_followed(void **state)
{
    (void)state;
    struct tkp_buffer out;
    struct tokperf_error error;
    tkp_buffer_init(&out, 100);
    assert_int_equal(mkdir(in_root("dir"), 0755), 0);
    put_file("dir/real", "content", 7);
    assert_int_equal(symlink("real", in_root("dir/link")), 0);
    assert_int_equal(symlink("dir", in_root("other")), 0);
    static const char *const linked[] = {"dir/link", "other/real", "other/../dir/real"};
    for (size_t i = 0; i < COUNT(linked); i++) {
        assert_int_equal(tkp_files_read(in_root(linked[i]), 100, 0, &out, &error), TOKPERF_OK);
        assert_string_equal(tkp_buffer_text(&out), "content");
        assert_int_equal(
            tkp_files_read(in_root(linked[i]), 100, TKP_FILES_NO_SYMLINK, &out, &error),
            TOKPERF_E_DENIED);
        assert_non_null(strstr(error.message, "symbolic link"));
    }
    static const char *const direct[] = {"dir/real", "dir//real", "./dir/../dir/real"};
    for (size_t i = 0; i < COUNT(direct); i++)
        assert_int_equal(
            tkp_files_read(in_root(direct[i]), 100, TKP_FILES_NO_SYMLINK, &out, &error),
            TOKPERF_OK);
    tkp_buffer_finish(&out);
}

static void utf8_is_checked_with_its_line(void **state)
{
    (void)state;
    struct tkp_buffer out;
    struct tokperf_error error;
    tkp_buffer_init(&out, 100);
    put_file("bad",
             "one\ntwo\nth\xff"
             "ree\nfour\n",
             19);
    assert_int_equal(tkp_files_read(in_root("bad"), 100, TKP_FILES_UTF8, &out, &error),
                     TOKPERF_E_PARSE);
    assert_non_null(strstr(error.message, "bad:3:"));
    assert_int_equal(tkp_files_read(in_root("bad"), 100, 0, &out, &error), TOKPERF_OK);
    put_file("good", "caf\xc3\xa9\n", 6);
    assert_int_equal(tkp_files_read(in_root("good"), 100, TKP_FILES_UTF8, &out, &error),
                     TOKPERF_OK);
    tkp_buffer_finish(&out);
}

static void commit_replaces_close_leaves_nothing(void **state)
{
    (void)state;
    struct tkp_outfile *file;
    struct tokperf_error error;
    struct tkp_buffer out;
    tkp_buffer_init(&out, 1 << 20);
    put_file("result", "old", 3);
    assert_int_equal(tkp_outfile_open(root, "result", &file, &error), TOKPERF_OK);
    tkp_outfile_write(file, "lost", 4);
    tkp_outfile_close(file);
    assert_int_equal(files_in_root(), 1);
    assert_int_equal(tkp_files_read(in_root("result"), 99, 0, &out, &error), TOKPERF_OK);
    assert_string_equal(tkp_buffer_text(&out), "old");

    assert_int_equal(tkp_outfile_open(root, "result", &file, &error), TOKPERF_OK);
    for (int i = 0; i < 30000; i++)
        tkp_outfile_printf(file, "%06d\n", i);
    tkp_outfile_printf(file, "%02000d", 7); /* longer than the line on the stack */
    assert_int_equal(files_in_root(), 2);
    assert_int_equal(tkp_outfile_commit(file, &error), TOKPERF_OK);
    assert_int_equal(tkp_outfile_commit(file, &error), TOKPERF_E_STATE);
    tkp_outfile_close(file);
    assert_int_equal(files_in_root(), 1);
    assert_int_equal(tkp_files_read(in_root("result"), 1 << 20, 0, &out, &error), TOKPERF_OK);
    assert_int_equal(out.len, 30000 * 7 + 2000);
    assert_memory_equal(out.data + 29999 * 7, "029999\n0000", 11);
    tkp_buffer_finish(&out);
    tkp_outfile_close(NULL);
}

static void new_files_honour_the_umask(void **state)
{
    (void)state;
    struct stat st;
    mode_t old = umask(027);
    put_file("mode", "x", 1);
    umask(old);
    assert_int_equal(stat(in_root("mode"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

/* A replaced symbolic link is itself replaced; what it pointed at stays. */
static void replacing_does_not_write_through_links(void **state)
{
    (void)state;
    struct tkp_buffer out;
    struct tokperf_error error;
    tkp_buffer_init(&out, 100);
    put_file("precious", "keep", 4);
    assert_int_equal(symlink("precious", in_root("link")), 0);
    put_file("link", "new", 3);
    assert_int_equal(tkp_files_read(in_root("precious"), 100, 0, &out, &error), TOKPERF_OK);
    assert_string_equal(tkp_buffer_text(&out), "keep");
    assert_int_equal(tkp_files_read(in_root("link"), 100, TKP_FILES_NO_SYMLINK, &out, &error),
                     TOKPERF_OK);
    assert_string_equal(tkp_buffer_text(&out), "new");
    tkp_buffer_finish(&out);
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    struct tokperf_error error;
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        skip();
    assert_int_equal(tkp_files_write_all(fd, "x", 1, &error), TOKPERF_E_IO);
    assert_non_null(strstr(error.message, "No space left"));
    assert_int_equal(tkp_files_write_all(fd, "", 0, &error), TOKPERF_OK);
    close(fd);
}

/* A limit on file sizes stands for a disk that fills up while writing. */
static void the_first_failure_is_kept_until_commit(void **state)
{
    (void)state;
    struct rlimit old, small;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = 100000, .rlim_max = old.rlim_max};
    put_file("result", "old", 3);
    struct tkp_outfile *file;
    struct tokperf_error error;
    char block[4096];
    memset(block, 'x', sizeof block);
    assert_int_equal(tkp_outfile_open(root, "result", &file, &error), TOKPERF_OK);
    sigaction(SIGXFSZ, &ignore, &before);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    for (int i = 0; i < 64; i++)
        tkp_outfile_write(file, block, sizeof block);
    tokperf_status status = tkp_outfile_commit(file, &error);
    setrlimit(RLIMIT_FSIZE, &old);
    sigaction(SIGXFSZ, &before, NULL);
    assert_int_equal(status, TOKPERF_E_IO);
    assert_non_null(strstr(error.message, "result"));
    assert_non_null(strstr(error.message, "File too large"));
    tkp_outfile_close(file);
    assert_int_equal(files_in_root(), 1);
    struct tkp_buffer out;
    tkp_buffer_init(&out, 100);
    assert_int_equal(tkp_files_read(in_root("result"), 100, 0, &out, &error), TOKPERF_OK);
    assert_string_equal(tkp_buffer_text(&out), "old");
    tkp_buffer_finish(&out);
}

static void opening_refuses_bad_places(void **state)
{
    (void)state;
    struct tkp_outfile *file;
    struct tokperf_error error;
    assert_int_equal(tkp_outfile_open(root, "../x", &file, &error), TOKPERF_E_DENIED);
    assert_null(file);
    assert_int_equal(tkp_outfile_open(root, "no/dir", &file, &error), TOKPERF_E_IO);
    assert_non_null(strstr(error.message, "no/dir"));
    char path[PATH_MAX + 10];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(tkp_outfile_open(path, "x", &file, &error), TOKPERF_E_INVALID);
}

static void directories_are_made(void **state)
{
    (void)state;
    struct tokperf_error error;
    struct stat st;
    assert_int_equal(tkp_files_make_dirs(in_root("a/b//c/"), &error), TOKPERF_OK);
    assert_int_equal(tkp_files_make_dirs(in_root("a/b/c"), &error), TOKPERF_OK);
    assert_int_equal(stat(in_root("a/b/c"), &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    put_file("a/file", "x", 1);
    assert_int_equal(tkp_files_make_dirs(in_root("a/file"), &error), TOKPERF_E_EXISTS);
    assert_int_equal(tkp_files_make_dirs(in_root("a/file/d"), &error), TOKPERF_E_EXISTS);
    assert_int_equal(tkp_files_make_dirs("", &error), TOKPERF_E_INVALID);
    assert_int_equal(tkp_files_make_dirs("/", &error), TOKPERF_OK);
    assert_int_not_equal(tkp_files_make_dirs("/proc/no-such-place", &error), TOKPERF_OK);
    assert_non_null(strstr(error.message, "/proc/no-such-place"));
}

static void a_link_is_no_directory_of_its_own(void **state)
{
    (void)state;
    struct tokperf_error error;
    assert_int_equal(tkp_files_make_own_dir(in_root("own/there"), &error), TOKPERF_OK);
    assert_int_equal(tkp_files_make_own_dir(in_root("own/there"), &error), TOKPERF_OK);
    assert_int_equal(symlink("there", in_root("own/link")), 0);
    assert_int_equal(tkp_files_make_own_dir(in_root("own/link"), &error), TOKPERF_E_DENIED);
    assert_non_null(strstr(error.message, "own/link' is no directory of its own"));
    assert_int_equal(tkp_files_make_own_dir(in_root("own/link/below"), &error), TOKPERF_OK);
}

static void names_and_paths(void **state)
{
    (void)state;
    static const char *const safe[] = {"a", "a.json", "a/b", "..a", "a..", ".hidden", "a/...b"};
    static const char *const unsafe[] = {"",     "/",    "/a",    ".",  "..",    "a/..",
                                         "../a", "a//b", "a/./b", "a/", "a/../b"};
    for (size_t i = 0; i < COUNT(safe); i++)
        assert_true(tkp_files_is_safe_name(safe[i]));
    for (size_t i = 0; i < COUNT(unsafe); i++)
        assert_false(tkp_files_is_safe_name(unsafe[i]));
    char out[8];
    assert_true(tkp_files_join(out, sizeof out, "abc", "def"));
    assert_string_equal(out, "abc/def");
    assert_true(tkp_files_join(out, sizeof out, "abc/", "def"));
    assert_string_equal(out, "abc/def");
    assert_true(tkp_files_join(out, sizeof out, "", "def"));
    assert_string_equal(out, "def");
    assert_false(tkp_files_join(out, sizeof out, "abc", "defg"));
}

#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ROOT(reads_up_to_the_bound),
        WITH_ROOT(reads_files_of_unknown_size),
        WITH_ROOT(refusals_name_the_path),
        WITH_ROOT(symbolic_links_are_not_followed),
        WITH_ROOT(utf8_is_checked_with_its_line),
        WITH_ROOT(commit_replaces_close_leaves_nothing),
        WITH_ROOT(new_files_honour_the_umask),
        WITH_ROOT(replacing_does_not_write_through_links),
        WITH_ROOT(a_full_disk_is_an_error),
        WITH_ROOT(the_first_failure_is_kept_until_commit),
        WITH_ROOT(opening_refuses_bad_places),
        WITH_ROOT(directories_are_made),
        WITH_ROOT(a_link_is_no_directory_of_its_own),
        WITH_ROOT(names_and_paths),
    };
    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}

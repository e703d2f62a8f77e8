/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary folders and whole files for tests of the record log. Include behind cmocka.h. */
#ifndef TKP_TEST_RECORD_FILES_H
#define TKP_TEST_RECORD_FILES_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A test's folder and the log in it. */
struct record_files {
    char dir[256], path[300];
};

static inline void record_files_init(struct record_files *files)
{
    snprintf(files->dir, sizeof files->dir, "/tmp/tokperf-record-XXXXXX");
    assert_non_null(mkdtemp(files->dir));
    snprintf(files->path, sizeof files->path, "%s/records.tkr", files->dir);
}

static inline void record_files_finish(struct record_files *files)
{
    unlink(files->path);
    assert_int_equal(rmdir(files->dir), 0);
}

/* For a test whose state they are. */
static inline int record_files_setup(void **state)
{
    struct record_files *files = malloc(sizeof *files);
    record_files_init(files);
    *state = files;
    return 0;
}

static inline int record_files_teardown(void **state)
{
    record_files_finish(*state);
    free(*state);
    return 0;
}

#define RECORD_FILES_TEST(f) \
    cmocka_unit_test_setup_teardown(f, record_files_setup, record_files_teardown)

/* The whole file on the heap. */
static inline unsigned char *record_files_load(const char *path, size_t *len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st = {0};
    assert_true(fd >= 0 && !fstat(fd, &st));
    *len = (size_t)st.st_size;
    unsigned char *data = malloc(*len + 1);
    assert_int_equal(read(fd, data, *len), (ssize_t)*len);
    close(fd);
    return data;
}

static inline void record_files_store(const char *path, const unsigned char *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    close(fd);
}

#endif

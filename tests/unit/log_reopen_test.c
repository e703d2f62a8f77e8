/* SPDX-License-Identifier: Apache-2.0 */
/* records.tkr when it is complete: what is added behind its end, and who watches it being read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <record_files.h>
#include <row_samples.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <row_log.h>

enum { ROWS = 12, BLOCKS = ROWS + 2 /* RUN, each row in its own, END */ };

static void write_log(const char *path)
{
    struct row_log log;
    row_log_open(&log, path);
    row_log_note(&log, TKP_LOG_RUN, "{}");
    for (uint64_t n = 0; n < ROWS; n++) {
        struct tkp_row row = sample_row_of_run(n);
        row_log_add(&log, &row, NULL);
    }
    row_log_close(&log, true);
}

static struct tkp_log_reader *open_log(const char *path)
{
    struct tkp_log_reader *reader;
    struct tokperf_error error;
    assert_int_equal(tkp_log_open(path, &reader, &error), TOKPERF_OK);
    return reader;
}

struct found {
    uint64_t rows, stops;
    bool torn;
};

static struct found read_on(struct tkp_log_reader *reader)
{
    struct found found = {0};
    struct tkp_log_entry entry;
    struct tokperf_error error;
    while (tkp_log_next(reader, &entry, &error) == TOKPERF_OK) {
        found.rows += entry.kind == TKP_LOG_ROWS;
        found.stops += entry.kind == TKP_LOG_STOP;
    }
    found.torn = tkp_log_is_torn(reader);
    return found;
}

static struct found read_file(const char *path)
{
    struct tkp_log_reader *reader = open_log(path);
    struct found found = read_on(reader);
    tkp_log_reader_close(reader);
    return found;
}

static void add(const char *path, enum tkp_log_kind kind)
{
    struct tkp_log_writer *writer;
    struct tokperf_error error;
    assert_int_equal(tkp_log_reopen(path, &writer, &error), TOKPERF_OK);
    tkp_log_append(writer, kind, "{}", 2);
    tkp_log_sync(writer);
    assert_false(tkp_log_failed(writer, NULL));
    tkp_log_close(writer);
}

static void a_stop_may_follow_the_end(void **state)
{
    struct record_files *files = *state;
    struct tkp_log_writer *writer;
    struct tokperf_error error;
    assert_int_equal(tkp_log_reopen(files->path, &writer, &error), TOKPERF_E_IO); /* no such file */
    write_log(files->path);
    add(files->path, TKP_LOG_STOP);
    struct found found = read_file(files->path);
    assert_int_equal(found.rows, ROWS);
    assert_int_equal(found.stops, 1);
    assert_false(found.torn);
    add(files->path, TKP_LOG_PHASE); /* anything else has lost its end */
    assert_true(read_file(files->path).torn);
}

/* There is room for a part of a note. The child's exit status: 0, or what was wrong. */
static int add_limited(const char *path, size_t whole_bytes)
{
    static char note[4000];
    struct tkp_log_writer *writer;
    struct tokperf_error error;
    struct rlimit limit = {whole_bytes + 100, whole_bytes + 100};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGXFSZ, &ignore, NULL);
    if (setrlimit(RLIMIT_FSIZE, &limit) || tkp_log_reopen(path, &writer, &error))
        return 2;
    tkp_log_append(writer, TKP_LOG_STOP, note, sizeof note);
    tkp_log_sync(writer);
    bool failed = tkp_log_failed(writer, NULL);
    tkp_log_close(writer);
    return failed ? 0 : 3;
}

static void without_room_it_stays_as_it_was(void **state)
{
    struct record_files *files = *state;
    size_t before, after;
    int status;
    write_log(files->path);
    free(record_files_load(files->path, &before));
    pid_t child = fork();
    if (child == 0)
        _exit(add_limited(files->path, before));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    free(record_files_load(files->path, &after));
    assert_int_equal(after, before);
    assert_false(read_file(files->path).torn);
}

static void count_look(void *context)
{
    (*(uint64_t *)context)++;
}

static void a_look_before_each_block(void **state)
{
    struct record_files *files = *state;
    uint64_t looks = 0;
    write_log(files->path);
    struct tkp_log_reader *reader = open_log(files->path);
    tkp_log_watch(reader, count_look, &looks);
    assert_int_equal(read_on(reader).rows, ROWS);
    assert_int_equal(looks, BLOCKS + 1); /* and before the one that is not there */
    tkp_log_rewind(reader);
    assert_int_equal(looks, BLOCKS + 2);
    tkp_log_reader_close(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORD_FILES_TEST(a_stop_may_follow_the_end),
        RECORD_FILES_TEST(without_room_it_stays_as_it_was),
        RECORD_FILES_TEST(a_look_before_each_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* records.tkr: what was appended is read back; full disks, cut files and flipped bits are seen. */
#include <record/log.h>

#include <errno.h>
#include <record/log_format.h>
#include <row_samples.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <cmocka.h>
#include <record_files.h>

static struct tkp_log_writer *create(const char *path)
{
    struct tkp_log_writer *writer;
    struct tokperf_error error;
    if (tkp_log_create(path, true, &writer, &error))
        fail_msg("%s", error.message);
    return writer;
}

static struct tkp_log_reader *open_log(const char *path)
{
    struct tkp_log_reader *reader;
    struct tokperf_error error;
    if (tkp_log_open(path, &reader, &error))
        fail_msg("%s", error.message);
    return reader;
}

static void append_text(struct tkp_log_writer *writer, uint32_t kind, const char *text)
{
    tkp_log_append(writer, kind, text, (uint32_t)strlen(text));
}

static void append_blocks(struct tkp_log_writer *writer, struct tkp_block_channel *channel)
{
    struct tkp_block *block;
    while ((block = tkp_block_take(channel))) {
        tkp_log_append(writer, block->kind, block->data, block->used_bytes);
        tkp_block_give_back(channel, block);
    }
}

static void append_row(struct tkp_log_writer *writer, struct tkp_block_channel *channel, uint64_t n,
                       uint32_t chunk_count)
{
    struct sample_chunks chunks;
    struct tkp_chunk_source source;
    struct tkp_row row = sample_stream(n, chunk_count, &chunks, &source);
    while (!tkp_block_put(channel, &row, &source, NULL, 0))
        append_blocks(writer, channel);
}

static uint32_t chunks_of(uint64_t n)
{
    return n % 8 == 5 ? 40000 : (uint32_t)(n * 7 % 20);
}

/* RUN, rows 0 to row_count of alternating workers in blocks of a few, a PHASE, END. */
static void write_log(const char *path, uint64_t row_count, uint32_t (*chunk_count)(uint64_t))
{
    struct tkp_log_writer *writer = create(path);
    struct tkp_block_channel *channels[2] = {tkp_block_channel_create(0, 2),
                                             tkp_block_channel_create(1, 2)};
    append_text(writer, TKP_LOG_RUN, "{\"run\":1}");
    for (uint64_t n = 0; n < row_count; n++) {
        append_row(writer, channels[n % 2], n, chunk_count(n));
        if (n % 6 >= 4) {
            tkp_block_flush(channels[n % 2], 0, true);
            append_blocks(writer, channels[n % 2]);
        }
    }
    for (int i = 0; i < 2; i++) {
        tkp_block_flush(channels[i], 0, true);
        append_blocks(writer, channels[i]);
        tkp_block_channel_destroy(channels[i]);
    }
    append_text(writer, TKP_LOG_PHASE, "{}");
    append_text(writer, TKP_LOG_END, "");
    assert_false(tkp_log_failed(writer, NULL));
    tkp_log_close(writer);
}

/* What a reading found. */
struct found {
    uint64_t rows, notes;
    bool wrong; /* a row that is not as it was written */
    bool torn;
    tokperf_status end;
    struct tokperf_error error;
};

static void check_row(struct found *found, const struct tkp_log_entry *entry,
                      uint32_t (*chunk_count)(uint64_t))
{
    struct tkp_row expected = sample_row(entry->row.ordinal);
    expected.flags |= TKP_ROW_STREAM_ASKED | TKP_ROW_STREAMED;
    expected.chunk_count = chunk_count(entry->row.ordinal);
    found->rows++;
    found->wrong |= memcmp(&expected, &entry->row, sizeof expected) != 0 ||
                    entry->chunk_ns_count != expected.chunk_count ||
                    !sample_times_match(expected.ordinal, entry->chunk_ns, entry->chunk_ns_count);
}

static struct found read_on(struct tkp_log_reader *reader, uint32_t (*chunk_count)(uint64_t))
{
    struct found found = {0};
    struct tkp_log_entry entry;
    while (!(found.end = tkp_log_next(reader, &entry, &found.error))) {
        if (entry.kind == TKP_LOG_ROWS)
            check_row(&found, &entry, chunk_count);
        else
            found.notes++;
    }
    found.torn = tkp_log_is_torn(reader);
    assert_int_equal(tkp_log_next(reader, &entry, NULL), TOKPERF_E_NOT_FOUND);
    return found;
}

static struct found read_file(const char *path, uint32_t (*chunk_count)(uint64_t))
{
    struct found found = {.torn = true};
    struct tkp_log_reader *reader;
    found.end = tkp_log_open(path, &reader, &found.error);
    if (found.end)
        return found;
    found = read_on(reader, chunk_count);
    tkp_log_reader_close(reader);
    return found;
}

static void test_round_trip(void **state)
{
    struct record_files *files = *state;
    write_log(files->path, 200, chunks_of);
    struct tkp_log_reader *reader = open_log(files->path);
    for (int pass = 0; pass < 2; pass++) {
        struct found found = read_on(reader, chunks_of);
        assert_int_equal(found.rows, 200);
        assert_int_equal(found.notes, 3);
        assert_false(found.wrong);
        assert_false(found.torn);
        assert_int_equal(found.end, TOKPERF_E_NOT_FOUND);
        tkp_log_rewind(reader);
    }
    struct tkp_log_entry entry;
    assert_int_equal(tkp_log_next(reader, &entry, NULL), TOKPERF_OK);
    assert_int_equal(entry.kind, TKP_LOG_RUN);
    assert_int_equal(entry.payload.len, 9);
    assert_memory_equal(entry.payload.data, "{\"run\":1}", 9);
    tkp_log_reader_close(reader);
}

static void test_create(void **state)
{
    struct record_files *files = *state;
    struct tkp_log_writer *writer, *second;
    struct tokperf_error error;
    struct stat st;
    mode_t mask = umask(022);
    assert_int_equal(tkp_log_create(files->path, false, &writer, &error), TOKPERF_OK);
    umask(mask);
    assert_int_equal(stat(files->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    append_text(writer, TKP_LOG_RUN, "{}");
    tkp_log_sync(writer);
    assert_int_equal(tkp_log_create(files->path, false, &second, &error), TOKPERF_E_EXISTS);
    assert_non_null(strstr(error.message, files->path));
    assert_int_equal(stat(files->path, &st), 0);
    assert_int_equal(st.st_size, 18); /* the head's 16 bytes and "{}" */
    tkp_log_close(writer);
    tkp_log_close(create(files->path));
    assert_int_equal(stat(files->path, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(tkp_log_create("/nonexistent/records.tkr", false, &second, &error),
                     TOKPERF_E_IO);
}

static void test_not_a_log(void **state)
{
    struct record_files *files = *state;
    struct tkp_log_reader *reader;
    struct tokperf_error error;
    assert_int_equal(tkp_log_open(files->path, &reader, &error), TOKPERF_E_NOT_FOUND);
    assert_int_equal(tkp_log_open(files->dir, &reader, &error), TOKPERF_E_PARSE);
    record_files_store(files->path, (const unsigned char *)"{\"a\":1}", 7);
    assert_int_equal(tkp_log_open(files->path, &reader, &error), TOKPERF_E_PARSE);
    assert_non_null(strstr(error.message, files->path));
    record_files_store(files->path, (const unsigned char *)"", 0);
    struct found found = read_file(files->path, chunks_of);
    assert_true(found.torn);
    assert_int_equal(found.end, TOKPERF_E_NOT_FOUND);
}

static void test_full_disk(void **state)
{
    (void)state;
    struct tkp_log_writer *writer = create("/dev/full");
    struct tokperf_error error;
    for (int i = 0; i < 5; i++)
        append_text(writer, TKP_LOG_PHASE, "{}");
    assert_false(tkp_log_failed(writer, &error));
    tkp_log_write_out(writer);
    assert_true(tkp_log_failed(writer, &error));
    assert_int_equal(error.status, TOKPERF_E_IO);
    assert_non_null(strstr(error.message, "No space left on device"));
    assert_int_equal(tkp_log_lost_blocks(writer), 5);
    append_text(writer, TKP_LOG_PHASE, "{}");
    tkp_log_sync(writer);
    assert_int_equal(tkp_log_lost_blocks(writer), 6);
    tkp_log_close(writer);
}

/* A file that may not grow: writes become short, then fail. The child's exit status: 0, or what
 * was wrong. */
static int fill_limited(const char *path, uint64_t blocks, uint64_t *lost)
{
    static char note[4000];
    struct rlimit limit = {2500001, 2500001};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGXFSZ, &ignore, NULL);
    if (setrlimit(RLIMIT_FSIZE, &limit))
        return 2;
    struct tkp_log_writer *writer = create(path);
    for (uint64_t i = 0; i < blocks; i++)
        tkp_log_append(writer, TKP_LOG_PHASE, note, sizeof note);
    tkp_log_sync(writer);
    *lost = tkp_log_lost_blocks(writer);
    bool failed = tkp_log_failed(writer, NULL);
    tkp_log_close(writer);
    return failed ? 0 : 3;
}

static void test_short_writes(void **state)
{
    struct record_files *files = *state;
    enum { BLOCKS = 1500 };
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        uint64_t lost = 0;
        int result = fill_limited(files->path, BLOCKS, &lost);
        if (write(ends[1], &lost, sizeof lost) != sizeof lost)
            result = 4;
        _exit(result);
    }
    uint64_t lost = 0;
    int result = -1;
    assert_int_equal(read(ends[0], &lost, sizeof lost), sizeof lost);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    close(ends[0]);
    close(ends[1]);
    struct found found = read_file(files->path, chunks_of);
    assert_int_equal(found.notes, 2500001 / 4016);
    assert_int_equal(found.notes + lost, BLOCKS);
    assert_true(found.torn);
    assert_int_equal(found.end, TOKPERF_E_NOT_FOUND);
}

static void test_large_notes(void **state)
{
    struct record_files *files = *state;
    static const uint32_t sizes[] = {1 << 20, (1 << 20) - 16, 1, 3 << 20,
                                     TKP_LOG_MAX_PAYLOAD_BYTES};
    enum { COUNT = sizeof sizes / sizeof sizes[0] };
    char *text = malloc(TKP_LOG_MAX_PAYLOAD_BYTES + 1);
    memset(text, 'x', TKP_LOG_MAX_PAYLOAD_BYTES + 1);
    struct tkp_log_writer *writer = create(files->path);
    for (size_t i = 0; i < COUNT; i++)
        tkp_log_append(writer, TKP_LOG_RUN, text, sizes[i]);
    assert_false(tkp_log_failed(writer, NULL));
    tkp_log_append(writer, TKP_LOG_RUN, text, TKP_LOG_MAX_PAYLOAD_BYTES + 1);
    assert_true(tkp_log_failed(writer, NULL));
    tkp_log_close(writer);
    struct tkp_log_reader *reader = open_log(files->path);
    struct tkp_log_entry entry;
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(tkp_log_next(reader, &entry, NULL), TOKPERF_OK);
        assert_int_equal(entry.payload.len, sizes[i]);
        assert_memory_equal(entry.payload.data, text, sizes[i]);
    }
    assert_int_equal(tkp_log_next(reader, &entry, NULL), TOKPERF_E_NOT_FOUND);
    tkp_log_reader_close(reader);
    free(text);
}

static uint32_t few_chunks(uint64_t n)
{
    return (uint32_t)(n * 7 % 20);
}

static void test_cut_anywhere(void **state)
{
    struct record_files *files = *state;
    write_log(files->path, 14, few_chunks);
    size_t len;
    unsigned char *file = record_files_load(files->path, &len);
    uint64_t rows = 0;
    for (size_t cut = 0; cut <= len; cut++) {
        record_files_store(files->path, file, cut);
        struct found found = read_file(files->path, few_chunks);
        assert_int_equal(found.end, TOKPERF_E_NOT_FOUND);
        assert_false(found.wrong);
        assert_int_equal(found.torn, cut < len);
        assert_true(found.rows >= rows); /* more file, never fewer rows */
        rows = found.rows;
    }
    assert_int_equal(rows, 14);
    free(file);
}

static void test_flipped_bits(void **state)
{
    struct record_files *files = *state;
    write_log(files->path, 8, few_chunks);
    size_t len, damaged = 0;
    unsigned char *file = record_files_load(files->path, &len);
    for (size_t bit = 0; bit < len * 8; bit++) {
        file[bit / 8] ^= (unsigned char)(1u << bit % 8);
        record_files_store(files->path, file, len);
        struct found found = read_file(files->path, few_chunks);
        assert_true(found.torn);
        assert_false(found.wrong);
        assert_true(found.rows <= 8);
        damaged += found.end == TOKPERF_E_PARSE;
        if (found.end == TOKPERF_E_PARSE)
            assert_non_null(strstr(found.error.message, files->path));
        file[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_true(damaged > len * 7); /* all but flips of a length that then reaches past the end */
    free(file);
}

/* Row 5 takes several blocks: cut in between, it and nothing else is missing. */
static void test_cut_in_a_long_row(void **state)
{
    struct record_files *files = *state;
    write_log(files->path, 6, chunks_of);
    size_t len;
    unsigned char *file = record_files_load(files->path, &len);
    for (size_t cut = len - 20000; cut > 70000; cut -= 20000) {
        record_files_store(files->path, file, cut);
        struct found found = read_file(files->path, chunks_of);
        assert_int_equal(found.end, TOKPERF_E_NOT_FOUND);
        assert_true(found.torn);
        assert_false(found.wrong);
        assert_in_range(found.rows, 2, 5);
    }
    free(file);
}

static void append_raw(struct tkp_log_head head, const char *path, const char *payload)
{
    memcpy(head.magic, TKP_LOG_MAGIC, 4);
    head.length_bytes = (uint32_t)strlen(payload);
    head.crc32c = tkp_log_checksum(&head, payload);
    FILE *file = fopen(path, "abe");
    assert_non_null(file);
    fwrite(&head, sizeof head, 1, file);
    fwrite(payload, head.length_bytes, 1, file);
    assert_int_equal(fclose(file), 0);
}

static void test_later_kinds(void **state)
{
    struct record_files *files = *state;
    write_log(files->path, 3, few_chunks);
    append_raw((struct tkp_log_head){.kind = 77, .version = 1}, files->path, "who knows");
    append_raw((struct tkp_log_head){.kind = TKP_LOG_ROWS, .version = 2}, files->path, "new");
    append_raw((struct tkp_log_head){.kind = TKP_LOG_PHASE, .version = 2}, files->path, "");
    struct found found = read_file(files->path, few_chunks);
    assert_int_equal(found.end, TOKPERF_E_NOT_FOUND);
    assert_int_equal(found.rows, 3);
    assert_int_equal(found.notes, 3);
    assert_false(found.torn);
    FILE *file = fopen(files->path, "abe"); /* something was begun behind the end */
    assert_int_equal(fwrite(TKP_LOG_MAGIC, 1, 3, file), 3);
    assert_int_equal(fclose(file), 0);
    found = read_file(files->path, few_chunks);
    assert_int_equal(found.notes, 3);
    assert_true(found.torn);
}

/* Payloads whose checksum is right and whose content is not. */
static void test_damaged_payloads(void **state)
{
    struct record_files *files = *state;
    static const struct {
        uint32_t kind;
        const char *payload;
        size_t len;
        const char *says;
    } cases[] = {
        {TKP_LOG_ROWS, "\0\0\0", 3, "worker and a sequence"},
        {TKP_LOG_ROWS, "\0\0\1\0\0\0\0\0", 8, "worker and a sequence"}, /* worker 65536 */
        {TKP_LOG_ROWS, "\0\0\0\0\1\0\0\0", 8, "block 1 of worker 0 stands where block 0"},
        {TKP_LOG_CHUNKS, "\0\0\0\0\0\0\0\0\1", 9, "without a row"},
        {TKP_LOG_ROWS, "\0\0\0\0\0\0\0\0\xff\xff\1", 11,
         "byte 8 of the payload: this is not a row"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tkp_log_writer *writer = create(files->path);
        append_text(writer, TKP_LOG_RUN, "{}");
        tkp_log_append(writer, cases[i].kind, cases[i].payload, (uint32_t)cases[i].len);
        append_text(writer, TKP_LOG_END, "{}");
        tkp_log_close(writer);
        struct found found = read_file(files->path, few_chunks);
        assert_int_equal(found.end, TOKPERF_E_PARSE);
        assert_int_equal(found.notes, 1);
        assert_true(found.torn);
        if (!strstr(found.error.message, cases[i].says) ||
            !strstr(found.error.message, "block at byte 18"))
            fail_msg("case %zu: %s", i, found.error.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECORD_FILES_TEST(test_round_trip),        RECORD_FILES_TEST(test_create),
        RECORD_FILES_TEST(test_not_a_log),         RECORD_FILES_TEST(test_full_disk),
        RECORD_FILES_TEST(test_short_writes),      RECORD_FILES_TEST(test_large_notes),
        RECORD_FILES_TEST(test_cut_anywhere),      RECORD_FILES_TEST(test_flipped_bits),
        RECORD_FILES_TEST(test_cut_in_a_long_row), RECORD_FILES_TEST(test_later_kinds),
        RECORD_FILES_TEST(test_damaged_payloads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

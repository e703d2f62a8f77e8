/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a record log from front to back: one block in memory, rows joined by the reassembly. Owned
 * by one thread. Does not interpret the JSON of notes.
 */
#include <record/log.h>

#include <base/error.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <record/log_format.h>
#include <record/reassembly.h>
#include <record/token_counts.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BUFFER_BYTES = 256 * 1024, FIRST_PAYLOAD_BYTES = 128 * 1024 };

struct tkp_log_reader {
    FILE *file;
    char *path;
    struct tkp_reassembly *rows;
    struct tkp_token_counts *counts; /* borrowed, or NULL */
    char *payload;                   /* of the current block */
    size_t payload_capacity;
    uint64_t block_offset, next_offset; /* bytes of the file */
    bool in_rows;                       /* the current block may hold more rows */
    bool finished;                      /* nothing is read any more */
    bool damaged;
    bool ended; /* the last block that was understood is END, or a STOP behind it */
    void (*look)(void *context); /* or NULL */
    void *look_context;
};

static tokperf_status finish(struct tkp_log_reader *r, tokperf_status status)
{
    r->finished = true;
    r->in_rows = false;
    return status;
}

static tokperf_status nothing_more(const struct tkp_log_reader *r, struct tokperf_error *error)
{
    return tkp_fail(error, TOKPERF_E_NOT_FOUND, "nothing more is in the record log '%s'", r->path);
}

/* Ends the reading with the error that is there, said of the current block. */
static tokperf_status finish_damaged(struct tkp_log_reader *r, struct tokperf_error *error,
                                     tokperf_status status)
{
    r->damaged = true;
    tkp_error_prefix(error, "record log '%s', block at byte %" PRIu64, r->path, r->block_offset);
    return finish(r, status);
}

static tokperf_status finish_unread(struct tkp_log_reader *r, struct tokperf_error *error)
{
    if (!ferror(r->file)) {
        finish(r, TOKPERF_E_NOT_FOUND); /* a torn block, or the end */
        return nothing_more(r, error);
    }
    r->damaged = true;
    finish(r, TOKPERF_E_IO);
    return tkp_fail_errno(error, TOKPERF_E_IO, errno, "cannot read the record log '%s'", r->path);
}

static bool reserve_payload(struct tkp_log_reader *r, size_t len)
{
    if (len <= r->payload_capacity)
        return true;
    size_t capacity = r->payload_capacity ? r->payload_capacity : FIRST_PAYLOAD_BYTES;
    while (capacity < len)
        capacity *= 2;
    free(r->payload); /* the old block's content is not needed: no realloc */
    r->payload = malloc(capacity);
    r->payload_capacity = r->payload ? capacity : 0;
    return r->payload != NULL;
}

static void show(const struct tkp_log_reader *r)
{
    if (r->look)
        r->look(r->look_context);
}

/* Reads and checks the next block. NOT_FOUND: the file ends before the block does. */
static tokperf_status read_block(struct tkp_log_reader *r, struct tkp_log_head *head,
                                 struct tokperf_error *error)
{
    show(r);
    r->block_offset = r->next_offset;
    size_t got = fread(head, 1, sizeof *head, r->file);
    r->damaged = got > 0; /* until the whole block is known to be good */
    if (got < sizeof *head)
        return finish_unread(r, error);
    const char *wrong = NULL;
    if (memcmp(head->magic, TKP_LOG_MAGIC, sizeof head->magic) != 0)
        wrong = "it does not begin like a block";
    else if (head->length_bytes > TKP_LOG_MAX_PAYLOAD_BYTES)
        wrong = "its length is beyond the bound of 16 MiB";
    else if (!reserve_payload(r, head->length_bytes))
        return finish_damaged(
            r, error,
            tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for %u bytes", head->length_bytes));
    else if (fread(r->payload, 1, head->length_bytes, r->file) < head->length_bytes)
        return finish_unread(r, error);
    else if (tkp_log_checksum(head, r->payload) != head->crc32c)
        wrong = "its checksum is wrong";
    if (wrong)
        return finish_damaged(r, error, tkp_fail(error, TOKPERF_E_PARSE, "%s", wrong));
    r->damaged = false;
    r->next_offset += sizeof *head + head->length_bytes;
    return TOKPERF_OK;
}

static tokperf_status next_row(struct tkp_log_reader *r, struct tkp_log_entry *entry,
                               struct tokperf_error *error)
{
    struct tkp_whole_row whole;
    tokperf_status status = tkp_reassembly_next(r->rows, &whole, error);
    if (status == TOKPERF_E_NOT_FOUND) {
        r->in_rows = false;
        return status;
    }
    if (status)
        return finish_damaged(r, error, status);
    if (whole.times_lost)
        return finish_damaged(r, error,
                              tkp_fail(error, TOKPERF_E_NO_MEMORY,
                                       "no memory for the %u chunk times of a row",
                                       whole.row->chunk_count));
    if (whole.texts_lost)
        return finish_damaged(r, error,
                              tkp_fail(error, TOKPERF_E_NO_MEMORY,
                                       "no memory for the %" PRIu64 " bytes of texts of a row",
                                       whole.row->kept_bytes));
    entry->kind = TKP_LOG_ROWS;
    entry->row = *whole.row;
    if (r->counts)
        tkp_token_counts_join(r->counts, &entry->row);
    else if (entry->row.kept_bytes)
        entry->row.counted_output = TKP_ROW_COUNT_PENDING;
    entry->chunk_ns = whole.chunk_ns_count ? whole.chunk_ns : NULL;
    entry->chunk_ns_count = whole.chunk_ns_count;
    entry->texts = whole.texts;
    entry->payload = (struct tokperf_span){NULL, 0};
    return TOKPERF_OK;
}

/* A block that is an entry of its own. */
static bool is_note(const struct tkp_log_head *head)
{
    return head->kind == TKP_LOG_RUN || head->kind == TKP_LOG_PHASE || head->kind == TKP_LOG_END ||
           head->kind == TKP_LOG_DATASET || head->kind == TKP_LOG_STOP ||
           head->kind == TKP_LOG_TOKENS || head->kind == TKP_LOG_CONTROL ||
           head->kind == TKP_LOG_GATE || head->kind == TKP_LOG_COLLECTOR;
}

static bool is_rows(const struct tkp_log_head *head)
{
    return head->kind == TKP_LOG_ROWS || head->kind == TKP_LOG_CHUNKS;
}

tokperf_status tkp_log_open(const char *path, struct tkp_log_reader **reader,
                            struct tokperf_error *error)
{
    *reader = NULL;
    /* NONBLOCK: a FIFO of that name must not hold the program; it has no effect on files. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return tkp_fail_errno(error, errno == ENOENT ? TOKPERF_E_NOT_FOUND : TOKPERF_E_IO, errno,
                              "cannot open the record log '%s'", path);
    struct stat st;
    char magic[4];
    ssize_t got = -1;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode))
        got = pread(fd, magic, sizeof magic, 0);
    if (got < 0 || memcmp(magic, TKP_LOG_MAGIC, (size_t)got) != 0) {
        close(fd);
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "'%s' is not a record log; give the records.tkr of a run", path);
    }
    struct tkp_log_reader *r = calloc(1, sizeof *r);
    if (r) {
        r->file = fdopen(fd, "rb");
        r->path = strdup(path);
        r->rows = tkp_reassembly_create();
    }
    if (!r || !r->file || !r->path || !r->rows) {
        if (!r || !r->file)
            close(fd);
        tkp_log_reader_close(r);
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory to read the record log '%s'", path);
    }
    setvbuf(r->file, NULL, _IOFBF, READ_BUFFER_BYTES);
    *reader = r;
    return TOKPERF_OK;
}

void tkp_log_reader_close(struct tkp_log_reader *r)
{
    if (!r)
        return;
    if (r->file)
        fclose(r->file);
    tkp_reassembly_destroy(r->rows);
    free(r->path);
    free(r->payload);
    free(r);
}

void tkp_log_rewind(struct tkp_log_reader *r)
{
    show(r);
    rewind(r->file);
    tkp_reassembly_clear(r->rows);
    r->block_offset = r->next_offset = 0;
    r->in_rows = r->finished = r->damaged = r->ended = false;
    if (r->counts)
        tkp_token_counts_rewind(r->counts);
}

void tkp_log_watch(struct tkp_log_reader *r, void (*look)(void *context), void *context)
{
    r->look = look;
    r->look_context = context;
}

void tkp_log_join(struct tkp_log_reader *r, struct tkp_token_counts *counts)
{
    r->counts = counts;
}

tokperf_status tkp_log_next(struct tkp_log_reader *r, struct tkp_log_entry *entry,
                            struct tokperf_error *error)
{
    for (;;) {
        tokperf_status status;
        if (r->in_rows && (status = next_row(r, entry, error)) != TOKPERF_E_NOT_FOUND)
            return status;
        struct tkp_log_head head;
        if (r->finished)
            return nothing_more(r, error);
        if ((status = read_block(r, &head, error)))
            return status;
        if (head.version != TKP_LOG_VERSION || !(is_rows(&head) || is_note(&head)))
            continue; /* of a later tokperf */
        struct tokperf_span payload = {r->payload, head.length_bytes};
        r->ended = head.kind == TKP_LOG_END || (r->ended && head.kind == TKP_LOG_STOP);
        if (is_note(&head)) {
            *entry = (struct tkp_log_entry){.kind = head.kind, .payload = payload};
            return TOKPERF_OK;
        }
        status = tkp_reassembly_feed(r->rows, head.kind, payload, error);
        if (status)
            return finish_damaged(r, error, status);
        r->in_rows = true;
    }
}

void tkp_log_resume(struct tkp_log_reader *r)
{
    if (r->ended || ferror(r->file) || fseeko(r->file, (off_t)r->next_offset, SEEK_SET) != 0)
        return;
    r->finished = r->damaged = false;
}

bool tkp_log_is_torn(const struct tkp_log_reader *r)
{
    return r->damaged || !r->ended || tkp_reassembly_is_open(r->rows);
}

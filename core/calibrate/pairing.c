/* SPDX-License-Identifier: Apache-2.0 */
/* See pairing.h. */
#include <calibrate/pairing.h>

#include <base/error.h>
#include <base/files.h>
#include <base/rng.h>
#include <math.h>
#include <record/log.h>
#include <report/facts.h>
#include <stdlib.h>
#include <string.h>

enum { ID_CHARACTERS = 36 };
/* A step of a few seconds: at 60 bytes a request and 15 a chunk, millions of them. */
#define STAMPS_MAX_BYTES (UINT64_C(512) << 20)

static int compare_lines(const void *a, const void *b)
{
    const struct tkp_stamp_line *x = a, *y = b;
    return memcmp(x->id, y->id, ID_CHARACTERS);
}

static uint64_t count_lines(const struct tkp_buffer *text)
{
    uint64_t count = 0;
    const char *at = tkp_buffer_text(text), *end = at + text->len;
    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        count++;
        at++;
    }
    return count;
}

tokperf_status tkp_stamps_parse(const struct tkp_buffer *text, struct tkp_stamps *stamps,
                                struct tokperf_error *error)
{
    uint64_t room = count_lines(text);
    *stamps = (struct tkp_stamps){.lines = calloc(room + 1, sizeof *stamps->lines)};
    if (!stamps->lines)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the server's stamps");
    const char *at = tkp_buffer_text(text), *end = at + text->len;
    for (const char *stop; (stop = memchr(at, '\n', (size_t)(end - at))); at = stop + 1) {
        size_t id_len = strcspn(at, " \n");
        if (id_len == 1 && *at == '-')
            continue; /* a request without an id: not of the load */
        if (id_len != ID_CHARACTERS || at[id_len] != ' ')
            return tkp_fail(error, TOKPERF_E_PARSE,
                            "line %llu of the server's stamp log has no request id",
                            (unsigned long long)stamps->count + 1);
        stamps->lines[stamps->count++] = (struct tkp_stamp_line){.id = at, .times = at + id_len};
    }
    qsort(stamps->lines, stamps->count, sizeof *stamps->lines, compare_lines);
    return TOKPERF_OK;
}

void tkp_stamps_finish(struct tkp_stamps *stamps)
{
    free(stamps->lines);
    *stamps = (struct tkp_stamps){0};
}

/* The next time of a line; false at its end. */
static bool next_time(const char **at, double *ns)
{
    const char *p = *at;
    if (*p != ' ' || p[1] < '0' || p[1] > '9')
        return false;
    uint64_t value = 0;
    for (p++; *p >= '0' && *p <= '9'; p++)
        value = value * 10 + (uint64_t)(*p - '0');
    *at = p;
    *ns = (double)value; /* exact below 2^53 ns: 104 days of uptime; beyond, within 1 ns */
    return true;
}

static void span_of_rows(struct tkp_pairing *p, const struct tkp_row *row)
{
    if (!p->first_intended_ns || row->intended_ns < p->first_intended_ns)
        p->first_intended_ns = row->intended_ns;
    if (!p->first_start_ns || row->start_ns < p->first_start_ns)
        p->first_start_ns = row->start_ns;
    if (row->intended_ns > p->last_intended_ns)
        p->last_intended_ns = row->intended_ns;
    if (row->start_ns > p->last_start_ns)
        p->last_start_ns = row->start_ns;
}

/* From when the request could go to when it went. A new connection's opening belongs to the TTFT
 * itself and is no error: the time until the request was taken up counts alone. */
static double departure_ns(const struct tkp_row *row)
{
    uint64_t went = row->flags & TKP_ROW_REUSED ? row->send_start_ns : row->start_ns;
    return (double)went - (double)row->ready_ns;
}

/* Errors of the chunks and gaps of one answer; false when the line has another number of them. */
static bool pair_chunks(struct tkp_pairing *p, const struct tkp_row *row, const char *times,
                        const uint64_t *chunk_ns, uint32_t chunk_count)
{
    double arrival, sent = 0, before = 0;
    if (!next_time(&times, &arrival))
        return false;
    uint32_t chosen = (uint32_t)(row->draw % chunk_count);
    uint32_t chosen_gap = chunk_count > 1 ? 1 + (uint32_t)(row->draw % (chunk_count - 1)) : 0;
    for (uint32_t i = 0; i < chunk_count; i++) {
        if (!next_time(&times, &sent))
            return false;
        double late = (double)chunk_ns[i] - sent;
        tkp_error_list_add(&p->stamp, late);
        if (i == chosen)
            tkp_error_list_add(&p->stamp_one, late);
        if (i == 0)
            tkp_error_list_add(&p->ttft, departure_ns(row) + late);
        else
            tkp_error_list_add(&p->gap, late - before);
        if (i && i == chosen_gap)
            tkp_error_list_add(&p->gap_one, late - before);
        before = late;
    }
    p->service_sum_ns += sent - arrival;
    return *times == '\n';
}

tokperf_status tkp_pairing_row(struct tkp_pairing *p, const struct tkp_stamps *stamps,
                               uint64_t seed, const struct tkp_row *row, const uint64_t *chunk_ns,
                               uint32_t chunk_count, struct tokperf_error *error)
{
    char id[ID_CHARACTERS + 1];
    span_of_rows(p, row);
    if (row->outcome != TKP_OUTCOME_OK) {
        p->failed++;
        return TOKPERF_OK;
    }
    tkp_rng_uuid(seed, TKP_RNG_REQUEST_ID, tkp_request_id_index(row->draw, row->turn_index), id);
    struct tkp_stamp_line wanted = {.id = id};
    const struct tkp_stamp_line *line =
        stamps->count
            ? bsearch(&wanted, stamps->lines, stamps->count, sizeof *stamps->lines, compare_lines)
            : NULL;
    if (!line)
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "the server's stamp log has no line for the request %s", id);
    if (!chunk_count) {
        p->unstamped++; /* a read had no stamp of the run's clock (docs/records.md, flags) */
        return TOKPERF_OK;
    }
    if (!pair_chunks(p, row, line->times, chunk_ns, chunk_count))
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "the server's stamp log and the record log disagree about the chunks of "
                        "the request %s",
                        id);
    p->requests++;
    p->chunks += chunk_count;
    p->latency_sum_ns += (double)(row->end_ns - row->start_ns);
    if (p->ttft.failed || p->stamp.failed || p->stamp_one.failed || p->gap.failed ||
        p->gap_one.failed)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the errors of a step");
    return TOKPERF_OK;
}

static tokperf_status read_id_seed(struct tokperf_span header, uint64_t *id_seed,
                                   struct tokperf_error *error)
{
    struct tkp_arena arena;
    struct tkp_run_facts facts;
    tkp_arena_init(&arena, 0);
    tokperf_status status = tkp_run_facts_parse(header, &arena, &facts, error);
    *id_seed = status == TOKPERF_OK ? facts.id_seed : 0;
    tkp_arena_finish(&arena);
    return status;
}

static tokperf_status read_rows(struct tkp_log_reader *reader, const struct tkp_stamps *stamps,
                                uint32_t phase, struct tkp_pairing *pairing,
                                struct tokperf_error *error)
{
    uint64_t id_seed = 0;
    for (;;) {
        struct tkp_log_entry entry;
        tokperf_status status = tkp_log_next(reader, &entry, error);
        if (status == TOKPERF_E_NOT_FOUND)
            return TOKPERF_OK;
        if (status == TOKPERF_OK && entry.kind == TKP_LOG_RUN)
            status = read_id_seed(entry.payload, &id_seed, error);
        if (status == TOKPERF_OK && entry.kind == TKP_LOG_ROWS && entry.row.phase == phase)
            status = tkp_pairing_row(pairing, stamps, id_seed, &entry.row, entry.chunk_ns,
                                     entry.chunk_ns_count, error);
        if (status != TOKPERF_OK)
            return status;
    }
}

tokperf_status tkp_pairing_read(const char *log_path, const char *stamps_path, uint32_t phase,
                                struct tkp_pairing *pairing, struct tokperf_error *error)
{
    struct tkp_buffer text;
    struct tkp_stamps stamps = {0};
    struct tkp_log_reader *reader = NULL;
    tkp_buffer_init(&text, STAMPS_MAX_BYTES);
    tokperf_status status = tkp_files_read(stamps_path, STAMPS_MAX_BYTES, 0, &text, error);
    if (status == TOKPERF_OK)
        status = tkp_stamps_parse(&text, &stamps, error);
    if (status == TOKPERF_OK)
        status = tkp_log_open(log_path, &reader, error);
    if (status == TOKPERF_OK)
        status = read_rows(reader, &stamps, phase, pairing, error);
    tkp_log_reader_close(reader);
    tkp_stamps_finish(&stamps);
    tkp_buffer_finish(&text);
    return status;
}

void tkp_pairing_finish(struct tkp_pairing *p)
{
    tkp_error_list_finish(&p->ttft);
    tkp_error_list_finish(&p->stamp);
    tkp_error_list_finish(&p->stamp_one);
    tkp_error_list_finish(&p->gap);
    tkp_error_list_finish(&p->gap_one);
}

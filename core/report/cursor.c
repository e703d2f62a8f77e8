/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows to SDK records. All memory is the cursor's; lists of gaps grow to the longest response.
 */
#include <report/cursor.h>

#include <base/arena.h>
#include <base/error.h>
#include <base/json_scan.h>
#include <base/rng.h>
#include <base/text.h>
#include <record/kept_text.h>
#include <stdlib.h>
#include <string.h>
#include <worker/http_response.h>

enum { UUID_BYTES = 37, CANCELLED_CODE = 499 };

struct tkp_cursor {
    struct tokperf_cursor api;
    struct tkp_log_reader *reader;
    const struct tkp_metric_context *context;
    uint64_t seed, number;
    struct tkp_arena names;
    struct tokperf_span *session_ids; /* by dataset row */
    uint64_t session_count, session_capacity;
    struct tkp_log_entry entry;
    struct tkp_values values;
    double *gaps;
    uint32_t gap_capacity;
    struct tokperf_record_metric metrics[TKP_METRIC_COUNT + 1];
    char request_id[UUID_BYTES], correlation_id[UUID_BYTES];
    struct tokperf_piece *pieces;
    uint64_t piece_capacity;
    struct tokperf_raw raw;
    struct tokperf_record record;
};

static bool add_session_id(struct tkp_cursor *c, struct tokperf_json *scan)
{
    if (c->session_count == c->session_capacity) {
        uint64_t capacity = c->session_capacity ? c->session_capacity * 2 : 1024;
        struct tokperf_span *longer = realloc(c->session_ids, capacity * sizeof *longer);
        if (!longer)
            return false;
        c->session_ids = longer;
        c->session_capacity = capacity;
    }
    char *id = tkp_arena_alloc(&c->names, 3 * scan->text.len + 1);
    uint64_t len;
    if (!id || tkp_json_unescape(scan->text, id, 3 * scan->text.len, &len) != TOKPERF_OK)
        return false;
    c->session_ids[c->session_count++] = (struct tokperf_span){id, len};
    return true;
}

static void take_session_ids(struct tkp_cursor *c, struct tokperf_span json)
{
    struct tokperf_json scan;
    uint32_t token;
    tkp_json_open(&scan, json.data, json.len);
    while ((token = tkp_json_next(&scan)) > TOKPERF_JSON_ERROR)
        if (token == TOKPERF_JSON_STRING && !add_session_id(c, &scan))
            return; /* out of memory: those records have no conversation id */
}

static bool reserve_gaps(struct tkp_cursor *c, uint32_t count)
{
    if (count <= c->gap_capacity)
        return true;
    double *longer = realloc(c->gaps, (size_t)count * sizeof *longer);
    if (!longer)
        return false;
    c->gaps = longer;
    c->gap_capacity = count;
    return true;
}

static void add_metric(struct tkp_cursor *c, const struct tkp_metric_def *def, const double *values,
                       uint64_t count)
{
    c->metrics[c->record.metric_count++] = (struct tokperf_record_metric){
        .flags = def->flags & (TOKPERF_METRIC_INTEGER | TOKPERF_METRIC_LIST),
        .tag = def->tag,
        .unit = def->unit,
        .count = count,
        .values = values,
    };
}

static void fill_metrics(struct tkp_cursor *c)
{
    const struct tkp_row *row = &c->entry.row;
    tkp_values_compute(c->context, row, &c->values);
    const uint32_t count_of_values = tkp_values_count(c->context);
    for (uint32_t id = 0; id < count_of_values; id++) {
        const struct tkp_metric_def *def = tkp_metric_def(id);
        if (def->kind != TOKPERF_METRIC_RECORD || !c->values.has[id] ||
            (def->flags & TOKPERF_METRIC_LIST))
            continue;
        c->values.value[id] /= def->scale;
        add_metric(c, def, &c->values.value[id], 1);
    }
    const struct tkp_metric_def *list = tkp_metric_def(TKP_METRIC_INTER_CHUNK_LATENCY);
    bool has_gaps = row->outcome == TKP_OUTCOME_OK && (row->flags & TKP_ROW_STREAMED);
    if (!has_gaps || row->chunk_count < 2 || !reserve_gaps(c, row->chunk_count))
        return;
    uint32_t count = tkp_chunk_gaps(row, c->entry.chunk_ns, c->gaps, c->gap_capacity);
    for (uint32_t i = 0; i < count; i++)
        c->gaps[i] /= list->scale;
    if (count)
        add_metric(c, list, c->gaps, count);
}

static int32_t error_code(const struct tkp_row *row)
{
    if (row->outcome == TKP_OUTCOME_CANCELLED)
        return CANCELLED_CODE;
    return row->outcome == TKP_OUTCOME_HTTP_ERROR ? row->http_status : 0;
}

static void set_pieces(struct tkp_cursor *c, struct tokperf_span bytes)
{
    uint64_t count = bytes.len / sizeof(struct tkp_kept_piece);
    if (count > c->piece_capacity) {
        struct tokperf_piece *longer = realloc(c->pieces, count * sizeof *longer);
        if (!longer) {
            c->raw.flags |= TOKPERF_RAW_LOST;
            return;
        }
        c->pieces = longer;
        c->piece_capacity = count;
    }
    for (uint64_t i = 0; i < count; i++) {
        struct tkp_kept_piece piece; /* not aligned in the log */
        memcpy(&piece, bytes.data + i * sizeof piece, sizeof piece);
        uint64_t end = piece.end_bytes;
        c->pieces[i] = (struct tokperf_piece){piece.time_ns, end};
    }
    c->raw.pieces = c->pieces;
    c->raw.piece_count = count;
}

static struct tokperf_span content_type(unsigned content)
{
    static const char *const types[] = {[TKP_HTTP_CONTENT_EVENT_STREAM] = "text/event-stream",
                                        [TKP_HTTP_CONTENT_NDJSON] = "application/x-ndjson",
                                        [TKP_HTTP_CONTENT_JSON] = "application/json"};
    const char *known = content < sizeof types / sizeof types[0] ? types[content] : NULL;
    return tkp_span(known ? known : "");
}

/* One run of the texts behind the row; those of other tags are for others. */
static void take_run(struct tkp_cursor *c, const struct tkp_kept_run *run)
{
    struct tokperf_raw *raw = &c->raw;
    switch (run->tag) {
    case TKP_KEPT_RAW:
        if (run->bytes.len < 3)
            break;
        raw->struct_size = sizeof *raw;
        raw->flags |= (unsigned char)run->bytes.data[0];
        raw->content_type = content_type((unsigned char)run->bytes.data[1]);
        raw->framing = (unsigned char)run->bytes.data[2];
        break;
    case TKP_KEPT_REQUEST_HEAD:
        raw->request_head = run->bytes;
        break;
    case TKP_KEPT_REQUEST_BODY:
        raw->request_body = run->bytes;
        break;
    case TKP_KEPT_ANSWER:
        raw->answer_body = run->bytes;
        break;
    case TKP_KEPT_ANSWER_PIECES:
        set_pieces(c, run->bytes);
        break;
    default: /* a later tokperf's */
        break;
    }
}

/* What level raw has kept of the row, or NULL. */
static const struct tokperf_raw *find_raw(struct tkp_cursor *c)
{
    struct tokperf_span texts = c->entry.texts;
    struct tkp_kept_run run;
    c->raw = (struct tokperf_raw){.flags = c->entry.row.flags & TKP_ROW_RAW_LOST ? TOKPERF_RAW_LOST
                                                                                 : 0u};
    while (tkp_kept_next(&texts, &run))
        take_run(c, &run);
    return c->raw.struct_size ? &c->raw : NULL;
}

static void fill_record(struct tkp_cursor *c)
{
    const struct tkp_row *row = &c->entry.row;
    tkp_rng_uuid(c->seed, TKP_RNG_REQUEST_ID, tkp_request_id_index(row->draw, row->turn_index),
                 c->request_id);
    tkp_rng_uuid(c->seed, TKP_RNG_REQUEST_ID,
                 tkp_request_id_index(row->draw, TKP_TURN_OF_CONVERSATION), c->correlation_id);
    bool known = row->dataset_row < c->session_count;
    const char *outcome = tkp_outcome_name(row->outcome);
    c->record = (struct tokperf_record){
        .struct_size = sizeof c->record,
        .worker = row->worker,
        .phase = row->phase,
        .url_index = row->url_index,
        .turn_index = row->turn_index,
        .retries = row->retries,
        .was_cancelled = row->outcome == TKP_OUTCOME_CANCELLED,
        .connection_reused = (row->flags & TKP_ROW_REUSED) != 0,
        .is_error = tkp_outcome_is_error(row->outcome),
        .status_code = row->http_status,
        .has_error = row->outcome != TKP_OUTCOME_OK,
        .error_code = error_code(row),
        .session_num = row->ordinal,
        .dataset_row = row->dataset_row,
        .prompt_hash = row->prompt_hash,
        .intended_ns = row->intended_ns,
        .ready_ns = row->ready_ns,
        .start_ns = row->start_ns,
        .send_end_ns = row->send_end_ns,
        .first_byte_ns = row->first_byte_ns,
        .end_ns = row->end_ns,
        .request_id = {c->request_id, UUID_BYTES - 1},
        .correlation_id = {c->correlation_id, UUID_BYTES - 1},
        .conversation_id = known ? c->session_ids[row->dataset_row] : TOKPERF_SPAN(""),
        .outcome = tkp_span(outcome),
        .finish_reason = tkp_span(row->finish_reason),
        .error_type = tkp_span(tkp_row_error_type(row)[0] ? tkp_row_error_type(row) : outcome),
        .error_message = tkp_span(tkp_row_error_message(row)),
        .metrics = c->metrics,
        .has_trace = c->context->http_trace,
        .connect_start_ns = row->connect_start_ns,
        .connect_end_ns = row->connect_end_ns,
        .send_start_ns = row->send_start_ns,
        .raw = c->entry.texts.len ? find_raw(c) : NULL,
        .last_byte_ns = row->last_byte_ns,
    };
    fill_metrics(c);
}

static tokperf_status next_record(void *context, const struct tokperf_record **record,
                                  struct tokperf_error *error)
{
    struct tkp_cursor *c = context;
    if (!c->reader)
        return tkp_fail(error, TOKPERF_E_NOT_FOUND, "there is no record log");
    for (;;) {
        tokperf_status status = tkp_log_next(c->reader, &c->entry, error);
        if (status == TOKPERF_E_PARSE) /* what stands before the damage is all there is */
            return TOKPERF_E_NOT_FOUND;
        if (status != TOKPERF_OK)
            return status;
        if (c->entry.kind == TKP_LOG_DATASET && c->number == 0)
            take_session_ids(c, c->entry.payload);
        if (c->entry.kind != TKP_LOG_ROWS)
            continue;
        c->number++;
        fill_record(c);
        *record = &c->record;
        return TOKPERF_OK;
    }
}

static void rewind_records(void *context)
{
    tkp_cursor_rewind(context);
}

tokperf_status tkp_cursor_create(struct tkp_log_reader *reader,
                                 const struct tkp_metric_context *context, uint64_t seed,
                                 struct tkp_cursor **cursor, struct tokperf_error *error)
{
    struct tkp_cursor *c = calloc(1, sizeof *c);
    if (!c)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory for the cursor over the records");
    c->api = (struct tokperf_cursor){
        .struct_size = sizeof c->api, .context = c, .next = next_record, .rewind = rewind_records};
    c->reader = reader;
    c->context = context;
    c->seed = seed;
    tkp_arena_init(&c->names, 0);
    *cursor = c;
    return TOKPERF_OK;
}

void tkp_cursor_destroy(struct tkp_cursor *cursor)
{
    if (!cursor)
        return;
    tkp_arena_finish(&cursor->names);
    free(cursor->session_ids);
    free(cursor->gaps);
    free(cursor->pieces);
    free(cursor);
}

const struct tokperf_cursor *tkp_cursor_api(const struct tkp_cursor *cursor)
{
    return &cursor->api;
}

void tkp_cursor_rewind(struct tkp_cursor *cursor)
{
    cursor->number = 0;
    cursor->session_count = 0;
    tkp_arena_finish(&cursor->names);
    tkp_arena_init(&cursor->names, 0);
    if (cursor->reader)
        tkp_log_rewind(cursor->reader);
}

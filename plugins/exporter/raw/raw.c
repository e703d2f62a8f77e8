/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exporter "raw": <prefix>_raw.jsonl, a line for each request in AIPerf's shape: what was sent and
 * what came, with the time of each message (perf_ns: monotonic). Bytes that are not UTF-8 are
 * written as U+FFFD. Credentials are hidden before they get here.
 */
#include "../file_exporter.h"
#include "../json_pairs.h"
#include "../phase_kind.h"
#include "../record_pairs.h"
#include "events.h"

#include <stdlib.h>
#include <string.h>
#include <tokperf/endpoint.h>

struct raw {
    struct file_exporter file; /* first: result_file_open() takes it */
    const struct tokperf_json_v1 *scanner;
};

/* The instance is a struct raw, which begins with what file_exporter_create() makes. */
static tokperf_status create(const struct tokperf_host *host, const struct tokperf_config *config,
                             void **self, struct tokperf_error *error)
{
    void *base = NULL;
    tokperf_status status = file_exporter_create(host, config, &base, error);
    struct raw *made = status == TOKPERF_OK ? realloc(base, sizeof *made) : NULL;
    if (!made) {
        free(base);
        return status == TOKPERF_OK ? TOKPERF_E_NO_MEMORY : status;
    }
    made->scanner = host->service(host, TOKPERF_SERVICE_JSON);
    *self = made;
    return TOKPERF_OK;
}

/* ---- the request ---- */

/* RFC 3629. */
static uint32_t is_utf8(struct tokperf_span text)
{
    const unsigned char *at = (const unsigned char *)text.data, *end = at + text.len;
    while (at < end) {
        const unsigned char c = *at++;
        const uint32_t more = c < 0x80 ? 0u : c < 0xe0 ? 1u : c < 0xf0 ? 2u : 3u;
        if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || (uint64_t)(end - at) < more)
            return 0;
        for (uint32_t i = 0; i < more; i++)
            if ((at[i] & 0xc0) != 0x80)
                return 0;
        if ((c == 0xe0 && at[0] < 0xa0) || (c == 0xed && at[0] > 0x9f) ||
            (c == 0xf0 && at[0] < 0x90) || (c == 0xf4 && at[0] > 0x8f))
            return 0;
        at += more;
    }
    return 1;
}

static uint32_t is_json(const struct raw *raw, struct tokperf_span text)
{
    struct tokperf_json scan;
    uint32_t token;
    raw->scanner->open(&scan, text.data, text.len);
    do
        token = raw->scanner->next(&scan);
    while (token > TOKPERF_JSON_ERROR);
    return text.len > 0 && token == TOKPERF_JSON_END && is_utf8(text);
}

/* JSON as it stands, with spaces for the line ends between its tokens: a record is one line. */
static void write_json(struct json_out *out, struct tokperf_span text)
{
    out->api->raw(&out->w, TOKPERF_SPAN(""));
    while (text.len) {
        uint64_t len = 0;
        while (len < text.len && text.data[len] != '\n' && text.data[len] != '\r')
            len++;
        out->w.sink.write(out->w.sink.context, text.data, len);
        if (len < text.len) {
            out->w.sink.write(out->w.sink.context, " ", 1);
            len++;
        }
        text = (struct tokperf_span){text.data + len, text.len - len};
    }
}

static void write_payload(const struct raw *raw, struct json_out *out, struct tokperf_span body)
{
    json_key(out, "payload");
    if (is_json(raw, body))
        write_json(out, body);
    else
        out->api->string(&out->w, body);
}

static void write_headers(struct json_out *out, struct tokperf_span head)
{
    struct tokperf_span name, value, line = head;
    uint32_t is_request_line = 1;
    json_object(out, "request_headers");
    while (raw_next_field(&line, &name, &value)) {
        if (!is_request_line && name.len) {
            out->api->key(&out->w, name);
            out->api->string(&out->w, value);
        }
        is_request_line = 0;
    }
    out->api->object_end(&out->w);
}

/* "POST" and "/v1/chat/completions" of the request line. */
static void write_request_line(struct json_out *out, struct tokperf_span head)
{
    const char *space = head.len ? memchr(head.data, ' ', head.len) : NULL;
    if (!space)
        return;
    const uint64_t method = (uint64_t)(space - head.data);
    const char *path = space + 1;
    const char *end = memchr(path, ' ', head.len - method - 1);
    if (!end)
        return;
    json_text(out, "method", (struct tokperf_span){head.data, method});
    json_text(out, "path", (struct tokperf_span){path, (uint64_t)(end - path)});
}

/* ---- the answer ---- */

/* When the byte before end_bytes came; left out where it is not known. Pieces are asked in order.
 */
static void write_perf(struct json_out *out, const struct tokperf_raw *raw, uint64_t *piece,
                       uint64_t end_bytes)
{
    while (*piece < raw->piece_count && raw->pieces[*piece].end_bytes < end_bytes)
        ++*piece;
    if (*piece < raw->piece_count)
        json_count(out, "perf_ns", raw->pieces[*piece].time_ns);
}

static void write_packets(struct json_out *out, struct tokperf_span message)
{
    struct tokperf_span name, value;
    json_array(out, "packets");
    while (raw_next_field(&message, &name, &value)) {
        out->api->object_begin(&out->w);
        json_text(out, "name", name.len ? name : TOKPERF_SPAN("comment"));
        json_text(out, "value", value);
        out->api->object_end(&out->w);
    }
    out->api->array_end(&out->w);
}

static void write_text(struct json_out *out, const struct tokperf_raw *raw,
                       struct tokperf_span text)
{
    json_text_if(out, "content_type", raw->content_type);
    json_text(out, "text", text);
}

static void write_answer(struct json_out *out, const struct tokperf_raw *raw, uint32_t is_success)
{
    struct raw_events events = {raw->answer_body, 0};
    struct tokperf_span part = raw->answer_body;
    const uint32_t framing = is_success ? raw->framing : TOKPERF_FRAMING_WHOLE;
    uint64_t end_bytes = part.len, piece = 0;
    uint32_t more = part.len > 0;
    json_array(out, "responses");
    while (more) {
        if (framing == TOKPERF_FRAMING_SSE)
            more = raw_next_event(&events, &part, &end_bytes);
        else if (framing == TOKPERF_FRAMING_NDJSON)
            more = raw_next_line(&events, &part, &end_bytes);
        if (!more)
            break;
        out->api->object_begin(&out->w);
        write_perf(out, raw, &piece, end_bytes);
        if (framing == TOKPERF_FRAMING_SSE)
            write_packets(out, part);
        else
            write_text(out, raw, part);
        out->api->object_end(&out->w);
        more = framing == TOKPERF_FRAMING_SSE || framing == TOKPERF_FRAMING_NDJSON;
    }
    out->api->array_end(&out->w);
}

static void write_raw(const struct raw *self, struct json_out *out,
                      const struct tokperf_record *record)
{
    const struct tokperf_raw *raw = TOKPERF_HAS(record, raw) ? record->raw : NULL;
    const uint32_t is_success = record->status_code >= 200 && record->status_code < 300;
    json_count(out, "start_perf_ns", record->start_ns);
    if (record->status_code)
        json_integer(out, "status", record->status_code);
    if (!raw)
        return;
    write_request_line(out, raw->request_head);
    write_payload(self, out, raw->request_body);
    write_headers(out, raw->request_head);
    write_answer(out, raw, is_success);
    if (raw->flags & (TOKPERF_RAW_REQUEST_CUT | TOKPERF_RAW_LOST))
        json_boolean(out, "request_cut", 1);
    if (raw->flags & (TOKPERF_RAW_ANSWER_CUT | TOKPERF_RAW_LOST))
        json_boolean(out, "response_cut", 1);
}

/* What tokperf adds, in a run whose phases have names. */
static void write_ours(struct json_out *out, const struct tokperf_summary *run,
                       const struct tokperf_record *record)
{
    if (!phases_are_named(run))
        return;
    json_object(out, "tokperf");
    record_phase_name(out, run, record);
    out->api->object_end(&out->w);
}

static tokperf_status write_lines(const struct raw *raw, struct result_file *file,
                                  const struct tokperf_summary *summary,
                                  const struct tokperf_cursor *cursor, struct tokperf_error *error)
{
    struct tokperf_sink sink = {file, result_file_write};
    struct json_out out = {.api = raw->file.json};
    const struct tokperf_record *record;
    tokperf_status status;
    while ((status = cursor->next(cursor->context, &record, error)) == TOKPERF_OK) {
        out.api->open(&out.w, &sink, 0);
        out.api->object_begin(&out.w);
        record_metadata(&out, summary, record);
        write_ours(&out, summary, record);
        write_raw(raw, &out, record);
        record_error(&out, record);
        out.api->object_end(&out.w);
        result_file_write(file, "\n", 1);
    }
    return status == TOKPERF_E_NOT_FOUND ? TOKPERF_OK : status;
}

static tokperf_status export_run(void *self, const struct tokperf_summary *summary,
                                 const struct tokperf_cursor *cursor, struct tokperf_error *error)
{
    const struct raw *raw = self;
    struct result_file file;
    tokperf_status status = result_file_open_as(&file, &raw->file, summary, "_raw.jsonl", error);
    if (status != TOKPERF_OK)
        return status;
    status = write_lines(raw, &file, summary, cursor, error);
    return result_file_close(&file, status, error);
}

static const struct tokperf_exporter_vtable vtable = {
    .struct_size = sizeof vtable,
    .create = create,
    .destroy = free,
    .flags = TOKPERF_EXPORT_RECORDS,
    .export_run = export_run,
};
static const struct tokperf_component component = {
    .struct_size = sizeof component,
    .kind = TOKPERF_KIND_EXPORTER,
    .name = "raw",
    .summary = "Requests and answers as they were, AIPerf's shape",
    .vtable = &vtable,
};
static const struct tokperf_component *const components[] = {&component, NULL};
static const char *const services[] = {TOKPERF_SERVICE_JSON, TOKPERF_SERVICE_JSON_WRITER,
                                       TOKPERF_SERVICE_OUTPUT_FILE, NULL};
static const struct tokperf_plugin plugin = {
    .struct_size = sizeof plugin,
    .abi_minor = TOKPERF_ABI_MINOR,
    .id = "org.tokperf.export.raw",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "Requests and answers of a run as JSON lines",
    .components = components,
    .requires_services = services,
};
TOKPERF_PLUGIN(plugin)

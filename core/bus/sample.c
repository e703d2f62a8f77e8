/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of the sample topic. Pure. [any] */
#include <bus/sample.h>

#include <base/error.h>
#include <inttypes.h>

_Static_assert(sizeof(struct tkp_sample_id) == 32, "no padding");
_Static_assert(sizeof(struct tkp_sample_issued) == 48, "no padding");
_Static_assert(sizeof(struct tkp_sample_first_token) == 40, "no padding");
_Static_assert(sizeof(struct tkp_sample_complete) == 144, "no padding");
_Static_assert(sizeof(struct tkp_sample_error) == 56, "no padding");

static struct tkp_sample_id id_of(const struct tkp_row *row)
{
    return (struct tkp_sample_id){
        .ordinal = row->ordinal,
        .draw = row->draw,
        .phase = row->phase,
        .turn = row->turn_index,
        .worker = row->worker,
        .url_index = row->url_index,
    };
}

static void put_error(struct tkp_buffer *out, const struct tkp_row *row)
{
    const char *type = tkp_row_error_type(row), *message = tkp_row_error_message(row);
    struct tkp_sample_error error = {
        .id = id_of(row),
        .time_ns = row->end_ns,
        .outcome = row->outcome,
        .http_status = row->http_status,
        .type_bytes = (uint32_t)strnlen(type, TKP_ROW_TYPE_BYTES),
        .message_bytes = (uint32_t)strnlen(message, TKP_ROW_MESSAGE_BYTES),
    };
    char payload[sizeof error + TKP_ROW_TYPE_BYTES + TKP_ROW_MESSAGE_BYTES];
    memcpy(payload, &error, sizeof error);
    memcpy(payload + sizeof error, type, error.type_bytes);
    memcpy(payload + sizeof error + error.type_bytes, message, error.message_bytes);
    tkp_frame_put(out, TKP_FRAME_ERROR, payload,
                  sizeof error + error.type_bytes + error.message_bytes);
}

static void put_complete(struct tkp_buffer *out, const struct tkp_row *row)
{
    struct tkp_sample_complete complete = {
        .id = id_of(row),
        .intended_ns = row->intended_ns,
        .start_ns = row->start_ns,
        .first_token_ns = row->first_token_ns,
        .last_token_ns = row->last_token_ns,
        .end_ns = row->end_ns,
        .sent_bytes = row->sent_bytes,
        .received_bytes = row->received_bytes,
        .prompt_tokens = row->usage.prompt_tokens,
        .completion_tokens = row->usage.completion_tokens,
        .outcome = row->outcome,
        .http_status = row->http_status,
        .chunk_count = row->chunk_count,
        .retries = row->retries,
    };
    memcpy(complete.finish_reason, row->finish_reason,
           strnlen(row->finish_reason, sizeof complete.finish_reason - 1));
    tkp_frame_put(out, TKP_FRAME_COMPLETE, &complete, sizeof complete);
}

uint32_t tkp_sample_put_row(struct tkp_buffer *out, const struct tkp_row *row)
{
    bool is_error = tkp_outcome_is_error((enum tkp_outcome)row->outcome);
    if (is_error)
        put_error(out, row);
    put_complete(out, row);
    return is_error ? 2 : 1;
}

/* Copies the beginning of a payload; what a later writer puts behind it is left out. */
static tokperf_status read_start(struct tokperf_span payload, const char *what, void *out,
                                 size_t size, struct tokperf_error *error)
{
    if (payload.len < size)
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "a frame %s has %" PRIu64 " bytes: it should have %zu", what, payload.len,
                        size);
    memcpy(out, payload.data, size);
    return TOKPERF_OK;
}

tokperf_status tkp_sample_read_issued(struct tokperf_span payload, struct tkp_sample_issued *issued,
                                      struct tokperf_error *error)
{
    return read_start(payload, "sample.issued", issued, sizeof *issued, error);
}

tokperf_status tkp_sample_read_first_token(struct tokperf_span payload,
                                           struct tkp_sample_first_token *first_token,
                                           struct tokperf_error *error)
{
    return read_start(payload, "sample.first_token", first_token, sizeof *first_token, error);
}

tokperf_status tkp_sample_read_complete(struct tokperf_span payload,
                                        struct tkp_sample_complete *complete,
                                        struct tokperf_error *error)
{
    tokperf_status status =
        read_start(payload, "sample.complete", complete, sizeof *complete, error);
    if (!status)
        complete->finish_reason[sizeof complete->finish_reason - 1] = '\0';
    return status;
}

tokperf_status tkp_sample_read_error(struct tokperf_span payload, struct tkp_sample_error *read,
                                     struct tokperf_span *type, struct tokperf_span *message,
                                     struct tokperf_error *error)
{
    tokperf_status status = read_start(payload, "sample.error", read, sizeof *read, error);
    if (status)
        return status;
    uint64_t text_bytes = (uint64_t)read->type_bytes + read->message_bytes;
    if (text_bytes > payload.len - sizeof *read)
        return tkp_fail(error, TOKPERF_E_PARSE,
                        "a frame sample.error has %" PRIu64
                        " bytes of text: it should have %" PRIu64,
                        payload.len - (uint64_t)sizeof *read, text_bytes);
    *type = (struct tokperf_span){payload.data + sizeof *read, read->type_bytes};
    *message = (struct tokperf_span){type->data + type->len, read->message_bytes};
    return TOKPERF_OK;
}

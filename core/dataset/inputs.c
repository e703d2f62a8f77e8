/* SPDX-License-Identifier: Apache-2.0 */
/* inputs.json: what will be sent, in the form that the file dataset reads back. [main] */
#include <dataset/dataset.h>

#include <base/error.h>
#include <base/files.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <config/settings.h>
#include <dataset/renderer.h>

static void write_bytes(void *context, const char *data, uint64_t len)
{
    tkp_outfile_write(context, data, len);
}

static bool is_json(struct tokperf_span body)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, body.data, body.len);
    return tkp_json_skip(&scan, NULL) == TOKPERF_OK && tkp_json_next(&scan) == TOKPERF_JSON_END;
}

/* Copies a body without the texts behind secret names (an api_key of --extra-inputs). Only texts:
 * a tool may have a parameter of such a name, and its schema is no secret. */
static void hide_secrets(struct tokperf_span body, struct tkp_buffer *out)
{
    struct tokperf_json scan;
    const char *copied = body.data;
    bool secret = false;
    tkp_json_open(&scan, body.data, body.len);
    for (uint32_t token; (token = tkp_json_next(&scan)) > TOKPERF_JSON_ERROR;) {
        if (secret && token == TOKPERF_JSON_STRING) {
            tkp_buffer_append(out, copied, (size_t)(scan.text.data - copied));
            tkp_buffer_puts(out, TKP_REDACTED);
            copied = scan.text.data + scan.text.len;
        }
        secret = token == TOKPERF_JSON_KEY && tkp_text_is_secret_name(scan.text);
    }
    tkp_buffer_append(out, copied, (size_t)(body.data + body.len - copied));
}

/* A body that is no JSON (a form, say) is written as text. */
static tokperf_status write_payload(struct tokperf_json_writer *json, struct tokperf_span body,
                                    struct tokperf_error *error)
{
    if (!is_json(body)) {
        tkp_json_writer_service.string(json, body);
        return TOKPERF_OK;
    }
    struct tkp_buffer shown;
    tkp_buffer_init(&shown, SIZE_MAX / 2); /* about the size of the body */
    hide_secrets(body, &shown);
    bool failed = shown.failed;
    if (!failed)
        tkp_json_writer_service.raw(json, tkp_buffer_span(&shown));
    tkp_buffer_finish(&shown);
    return failed ? tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory to write inputs.json")
                  : TOKPERF_OK;
}

static tokperf_status write_conversation(const struct tkp_dataset *dataset,
                                         struct tkp_renderer *renderer,
                                         struct tokperf_json_writer *json, uint64_t row,
                                         struct tokperf_error *error)
{
    const struct tokperf_json_writer_v1 *writer = &tkp_json_writer_service;
    const struct tkp_conversation *conversation = tkp_dataset_conversation(dataset, row);
    writer->object_begin(json);
    writer->key(json, TOKPERF_SPAN("session_id"));
    writer->string(json, conversation->session_id);
    writer->key(json, TOKPERF_SPAN("payloads"));
    writer->array_begin(json);
    for (uint32_t turn = 0; turn < conversation->turn_count; turn++) {
        const struct tkp_rendered *ahead = tkp_dataset_rendered(dataset, row, turn);
        struct tkp_rendered rendered;
        if (ahead != NULL) {
            rendered = *ahead;
        } else {
            tokperf_status status =
                tkp_renderer_render_without(renderer, row, turn, &rendered, error);
            if (status != TOKPERF_OK)
                return status;
        }
        tokperf_status status = write_payload(json, rendered.body, error);
        if (status != TOKPERF_OK)
            return status;
    }
    writer->array_end(json);
    writer->object_end(json);
    return TOKPERF_OK;
}

static tokperf_status write_all(const struct tkp_dataset *dataset, struct tkp_renderer *renderer,
                                struct tkp_outfile *file, struct tokperf_error *error)
{
    const struct tokperf_json_writer_v1 *writer = &tkp_json_writer_service;
    const struct tokperf_sink sink = {file, write_bytes};
    struct tokperf_json_writer json;
    tokperf_status status = TOKPERF_OK;
    writer->open(&json, &sink, 0);
    writer->object_begin(&json);
    writer->key(&json, TOKPERF_SPAN("data"));
    writer->array_begin(&json);
    for (uint64_t row = 0; row < tkp_dataset_size(dataset) && status == TOKPERF_OK; row++)
        status = write_conversation(dataset, renderer, &json, row, error);
    writer->array_end(&json);
    writer->object_end(&json);
    tkp_outfile_write(file, "\n", 1);
    return status;
}

tokperf_status tkp_dataset_write_inputs(const struct tkp_dataset *dataset, const char *dir,
                                        struct tokperf_error *error)
{
    struct tkp_outfile *file = NULL;
    struct tkp_renderer *renderer = tkp_renderer_create(dataset);
    if (renderer == NULL)
        return tkp_fail(error, TOKPERF_E_NO_MEMORY, "no memory to write inputs.json");
    tokperf_status status = tkp_outfile_open(dir, "inputs.json", &file, error);
    if (status == TOKPERF_OK)
        status = write_all(dataset, renderer, file, error);
    if (status == TOKPERF_OK)
        status = tkp_outfile_commit(file, error);
    if (file != NULL)
        tkp_outfile_close(file);
    tkp_renderer_destroy(renderer);
    return status;
}

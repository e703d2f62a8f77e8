/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in one form, with or without the values of secret names. No state. [any] */
#include <config/redact.h>

#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <config/settings.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { COMMAND_MAX_BYTES = 4 << 20 };

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

/* The plain text of a key or string, to be freed; without memory nothing, which hides it. */
static struct tokperf_span plain_text(struct tokperf_span text, char **memory)
{
    uint64_t len = 0;
    *memory = malloc(3 * text.len + 1);
    if (!*memory || tkp_json_unescape(text, *memory, 3 * text.len, &len))
        return tkp_span(TKP_REDACTED);
    return (struct tokperf_span){*memory, len};
}

static void write_string(struct tokperf_json_writer *w, struct tokperf_span text)
{
    char *memory;
    json->string(w, plain_text(text, &memory));
    free(memory);
}

static void write_key(struct tokperf_json *scan, struct tokperf_json_writer *w, bool hides)
{
    char *memory;
    struct tokperf_span key = plain_text(scan->text, &memory);
    json->key(w, key);
    if (hides && tkp_text_is_secret_name(key) && tkp_json_skip(scan, NULL) == TOKPERF_OK)
        json->string(w, tkp_span(TKP_REDACTED));
    free(memory);
}

static void rewrite(struct tokperf_span value, struct tokperf_json_writer *w, bool hides)
{
    struct tokperf_json scan;
    tkp_json_open(&scan, value.data, value.len);
    for (uint32_t token; (token = tkp_json_next(&scan)) > TOKPERF_JSON_ERROR;) {
        if (token == TOKPERF_JSON_OBJECT_BEGIN)
            json->object_begin(w);
        else if (token == TOKPERF_JSON_OBJECT_END)
            json->object_end(w);
        else if (token == TOKPERF_JSON_ARRAY_BEGIN)
            json->array_begin(w);
        else if (token == TOKPERF_JSON_ARRAY_END)
            json->array_end(w);
        else if (token == TOKPERF_JSON_KEY)
            write_key(&scan, w, hides);
        else if (token == TOKPERF_JSON_STRING)
            write_string(w, scan.text);
        else if (token == TOKPERF_JSON_NUMBER)
            json->raw(w, scan.text);
        else if (token == TOKPERF_JSON_NULL)
            json->null(w);
        else
            json->boolean(w, token == TOKPERF_JSON_TRUE);
    }
}

void tkp_redact_json(struct tokperf_span value, struct tokperf_json_writer *w)
{
    rewrite(value, w, true);
}

void tkp_compact_json(struct tokperf_span value, struct tokperf_json_writer *w)
{
    rewrite(value, w, false);
}

void tkp_redact_command_json(const char *command, struct tokperf_json_writer *w)
{
    struct tkp_buffer shown;
    tkp_buffer_init(&shown, COMMAND_MAX_BYTES);
    tkp_redact_command(command, &shown);
    json->string(w, shown.failed ? tkp_span(TKP_REDACTED) : tkp_buffer_span(&shown));
    tkp_buffer_finish(&shown);
}

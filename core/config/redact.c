/* SPDX-License-Identifier: Apache-2.0 */
/* JSON without the values of secret names. No state. [any] */
#include <config/redact.h>

#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <config/settings.h>
#include <stdbool.h>

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

enum { MAX_KEY_BYTES = 256 };

/* A key with escapes is compared as plain text; one too long for that counts as secret. */
static bool is_secret(struct tokperf_span key)
{
    char plain[MAX_KEY_BYTES];
    uint64_t len = 0;
    if (tkp_json_unescape(key, plain, sizeof plain, &len))
        return true;
    return tkp_text_is_secret_name((struct tokperf_span){plain, len});
}

/* A scalar as it stands in the text, quotes included. */
static struct tokperf_span raw_string(struct tokperf_span text)
{
    return (struct tokperf_span){text.data - 1, text.len + 2};
}

static void write_key(struct tokperf_json *scan, struct tokperf_json_writer *w)
{
    char plain[MAX_KEY_BYTES];
    uint64_t len = 0;
    bool hide = is_secret(scan->text);
    if (tkp_json_unescape(scan->text, plain, sizeof plain, &len))
        json->key(w, tkp_span(TKP_REDACTED));
    else
        json->key(w, (struct tokperf_span){plain, len});
    if (hide && tkp_json_skip(scan, NULL) == TOKPERF_OK)
        json->string(w, tkp_span(TKP_REDACTED));
}

void tkp_redact_json(struct tokperf_span value, struct tokperf_json_writer *w)
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
            write_key(&scan, w);
        else if (token == TOKPERF_JSON_STRING)
            json->raw(w, raw_string(scan.text));
        else if (token == TOKPERF_JSON_NUMBER)
            json->raw(w, scan.text);
        else if (token == TOKPERF_JSON_NULL)
            json->null(w);
        else
            json->boolean(w, token == TOKPERF_JSON_TRUE);
    }
}

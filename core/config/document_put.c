/* SPDX-License-Identifier: Apache-2.0 */
/* See document_put.h. */
#include <config/document_put.h>

#include <base/clock.h>
#include <base/json_write.h>
#include <base/text.h>
#include <stdio.h>

static const struct tokperf_json_writer_v1 *const json = &tkp_json_writer_service;

void tkp_document_put_key(struct tokperf_json_writer *w, const char *key)
{
    json->key(w, tkp_span(key));
}

void tkp_document_put_object(struct tokperf_json_writer *w, const char *key)
{
    tkp_document_put_key(w, key);
    json->object_begin(w);
}

void tkp_document_put_number(struct tokperf_json_writer *w, const char *key, double value)
{
    tkp_document_put_key(w, key);
    json->number(w, value);
}

void tkp_document_put_count(struct tokperf_json_writer *w, const char *key, uint64_t value)
{
    if (!value)
        return;
    tkp_document_put_key(w, key);
    json->integer(w, (int64_t)value);
}

void tkp_document_put_bool(struct tokperf_json_writer *w, const char *key, bool value)
{
    tkp_document_put_key(w, key);
    json->boolean(w, value);
}

void tkp_document_put_seconds(struct tokperf_json_writer *w, const char *key, uint64_t ns)
{
    char text[32];
    tkp_document_put_key(w, key);
    if (ns == TKP_NEVER_NS) {
        json->string(w, TOKPERF_SPAN("inf"));
        return;
    }
    int len = snprintf(text, sizeof text, "%llu.%09llu", (unsigned long long)(ns / TKP_NS_PER_S),
                       (unsigned long long)(ns % TKP_NS_PER_S));
    while (len > 0 && text[len - 1] == '0')
        text[--len] = '\0';
    if (len > 0 && text[len - 1] == '.')
        text[--len] = '\0';
    json->raw(w, tkp_span(text));
}

void tkp_document_put_choice(struct tokperf_json_writer *w, const char *key, enum tkp_option_id id,
                             unsigned value)
{
    tkp_json_write_pair(w, key, tkp_options_row(id)->choices[value - 1]);
}

void tkp_document_put_list(struct tokperf_json_writer *w, const char *key, const char *const *list,
                           uint32_t count)
{
    if (!count)
        return;
    tkp_document_put_key(w, key);
    json->array_begin(w);
    for (uint32_t i = 0; i < count; i++)
        json->string(w, tkp_span(list[i]));
    json->array_end(w);
}

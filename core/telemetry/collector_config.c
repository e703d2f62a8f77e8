/* SPDX-License-Identifier: Apache-2.0 */
/* The line of configuration that a collector reads, as a JSON object; see message.h. */
#include <telemetry/message.h>

#include <base/error.h>
#include <base/json_scan.h>
#include <base/json_write.h>
#include <base/text.h>
#include <stddef.h>

#define TEXT(name)                                              \
    {                                                           \
#name, offsetof(struct tkp_collector_config, name),     \
            sizeof(((struct tkp_collector_config *)NULL)->name) \
    }
static const struct {
    const char *key;
    size_t offset, capacity;
} texts[] = {TEXT(service), TEXT(control), TEXT(events), TEXT(benchmark_id), TEXT(artifact_dir)};
enum { TEXT_COUNT = sizeof texts / sizeof texts[0], ALL_TEXTS = (1 << TEXT_COUNT) - 1 };

void tkp_collector_config_write(const struct tkp_collector_config *config, struct tkp_buffer *out)
{
    const struct tokperf_json_writer_v1 *json = &tkp_json_writer_service;
    struct tokperf_sink sink = tkp_buffer_sink(out);
    struct tokperf_json_writer w;
    json->open(&w, &sink, 0);
    json->object_begin(&w);
    json->key(&w, TOKPERF_SPAN("version"));
    json->integer(&w, config->version);
    for (size_t i = 0; i < TEXT_COUNT; i++)
        tkp_json_write_pair(&w, texts[i].key, (const char *)config + texts[i].offset);
    json->object_end(&w);
    tkp_buffer_puts(out, "\n");
}

static bool read_text(const struct tokperf_json *scan, char *out, size_t capacity)
{
    char text[3 * TKP_COLLECTOR_LINE_BYTES];
    uint64_t len;
    return tkp_json_unescape(scan->text, text, sizeof text, &len) == TOKPERF_OK &&
           !memchr(text, '\0', len) &&
           tkp_text_copy(out, capacity, (struct tokperf_span){text, len}) < capacity;
}

static bool read_version(struct tokperf_json *scan, uint32_t *version)
{
    int64_t value;
    if (tkp_json_next(scan) != TOKPERF_JSON_NUMBER ||
        tkp_json_to_int(scan->text, &value) != TOKPERF_OK || value < 1 || value > UINT32_MAX)
        return false;
    *version = (uint32_t)value;
    return true;
}

/* *came: bit i for texts[i]. */
static bool read_pair(struct tokperf_json *scan, struct tkp_collector_config *config,
                      uint32_t *came)
{
    if (tkp_json_equals(scan->text, scan->escaped, TOKPERF_SPAN("version")))
        return read_version(scan, &config->version);
    for (uint32_t i = 0; i < TEXT_COUNT; i++) {
        if (!tkp_json_equals(scan->text, scan->escaped, tkp_span(texts[i].key)))
            continue;
        *came |= 1u << i;
        return tkp_json_next(scan) == TOKPERF_JSON_STRING &&
               read_text(scan, (char *)config + texts[i].offset, texts[i].capacity);
    }
    return tkp_json_skip(scan, NULL) == TOKPERF_OK;
}

tokperf_status tkp_collector_config_parse(struct tokperf_span line,
                                          struct tkp_collector_config *config,
                                          struct tokperf_error *error)
{
    struct tokperf_json scan;
    uint32_t came = 0, token = TOKPERF_JSON_ERROR;
    *config = (struct tkp_collector_config){0};
    if (line.len <= TKP_COLLECTOR_LINE_BYTES) {
        tkp_json_open(&scan, line.data, line.len);
        bool good = tkp_json_next(&scan) == TOKPERF_JSON_OBJECT_BEGIN;
        while (good && (token = tkp_json_next(&scan)) == TOKPERF_JSON_KEY)
            good = read_pair(&scan, config, &came);
        good = good && token == TOKPERF_JSON_OBJECT_END && tkp_json_next(&scan) == TOKPERF_JSON_END;
        if (good && came == ALL_TEXTS && config->version)
            return TOKPERF_OK;
    }
    return tkp_fail(error, TOKPERF_E_PARSE,
                    "the line on the standard input is no configuration of a collector; it is to "
                    "be started by 'tokperf profile --collector'");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Batches from any bytes, shown as lines: each line is one, a JSON line is one JSON object, and a
 * line of text has nothing that steers a terminal. */
#include <base/json_scan.h>
#include <bus/event_line.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void check(const struct tkp_buffer *out, enum tkp_event_format format)
{
    struct tokperf_json scan;
    must(!out->failed && out->len && out->data[out->len - 1] == '\n');
    for (size_t i = 0; i + 1 < out->len; i++)
        must((unsigned char)out->data[i] >= ' ');
    if (format == TKP_EVENT_TEXT) {
        must(!memchr(out->data, 0x7f, out->len));
        return;
    }
    tkp_json_open(&scan, out->data, out->len);
    must(tkp_json_skip(&scan, NULL) == TOKPERF_OK && tkp_json_next(&scan) == TOKPERF_JSON_END);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const phases[] = {"warmup", "profiling"};
    static const struct tkp_event_context context = {1000, phases, 2};
    struct tkp_frame_reader reader;
    struct tkp_frame frame;
    struct tokperf_error error;
    struct tkp_buffer out;
    struct tokperf_span batch = {(const char *)data, size};
    if (tkp_frame_reader_init(&reader, batch, &error) != TOKPERF_OK)
        return 0;
    tkp_buffer_init(&out, 16 * size + 65536);
    while (tkp_frame_reader_next(&reader, &frame, &error) == TOKPERF_OK)
        for (int format = TKP_EVENT_TEXT; format <= TKP_EVENT_JSONL; format++) {
            tkp_buffer_clear(&out);
            if (tkp_event_line_put(&out, (enum tkp_event_format)format, &context,
                                   (enum tkp_topic)reader.head.topic, &frame))
                check(&out, (enum tkp_event_format)format);
            else
                must(out.len == 0);
        }
    tkp_buffer_finish(&out);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of collectors and their line of configuration from any bytes: the first byte is the kind
 * of the frame. What is accepted writes and reads back as itself.
 */
#include <stdlib.h>
#include <string.h>
#include <telemetry/message.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void try_message(uint32_t kind, struct tokperf_span json, struct tkp_buffer *out)
{
    struct tkp_message message, again;
    struct tokperf_error error;
    if (tkp_message_parse(kind, json, &message, &error) != TOKPERF_OK)
        return;
    tkp_message_write(&message, out);
    must(!out->failed);
    must(tkp_message_parse(kind, tkp_buffer_span(out), &again, &error) == TOKPERF_OK);
    must(message.capabilities == again.capabilities && message.version == again.version);
    must(message.ack.success == again.ack.success && message.ack.kind == again.ack.kind);
    must(message.domain == again.domain && message.timeout_ms == again.timeout_ms);
    must(strcmp(message.ack.error, again.ack.error) == 0);
    must(strcmp(message.ack.phase_id, again.ack.phase_id) == 0);
    must(strcmp(message.phase, again.phase) == 0);
}

static void try_config(struct tokperf_span line, struct tkp_buffer *out)
{
    static struct tkp_collector_config config, again;
    struct tokperf_error error;
    if (tkp_collector_config_parse(line, &config, &error) != TOKPERF_OK)
        return;
    tkp_buffer_clear(out);
    tkp_collector_config_write(&config, out);
    struct tokperf_span written = {out->data, out->len - 1};
    if (written.len > TKP_COLLECTOR_LINE_BYTES)
        return; /* control characters take more room when they are escaped */
    must(tkp_collector_config_parse(written, &again, &error) == TOKPERF_OK);
    must(config.version == again.version && strcmp(config.service, again.service) == 0);
    must(strcmp(config.control, again.control) == 0 && strcmp(config.events, again.events) == 0);
    must(strcmp(config.benchmark_id, again.benchmark_id) == 0);
    must(strcmp(config.artifact_dir, again.artifact_dir) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tkp_buffer out;
    if (!size)
        return 0;
    tkp_buffer_init(&out, 16 * size + 65536);
    try_message(data[0], (struct tokperf_span){(const char *)data + 1, size - 1}, &out);
    try_config((struct tokperf_span){(const char *)data, size}, &out);
    tkp_buffer_finish(&out);
    return 0;
}

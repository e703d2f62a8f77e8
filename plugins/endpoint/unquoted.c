/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the quotes off what the JSON writer writes. */
#include "unquoted.h"

#include <stdbool.h>

struct unquoted {
    const struct tokperf_sink *sink;
    bool begun, holding;
    char held; /* the last byte so far: the closing quote if nothing follows */
};

static void write_unquoted(void *context, const char *data, uint64_t len)
{
    struct unquoted *unquoted = context;
    if (len > 0 && !unquoted->begun) {
        unquoted->begun = true;
        data++;
        len--;
    }
    if (len == 0)
        return;
    if (unquoted->holding)
        unquoted->sink->write(unquoted->sink->context, &unquoted->held, 1);
    if (len > 1)
        unquoted->sink->write(unquoted->sink->context, data, len - 1);
    unquoted->held = data[len - 1];
    unquoted->holding = true;
}

void unquoted_put(const struct tokperf_json_writer_v1 *writer, const struct tokperf_sink *sink,
                  struct tokperf_span text)
{
    struct unquoted unquoted = {.sink = sink};
    const struct tokperf_sink bytes = {&unquoted, write_unquoted};
    struct tokperf_json_writer json;
    writer->open(&json, &bytes, 0);
    writer->string(&json, text);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON writer. The state is the caller's; bit 0 of nesting says whether the innermost container
 * has a member already, and a level deeper shifts it, so that 128 levels are remembered.
 */
#include <base/json_write.h>

#include <base/text.h>
#include <base/utf8.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void put(struct tokperf_json_writer *w, const char *data, uint64_t len)
{
    w->sink.write(w->sink.context, data, len);
}

static void new_line(struct tokperf_json_writer *w)
{
    static const char spaces[] = "                                "; /* 32: 16 levels a write */
    put(w, "\n", 1);
    for (uint64_t left = (uint64_t)w->depth * 2, step; left; left -= step) {
        step = left < sizeof spaces - 1 ? left : sizeof spaces - 1;
        put(w, spaces, step);
    }
}

/* What stands before a value or key: nothing behind a key, else a comma and the line's start. */
static void begin_item(struct tokperf_json_writer *w)
{
    if (w->after_key) {
        w->after_key = 0;
        return;
    }
    if (w->nesting[0] & 1)
        put(w, ",", 1);
    w->nesting[0] |= 1;
    if (w->depth && w->flags & TOKPERF_JSON_INDENT)
        new_line(w);
}

static void begin_container(struct tokperf_json_writer *w, const char *bracket)
{
    begin_item(w);
    put(w, bracket, 1);
    w->nesting[1] = w->nesting[1] << 1 | w->nesting[0] >> 63;
    w->nesting[0] <<= 1;
    w->depth++;
}

static void end_container(struct tokperf_json_writer *w, const char *bracket)
{
    if (!w->depth)
        return;
    w->depth--;
    if (w->nesting[0] & 1 && w->flags & TOKPERF_JSON_INDENT)
        new_line(w);
    w->nesting[0] = w->nesting[0] >> 1 | w->nesting[1] << 63;
    w->nesting[1] >>= 1;
    put(w, bracket, 1);
}

/* Writes one byte that may not stand in a string as it is. */
static void put_escape(struct tokperf_json_writer *w, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *known = byte ? strchr(from, byte) : NULL;
    if (known)
        put(w, (char[]){'\\', to[known - from]}, 2);
    else
        put(w, (char[]){'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]}, 6);
}

static void put_string(struct tokperf_json_writer *w, struct tokperf_span text)
{
    put(w, "\"", 1);
    uint64_t written = 0, at = 0;
    while (at < text.len) {
        unsigned char byte = (unsigned char)text.data[at];
        if (byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\') {
            at++;
            continue;
        }
        bool valid;
        size_t step = tkp_utf8_step(text.data + at, text.len - at, &valid);
        if (byte >= 0x80 && valid) {
            at += step;
            continue;
        }
        if (at > written)
            put(w, text.data + written, at - written);
        if (byte >= 0x80)
            put(w, "\xef\xbf\xbd", 3); /* U+FFFD */
        else
            put_escape(w, byte);
        at += step;
        written = at;
    }
    if (at > written)
        put(w, text.data + written, at - written);
    put(w, "\"", 1);
}

static void writer_open(struct tokperf_json_writer *w, const struct tokperf_sink *sink,
                        uint32_t flags)
{
    *w = (struct tokperf_json_writer){.sink = *sink, .flags = flags};
}

static void object_begin(struct tokperf_json_writer *w)
{
    begin_container(w, "{");
}

static void object_end(struct tokperf_json_writer *w)
{
    end_container(w, "}");
}

static void array_begin(struct tokperf_json_writer *w)
{
    begin_container(w, "[");
}

static void array_end(struct tokperf_json_writer *w)
{
    end_container(w, "]");
}

static void write_key(struct tokperf_json_writer *w, struct tokperf_span key)
{
    begin_item(w);
    put_string(w, key);
    if (w->flags & TOKPERF_JSON_INDENT)
        put(w, ": ", 2);
    else
        put(w, ":", 1);
    w->after_key = 1;
}

static void write_string(struct tokperf_json_writer *w, struct tokperf_span text)
{
    begin_item(w);
    put_string(w, text);
}

static void write_raw(struct tokperf_json_writer *w, struct tokperf_span json)
{
    begin_item(w);
    put(w, json.data, json.len);
}

static void write_integer(struct tokperf_json_writer *w, int64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%" PRId64, value);
    write_raw(w, (struct tokperf_span){text, (uint64_t)n});
}

static void write_null(struct tokperf_json_writer *w)
{
    write_raw(w, TOKPERF_SPAN("null"));
}

static void write_number(struct tokperf_json_writer *w, double value)
{
    if (!isfinite(value)) {
        write_null(w);
        return;
    }
    char text[32];
    size_t n = tkp_text_from_double(text, sizeof text, value);
    write_raw(w, (struct tokperf_span){text, n});
}

static void write_boolean(struct tokperf_json_writer *w, uint32_t value)
{
    write_raw(w, value ? TOKPERF_SPAN("true") : TOKPERF_SPAN("false"));
}

const struct tokperf_json_writer_v1 tkp_json_writer_service = {
    .struct_size = sizeof(struct tokperf_json_writer_v1),
    .open = writer_open,
    .object_begin = object_begin,
    .object_end = object_end,
    .array_begin = array_begin,
    .array_end = array_end,
    .key = write_key,
    .string = write_string,
    .integer = write_integer,
    .number = write_number,
    .boolean = write_boolean,
    .null = write_null,
    .raw = write_raw,
};

void tkp_json_write_pair(struct tokperf_json_writer *w, const char *key, const char *text)
{
    if (!text)
        return;
    write_key(w, tkp_span(key));
    write_string(w, tkp_span(text));
}

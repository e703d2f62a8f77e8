/* SPDX-License-Identifier: Apache-2.0 */
/* Errors with their place, memory of one turn, and steps over JSON that was already checked. */
#include "reading.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void reading_finish(struct reading *reading)
{
    free(reading->text);
    free(reading->contents);
    free(reading->content_list);
    free(reading->members);
    free(reading->sessions);
}

/* Line and column of a byte, both from 1. */
static void locate(const struct reading *reading, const char *at, unsigned long long *line,
                   unsigned long long *column)
{
    *line = 1;
    *column = 1;
    for (const char *p = reading->content.data; p < at; p++) {
        if (*p == '\n') {
            *line += 1;
            *column = 1;
        } else if (((unsigned char)*p & 0xc0) != 0x80) { /* not a continuation byte */
            *column += 1;
        }
    }
}

tokperf_status reading_fail(struct reading *reading, tokperf_status status, const char *at,
                            const char *format, ...)
{
    struct tokperf_error *error = reading->error;
    if (error == NULL)
        return status;
    unsigned long long line, column;
    locate(reading, at, &line, &column);
    error->status = status;
    const int used = snprintf(error->message, sizeof error->message,
                              "%.400s:%llu:%llu: ", reading->path, line, column);
    if (used < 0 || (size_t)used >= sizeof error->message)
        return status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message + used, sizeof error->message - (size_t)used, format, arguments);
    va_end(arguments);
    return status;
}

tokperf_status reading_no_memory(struct reading *reading)
{
    if (reading->error != NULL) {
        reading->error->status = TOKPERF_E_NO_MEMORY;
        snprintf(reading->error->message, sizeof reading->error->message,
                 "%.400s: not enough memory to read it", reading->path);
    }
    return TOKPERF_E_NO_MEMORY;
}

tokperf_status reading_fail_json(struct reading *reading, const struct tokperf_json *scan)
{
    return reading_fail(reading, TOKPERF_E_PARSE, scan->begin + scan->error_offset,
                        "not valid JSON: %s", reading->services->json->error_text(scan));
}

/* The length of the UTF-8 sequence at p (Unicode 15, table 3-7), or 0. */
static uint64_t sequence_length(const unsigned char *p, uint64_t left)
{
    uint64_t len;
    unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        len = 2;
    else if (p[0] >= 0xe0 && p[0] <= 0xef)
        len = 3;
    else if (p[0] >= 0xf0 && p[0] <= 0xf4)
        len = 4;
    else
        return 0;
    if (p[0] == 0xe0)
        low = 0xa0;
    else if (p[0] == 0xed)
        high = 0x9f;
    else if (p[0] == 0xf0)
        low = 0x90;
    else if (p[0] == 0xf4)
        high = 0x8f;
    if (left < len || p[1] < low || p[1] > high)
        return 0;
    for (uint64_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

tokperf_status reading_check_utf8(struct reading *reading)
{
    const char *p = reading->content.data;
    const char *end = p + reading->content.len;
    while (p < end) {
        uint64_t block;
        if (end - p >= 8) {
            memcpy(&block, p, sizeof block);
            if ((block & UINT64_C(0x8080808080808080)) == 0) { /* eight ASCII bytes */
                p += 8;
                continue;
            }
        }
        const uint64_t len =
            sequence_length((const unsigned char *)(const void *)p, (uint64_t)(end - p));
        if (len == 0)
            return reading_fail(reading, TOKPERF_E_PARSE, p,
                                "byte 0x%02x is not UTF-8; save the file as UTF-8",
                                (unsigned)(unsigned char)*p);
        p += len;
    }
    return TOKPERF_OK;
}

bool reading_grow(void **array, uint64_t count, uint64_t *capacity, size_t size)
{
    if (count < *capacity)
        return true;
    const uint64_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    void *grown = realloc(*array, wanted * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *capacity = wanted;
    return true;
}

/* A text is at most as long as its JSON: the shortest escape of a 3-byte character has 6 bytes. The
 * unescape service asks for 3 times, as it must for bytes that are no UTF-8. */
tokperf_status reading_begin_text(struct reading *reading, uint64_t bytes)
{
    reading->text_len = 0;
    const uint64_t wanted = 4 * bytes;
    if (wanted <= reading->text_capacity)
        return TOKPERF_OK;
    char *text = realloc(reading->text, wanted);
    if (text == NULL)
        return reading_no_memory(reading);
    reading->text = text;
    reading->text_capacity = wanted;
    return TOKPERF_OK;
}

struct tokperf_span reading_unquote(struct reading *reading, struct tokperf_span raw)
{
    const struct tokperf_span inner = {raw.data + 1, raw.len - 2};
    if (inner.len == 0 || memchr(inner.data, '\\', inner.len) == NULL)
        return inner;
    uint64_t len;
    char *out = reading->text + reading->text_len;
    if (reading->services->json->unescape(inner, out, reading->text_capacity - reading->text_len,
                                          &len) != TOKPERF_OK)
        return (struct tokperf_span){NULL, 0};
    reading->text_len += len;
    return (struct tokperf_span){out, len};
}

void members_open(const struct reading *reading, struct members *members, struct tokperf_span raw)
{
    reading->services->json->open(&members->scan, raw.data, raw.len);
    reading->services->json->next(&members->scan);
}

bool members_next(const struct reading *reading, struct members *members)
{
    if (reading->services->json->next(&members->scan) != TOKPERF_JSON_KEY)
        return false;
    members->key = members->scan.text;
    members->key_escaped = members->scan.escaped;
    return reading->services->json->skip(&members->scan, &members->raw) == TOKPERF_OK;
}

bool members_key_is(const struct reading *reading, const struct members *members, const char *name)
{
    return reading->services->json->equals(members->key, members->key_escaped,
                                           (struct tokperf_span){name, strlen(name)}) != 0;
}

void elements_open(const struct reading *reading, struct tokperf_json *scan,
                   struct tokperf_span raw)
{
    reading->services->json->open(scan, raw.data, raw.len);
    reading->services->json->next(scan);
}

bool elements_next(const struct reading *reading, struct tokperf_json *scan,
                   struct tokperf_span *raw)
{
    return reading->services->json->skip(scan, raw) == TOKPERF_OK;
}

const char *reading_kind_of(struct tokperf_span raw)
{
    switch (raw.len == 0 ? '\0' : raw.data[0]) {
    case '"':
        return "a string";
    case '{':
        return "an object";
    case '[':
        return "an array";
    case 't':
    case 'f':
        return "true or false";
    case 'n':
        return "null";
    default:
        return "a number";
    }
}

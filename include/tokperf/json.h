/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * tokperf SDK: the strict JSON pull scanner (service "json/1") and the JSON writer (service
 * "json_writer/1"). RFC 8259. The scanner allocates nothing and never reads past the end.
 *
 *     struct tokperf_json scan;
 *     json->open(&scan, data, len);
 *     while ((token = json->next(&scan)) > TOKPERF_JSON_END) ...
 *
 * Strings come as the bytes between their quotes. `escaped` says whether a backslash is inside;
 * unescape() then gives UTF-8. Bytes >= 0x80 are passed on unchecked; unescape() replaces invalid
 * UTF-8 and unpaired surrogates with U+FFFD.
 */
#ifndef TOKPERF_JSON_H
#define TOKPERF_JSON_H

#include <tokperf/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    TOKPERF_JSON_END = 0,   /* the one top-level value is complete and nothing but space follows */
    TOKPERF_JSON_ERROR = 1, /* see error_offset and error_text(); every later call repeats it */
    TOKPERF_JSON_OBJECT_BEGIN = 2,
    TOKPERF_JSON_OBJECT_END = 3,
    TOKPERF_JSON_ARRAY_BEGIN = 4,
    TOKPERF_JSON_ARRAY_END = 5,
    TOKPERF_JSON_KEY = 6, /* text, escaped; its value comes next */
    TOKPERF_JSON_STRING = 7,
    TOKPERF_JSON_NUMBER = 8, /* text */
    TOKPERF_JSON_TRUE = 9,
    TOKPERF_JSON_FALSE = 10,
    TOKPERF_JSON_NULL = 11
};
enum { TOKPERF_JSON_MAX_DEPTH = 128 };

/* Scanner state in the caller's memory. Read `text`, `escaped`, `depth`, `error_offset` only. */
struct tokperf_json {
    const char *begin, *position, *end;
    struct tokperf_span text; /* of the last KEY, STRING or NUMBER; inside the input */
    uint32_t escaped;         /* of the last KEY or STRING: 1 if it has a backslash */
    uint32_t depth;           /* open containers */
    uint64_t nesting[2];      /* a bit a level: 1 object, 0 array */
    uint32_t expect;          /* what the grammar allows next */
    uint32_t error;           /* reason of an ERROR */
    uint64_t error_offset;    /* bytes from the begin */
    uint64_t reserved[2];
};

/* Every member: [any], does not block, does not allocate. */
struct tokperf_json_v1 {
    uint32_t struct_size;
    uint32_t reserved;
    void (*open)(struct tokperf_json *scan, const char *data, uint64_t len);
    /* Returns the next token. */
    uint32_t (*next)(struct tokperf_json *scan);
    /* Passes over the value that comes next, checking its grammar; *raw (may be NULL) is its text.
     * At the end of a container: returns TOKPERF_E_STATE and moves nothing. */
    tokperf_status (*skip)(struct tokperf_json *scan, struct tokperf_span *raw);
    /* Why the last ERROR: a static sentence. */
    const char *(*error_text)(const struct tokperf_json *scan);
    /* Whether the bytes between quotes `text` (escaped or not) equal the plain bytes `plain`. */
    uint32_t (*equals)(struct tokperf_span text, uint32_t escaped, struct tokperf_span plain);
    /* Writes the unescaped UTF-8 of a string's bytes; needs at most 3 * text.len bytes.
     * TOKPERF_E_LIMIT when capacity is too small. */
    tokperf_status (*unescape)(struct tokperf_span text, char *out, uint64_t capacity,
                               uint64_t *len);
    /* A NUMBER's value. to_int fails on fractions, exponents and overflow; to_double on overflow.
     */
    tokperf_status (*to_int)(struct tokperf_span number, int64_t *value);
    tokperf_status (*to_double)(struct tokperf_span number, double *value);
};

/* Where written bytes go. */
struct tokperf_sink {
    void *context;
    void (*write)(void *context, const char *data, uint64_t len);
};

/* Writer state in the caller's memory; the writer puts commas and colons. */
struct tokperf_json_writer {
    struct tokperf_sink sink;
    uint32_t depth;
    uint32_t flags;      /* TOKPERF_JSON_INDENT */
    uint64_t nesting[2]; /* a bit a level: something was written already */
    uint64_t after_key;
    uint64_t reserved[2];
};
enum { TOKPERF_JSON_INDENT = 1u << 0 }; /* two spaces a level instead of one line */

struct tokperf_json_writer_v1 {
    uint32_t struct_size;
    uint32_t reserved;
    void (*open)(struct tokperf_json_writer *w, const struct tokperf_sink *sink, uint32_t flags);
    void (*object_begin)(struct tokperf_json_writer *w);
    void (*object_end)(struct tokperf_json_writer *w);
    void (*array_begin)(struct tokperf_json_writer *w);
    void (*array_end)(struct tokperf_json_writer *w);
    void (*key)(struct tokperf_json_writer *w, struct tokperf_span key);
    /* Escapes; invalid UTF-8 becomes U+FFFD. */
    void (*string)(struct tokperf_json_writer *w, struct tokperf_span text);
    void (*integer)(struct tokperf_json_writer *w, int64_t value);
    /* Shortest text that reads back equal. NaN and infinity are written as null: callers leave such
     * keys out instead. */
    void (*number)(struct tokperf_json_writer *w, double value);
    void (*boolean)(struct tokperf_json_writer *w, uint32_t value);
    void (*null)(struct tokperf_json_writer *w);
    /* A JSON value as it stands; the caller vouches for it. */
    void (*raw)(struct tokperf_json_writer *w, struct tokperf_span json);
};

#ifdef __cplusplus
}
#endif
#endif

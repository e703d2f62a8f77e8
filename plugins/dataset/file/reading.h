/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dataset file while it is read: its bytes, where the conversations go, and the memory that one
 * turn is built in. Everything here runs on the main thread inside produce().
 */
#ifndef FILE_READING_H
#define FILE_READING_H

#include <stdbool.h>
#include <string.h>
#include <tokperf/dataset.h>

/* What an instance keeps. */
struct file_services {
    const struct tokperf_host *host;
    const struct tokperf_json_v1 *json;
    const struct tokperf_rng_v1 *rng;
    const struct tokperf_file_v1 *file;
    const struct tokperf_cancelled_v1 *cancelled; /* or NULL */
};

/* A session_id that was seen, to find the second use of it. */
struct session {
    struct tokperf_span id; /* in the file */
};

struct reading {
    const struct file_services *services;
    const struct tokperf_dataset_request *request;
    const struct tokperf_dataset_sink *sink;
    struct tokperf_error *error;
    const char *path;
    struct tokperf_span content; /* without a byte order mark */
    uint64_t conversations;      /* so far */

    char *text; /* unescaped texts of one turn */
    uint64_t text_len, text_capacity;
    struct tokperf_content *contents;
    const struct tokperf_content **content_list;
    uint64_t content_count, content_capacity;
    struct tokperf_member *members;
    uint64_t member_count, member_capacity;
    struct session *sessions;
    uint64_t session_count, session_capacity;
};

void reading_finish(struct reading *reading); /* frees; not the content */

/* "path:line:column: " and the sentence; `at` points into the content. Columns count characters. */
tokperf_status reading_fail(struct reading *reading, tokperf_status status, const char *at,
                            const char *format, ...) TOKPERF_PRINTF(4, 5);
tokperf_status reading_no_memory(struct reading *reading);
/* The sentence of a scanner that failed. */
tokperf_status reading_fail_json(struct reading *reading, const struct tokperf_json *scan);
/* Fails at the first byte that is not UTF-8. */
tokperf_status reading_check_utf8(struct reading *reading);

/* Room for one more element of `size` bytes; doubles the capacity. False without memory. */
bool reading_grow(void **array, uint64_t count, uint64_t *capacity, size_t size);

/* The text of a JSON string as it stands, quotes included. NULL data: no memory. The result holds
 * until begin_text(). */
struct tokperf_span reading_unquote(struct reading *reading, struct tokperf_span raw);
/* Makes room for `bytes` of unescaped text, and forgets what was there. */
tokperf_status reading_begin_text(struct reading *reading, uint64_t bytes);

/* Members of a JSON object whose grammar was checked before. */
struct members {
    struct tokperf_json scan;
    struct tokperf_span key; /* between its quotes */
    uint32_t key_escaped;
    struct tokperf_span raw; /* the value as it stands */
};
void members_open(const struct reading *reading, struct members *members, struct tokperf_span raw);
bool members_next(const struct reading *reading, struct members *members);
bool members_key_is(const struct reading *reading, const struct members *members, const char *name);

/* Elements of a JSON array whose grammar was checked before. */
void elements_open(const struct reading *reading, struct tokperf_json *scan,
                   struct tokperf_span raw);
bool elements_next(const struct reading *reading, struct tokperf_json *scan,
                   struct tokperf_span *raw);

/* What a value is, for messages: "a string", "a number", ... */
const char *reading_kind_of(struct tokperf_span raw);

#endif

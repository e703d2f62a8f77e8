/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenAI dialect, shared between its source files: what an instance keeps, what a request in
 * flight keeps, and the two halves of the work, rendering and parsing.
 */
#ifndef OPENAI_H
#define OPENAI_H

#include <stdbool.h>
#include <string.h>
#include <tokperf/endpoint.h>

#include "../json_steps.h"

/* One instance: the host's JSON tables. */
struct openai {
    const struct tokperf_json_v1 *json;
    const struct tokperf_json_writer_v1 *writer;
};

/* One request in flight; zeroed before begin(). */
struct openai_state {
    uint32_t framing;
    uint8_t done;       /* "[DONE]" came: whatever follows is not part of the answer */
    uint8_t finished;   /* a finish_reason came */
    uint8_t complete;   /* a whole JSON object was read to its end */
    uint8_t delta_seen; /* the stream speaks in deltas: a "message" repeats them */
};

/* Per worker: code, type and message of a server's error, unescaped (json_plain). */
struct openai_scratch {
    char code[JSON_ERROR_ROOM_BYTES];
    char type[JSON_ERROR_ROOM_BYTES];
    char message[JSON_ERROR_ROOM_BYTES];
};

/* format.c */
tokperf_status openai_format_chat(const void *self, const struct tokperf_request *request,
                                  const struct tokperf_request_sink *sink,
                                  struct tokperf_error *error);
tokperf_status openai_format_completions(const void *self, const struct tokperf_request *request,
                                         const struct tokperf_request_sink *sink,
                                         struct tokperf_error *error);
tokperf_status openai_format_embeddings(const void *self, const struct tokperf_request *request,
                                        const struct tokperf_request_sink *sink,
                                        struct tokperf_error *error);

/* prompt.c: writes the value of "prompt". False: a content is not text. */
bool openai_write_prompt(const struct openai *self, struct tokperf_json_writer *json,
                         const struct tokperf_request *request,
                         const struct tokperf_request_sink *sink);

/* Makes a text a part of a JSON string: escaped, without quotes. */
void openai_append_text(const struct openai *self, const struct tokperf_request_sink *sink,
                        struct tokperf_span text);

/* salt.c: which text of a conversation carries the marker of TOKPERF_REQUEST_SALT_*. */
struct openai_salt {
    uint32_t turn, content;
    bool prefix, suffix, found;
};
struct openai_salt openai_find_salt(const struct tokperf_request *request);
bool openai_is_salted(const struct openai_salt *salt, uint32_t turn, uint32_t content);
/* The text with the marker, like openai_append_text() and as a JSON string. */
void openai_append_salted(const struct openai *self, const struct tokperf_request_sink *sink,
                          const struct openai_salt *salt, struct tokperf_span text);
void openai_write_salted(const struct openai *self, struct tokperf_json_writer *json,
                         const struct tokperf_request_sink *sink, const struct openai_salt *salt,
                         struct tokperf_span text);

/* parse.c: the same for all components, whose answers differ in where the content is. */
void openai_begin(const void *self, void *state, uint32_t framing);
tokperf_status openai_event(const void *self, void *state, void *scratch,
                            const struct tokperf_event *event, const struct tokperf_emit *emit,
                            struct tokperf_error *error);
uint32_t openai_finish(const void *self, void *state, void *scratch, uint32_t end,
                       const struct tokperf_emit *emit);

/* usage.c: reads the value after a "usage" key and emits it if it states anything. */
void openai_read_usage(const struct openai *self, struct tokperf_json *scan,
                       const struct tokperf_emit *emit);

/* error.c: what a server says went wrong, gathered over one event. */
struct openai_error {
    struct tokperf_span code, type, message;
    bool present;
};
/* Reads the value after an "error" key: an object, a sentence, or null for none. */
void openai_read_error(const struct openai *self, struct tokperf_json *scan,
                       struct openai_error *found);
/* Emits it with its texts unescaped. */
void openai_emit_error(const struct openai *self, struct openai_scratch *scratch,
                       const struct openai_error *found, const struct tokperf_emit *emit);

#endif

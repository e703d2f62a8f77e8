/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ollama's own API, shared between its source files: what an instance keeps and what a request in
 * flight keeps.
 */
#ifndef OLLAMA_H
#define OLLAMA_H

#include <stdbool.h>
#include <string.h>
#include <tokperf/endpoint.h>

#include "../json_steps.h"

/* One instance. */
struct ollama {
    const struct tokperf_json_v1 *json;
    const struct tokperf_json_writer_v1 *writer;
    bool generate; /* /api/generate instead of /api/chat */
};

/* One request in flight; zeroed before begin(). */
struct ollama_state {
    uint8_t done; /* a line said "done": true */
};

/* A server's error, unescaped. */
struct ollama_scratch {
    char message[JSON_ERROR_ROOM_BYTES];
};

/* format.c */
tokperf_status ollama_format(const void *self, const struct tokperf_request *request,
                             const struct tokperf_request_sink *sink, struct tokperf_error *error);

/* parse.c */
tokperf_status ollama_event(const void *self, void *state, void *scratch,
                            const struct tokperf_event *event, const struct tokperf_emit *emit,
                            struct tokperf_error *error);
uint32_t ollama_finish(const void *self, void *state, void *scratch, uint32_t end,
                       const struct tokperf_emit *emit);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text Generation Inference's own API, shared between its source files: what an instance keeps and
 * what a request in flight keeps.
 */
#ifndef HUGGINGFACE_H
#define HUGGINGFACE_H

#include <stdbool.h>
#include <string.h>
#include <tokperf/endpoint.h>

#include "../json_steps.h"

/* One instance: the host's JSON tables. */
struct huggingface {
    const struct tokperf_json_v1 *json;
    const struct tokperf_json_writer_v1 *writer;
};

/* One request in flight; zeroed before begin(). */
struct huggingface_state {
    uint8_t streamed;
    uint8_t done; /* the event with the whole text came, or the whole answer was read */
};

/* A server's error, unescaped. */
struct huggingface_scratch {
    char message[JSON_ERROR_ROOM_BYTES];
    char type[JSON_ERROR_ROOM_BYTES];
};

/* format.c */
tokperf_status huggingface_format(const void *self, const struct tokperf_request *request,
                                  const struct tokperf_request_sink *sink,
                                  struct tokperf_error *error);

/* parse.c */
void huggingface_begin(const void *self, void *state, uint32_t framing);
tokperf_status huggingface_event(const void *self, void *state, void *scratch,
                                 const struct tokperf_event *event, const struct tokperf_emit *emit,
                                 struct tokperf_error *error);
uint32_t huggingface_finish(const void *self, void *state, void *scratch, uint32_t end,
                            const struct tokperf_emit *emit);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests in a shape that the user gives, and answers in any shape: components "template" and
 * "raw", shared between their source files.
 */
#ifndef TEMPLATE_H
#define TEMPLATE_H

#include "../json_steps.h"
#include "query.h"
#include "text.h"

#include <tokperf/endpoint.h>

enum { TEMPLATE_AUTO_QUERIES = 12 };

/* One instance. */
struct template_instance {
    const struct tokperf_json_v1 *json;
    const struct tokperf_json_writer_v1 *writer;
    const struct tokperf_file_v1 *file;
    uint32_t stream_framing;
    bool has_text; /* a template was given */
    struct text text;
    struct tokperf_span ending; /* the template's last '}' and what follows, at its top level */
    char *sample;               /* it rendered with all fields present, to look keys up in */
    uint64_t sample_bytes;
    bool has_members, may_lack_members; /* of the sample; of a request with hardly a field */
    bool has_query;
    struct query query; /* response_field */
    struct query error_query, usage_query, automatic[TEMPLATE_AUTO_QUERIES];
};

/* One request in flight; zeroed before begin(). */
struct template_state {
    uint32_t framing;
    uint8_t done; /* "[DONE]" came */
};

struct template_scratch {
    char message[JSON_ERROR_ROOM_BYTES];
    char type[JSON_ERROR_ROOM_BYTES];
    char code[JSON_ERROR_ROOM_BYTES];
};

/* body.c */
/* Takes what the user gave as template: a name, the template itself, or a file. */
tokperf_status template_set_body(struct template_instance *instance,
                                 const struct tokperf_host *host, struct tokperf_span body,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
tokperf_status template_format(const void *self, const struct tokperf_request *request,
                               const struct tokperf_request_sink *sink,
                               struct tokperf_error *error);
tokperf_status template_format_raw(const void *self, const struct tokperf_request *request,
                                   const struct tokperf_request_sink *sink,
                                   struct tokperf_error *error);

/* answer.c */
/* Compiles the queries that are its own. */
tokperf_status template_set_queries(struct template_instance *instance,
                                    struct tokperf_error *error) TOKPERF_MUST_USE;
void template_begin(const void *self, void *state, uint32_t framing);
tokperf_status template_event(const void *self, void *state, void *scratch,
                              const struct tokperf_event *event, const struct tokperf_emit *emit,
                              struct tokperf_error *error);
uint32_t template_finish(const void *self, void *state, void *scratch, uint32_t end,
                         const struct tokperf_emit *emit);

/* The status, with its sentence. */
tokperf_status template_fail(struct tokperf_error *error, tokperf_status status, const char *format,
                             ...) TOKPERF_PRINTF(3, 4);

#endif

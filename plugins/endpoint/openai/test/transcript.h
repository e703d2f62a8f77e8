/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the plugin's parser and writes down what it emits, a line each. */
#ifndef OPENAI_TRANSCRIPT_H
#define OPENAI_TRANSCRIPT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tokperf/endpoint.h>

struct transcript {
    char text[16384]; /* longer ones are cut */
    size_t len;
    const struct tokperf_endpoint_vtable *vtable;
    void *self, *state, *scratch;
    uint32_t framing;
};

/* The vtable of a component of the plugin under test. */
const struct tokperf_endpoint_vtable *openai_test_vtable(const char *component);
/* An instance of it, on a host with every service; aborts the test when create fails. */
void *openai_test_create(const struct tokperf_endpoint_vtable *vtable);

void transcript_begin(struct transcript *transcript, const char *component, uint32_t framing);
/* One event; "type|data" gives it an SSE type. */
void transcript_event(struct transcript *transcript, const char *event);
tokperf_status transcript_bytes(struct transcript *transcript, const char *data, size_t len);
/* finish(), its verdict as the last line, and the end of the instance. */
void transcript_end(struct transcript *transcript);

#endif

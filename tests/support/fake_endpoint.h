/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint and a dataset for tests of the worker, linked in instead of loaded. The body of a
 * request is its conversation's texts joined by '|', an answer's tool calls behind its text. An
 * event of a stream is one of t:TEXT r:TEXT o:TEXT  output, reasoning, other     j:TEXT  output,
 * JSON-escaped c:TEXT  a tool call's arguments                    u:N     usage: N completion
 * tokens tu:TEXT  output with a usage of 7                  f:WHY   finish reason e:TEXT  an error
 * bad     cannot be parsed n:INAME=ARGS  part of tool call I, JSON-escaped [DONE]  the proper end
 * anything else: nothing A whole body is taken as one such event and needs no end.
 */
#ifndef FAKE_ENDPOINT_H
#define FAKE_ENDPOINT_H

#include <plugin/loader.h>
#include <tokperf/dataset.h>
#include <tokperf/endpoint.h>

extern const struct tokperf_endpoint_vtable fake_endpoint;
extern const struct tkp_instance fake_endpoint_instance;

/* A conversation: texts of its turns, each followed by a live answer but for the last. */
struct fake_conversation {
    const char *turns[4]; /* NULL-ended */
    int64_t delay_ns;     /* before each later turn */
};
struct fake_dataset {
    const struct fake_conversation *conversations;
    uint32_t count;
};
/* An instance that produces it; both live as long as the test. */
struct tkp_instance fake_dataset_instance(struct fake_dataset *dataset);

#endif

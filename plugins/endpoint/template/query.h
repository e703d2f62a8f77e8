/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subset of JMESPath, compiled once and asked of JSON texts: identifiers, "quoted identifiers",
 * '.', [n], [-n], [*], [] and '||'. Asking allocates nothing. [any]
 */
#ifndef TEMPLATE_QUERY_H
#define TEMPLATE_QUERY_H

#include <stdbool.h>
#include <tokperf/json.h>

enum {
    QUERY_MAX_BYTES = 1024, /* of an expression */
    QUERY_MAX_STEPS = 64,   /* of all its alternatives together */
    QUERY_MAX_ALTERNATIVES = 8
};

enum query_kind {
    QUERY_FIELD = 1, /* the member of an object */
    QUERY_INDEX,     /* an item of a list, counted from its end when negative */
    QUERY_EACH,      /* every item of a list */
    QUERY_FLAT       /* every item of a list, and of the lists in it */
};

struct query_step {
    enum query_kind kind;
    int32_t index;
    uint32_t name, name_len; /* in names */
};

struct query {
    struct query_step steps[QUERY_MAX_STEPS];
    struct {
        uint32_t begin, end;
        bool lists; /* it gives any number of values */
    } alternatives[QUERY_MAX_ALTERNATIVES];
    uint32_t step_count, alternative_count, name_bytes;
    char names[3 * QUERY_MAX_BYTES];
};

/* The sentence of an error names the position, counted from 1. */
tokperf_status query_compile(struct query *query, const struct tokperf_json_v1 *json,
                             struct tokperf_span text,
                             struct tokperf_error *error) TOKPERF_MUST_USE;

/* Gives every value that the first alternative with a result finds, as its JSON text, but null.
 * value is one JSON value without space around it. Returns how many there were. */
uint64_t query_ask(const struct query *query, const struct tokperf_json_v1 *json,
                   struct tokperf_span value,
                   void (*take)(void *context, struct tokperf_span found), void *context);

#endif

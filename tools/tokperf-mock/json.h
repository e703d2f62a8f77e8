/* SPDX-License-Identifier: Apache-2.0 */
/* A validating JSON reader over bytes in memory (RFC 8259). The caller walks the document; nothing
 * is allocated. The first fault found sticks, and every later call is a no-op. */
#ifndef TKP_MOCK_JSON_H
#define TKP_MOCK_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

struct tkp_mock_json {
    const char *begin;
    const char *at;
    const char *end;
    unsigned depth;
    bool first;          /* no member or item of the container just opened was read yet */
    const char *trouble; /* NULL while all is well; otherwise what is wrong at `at` */
};

void tkp_mock_json_init(struct tkp_mock_json *json, const char *data, size_t len);

/* The next value's first byte after white space, 0 at the end or after a fault. */
char tkp_mock_json_peek(struct tkp_mock_json *json);

/* Enters an object or array; false unless one starts here. Leave it by calling the matching
 * function below until it says false. */
bool tkp_mock_json_open(struct tkp_mock_json *json, char bracket);
/* The next member: its raw key (without quotes, escapes kept); the value must be read next. */
bool tkp_mock_json_member(struct tkp_mock_json *json, struct tkp_mock_slice *key);
/* True when an item follows, which must be read next. */
bool tkp_mock_json_item(struct tkp_mock_json *json);

/* Reads a string: raw bytes between the quotes, and its number of words (runs without ASCII white
 * space, escapes decoded). Both results may be NULL. */
bool tkp_mock_json_string(struct tkp_mock_json *json, struct tkp_mock_slice *raw, uint64_t *words);
bool tkp_mock_json_number(struct tkp_mock_json *json, double *value);
bool tkp_mock_json_bool(struct tkp_mock_json *json, bool *value);
/* Reads null if it is next. */
bool tkp_mock_json_null(struct tkp_mock_json *json);
/* Reads and checks any value. */
void tkp_mock_json_skip(struct tkp_mock_json *json);
/* Only white space is left; otherwise sets trouble. */
bool tkp_mock_json_at_end(struct tkp_mock_json *json);

#endif

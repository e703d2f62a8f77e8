/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The template language: text with tags, compiled once, rendered for a request without allocating.
 * docs/endpoints.md is its description. Made on the main thread; any thread renders.
 */
#ifndef TEMPLATE_TEXT_H
#define TEMPLATE_TEXT_H

#include <stdbool.h>
#include <tokperf/endpoint.h>

enum {
    TEXT_MAX_BYTES = 1024 * 1024, /* of a template */
    TEXT_MAX_DEPTH = 8            /* sections in sections */
};

/* What a tag can name. */
enum field {
    FIELD_NONE = 0,
    FIELD_TEXT, /* single ones: the first of the list that follows */
    FIELD_TEXTS,
    FIELD_IMAGE,
    FIELD_IMAGES,
    FIELD_AUDIO,
    FIELD_AUDIOS,
    FIELD_VIDEO,
    FIELD_VIDEOS,
    FIELD_QUERY,
    FIELD_QUERIES,
    FIELD_PASSAGE,
    FIELD_PASSAGES,
    FIELD_MODEL,
    FIELD_MAX_TOKENS,
    FIELD_STREAM,
    FIELD_ROLE,
    FIELD_TURN,
    FIELD_TURNS,
    FIELD_ITEM,  /* "." */
    FIELD_FIRST, /* "-first", "-last", "-index": of the section around */
    FIELD_LAST,
    FIELD_INDEX
};

enum text_kind {
    TEXT_LITERAL = 1,
    TEXT_VALUE,    /* {{name}} */
    TEXT_VERBATIM, /* {{{name}}} */
    TEXT_SECTION,  /* {{#name}} */
    TEXT_INVERTED, /* {{^name}} */
    TEXT_END       /* {{/name}} */
};

struct text_node {
    enum text_kind kind;
    enum field field;
    bool in_string; /* between the quotes of a JSON string */
    uint32_t end;   /* of a section: its TEXT_END */
    struct tokperf_span literal;
};

struct text {
    char *source;
    struct text_node *nodes;
    uint32_t count, capacity;
};

/* Copies source. The sentence of an error names line and column. */
tokperf_status text_compile(struct text *text, struct tokperf_span source,
                            struct tokperf_error *error) TOKPERF_MUST_USE;
void text_finish(struct text *text); /* accepts a zeroed one */

/* "texts" and the like: whether a field is a list of strings. */
bool field_is_list(enum field field);

/* Renders the nodes [0, text->count). */
void text_render(const struct text *text, const struct tokperf_json_writer_v1 *writer,
                 const struct tokperf_request *request, const struct tokperf_sink *sink);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records what an endpoint says, as text that can be compared: its emissions as JSON lines (the
 * form of sdk/fixtures.md), its requests as lines and a body. [check child]
 */
#ifndef TKP_CLI_PLUGINS_CHECK_EMIT_H
#define TKP_CLI_PLUGINS_CHECK_EMIT_H

#include <base/buffer.h>
#include <tokperf/endpoint.h>

struct tkp_check_emissions {
    struct tokperf_emit emit; /* give its address to the endpoint; set by init */
    struct tkp_buffer lines;
    bool joins_text;       /* texts of one kind in a row are one line (framing "bytes") */
    uint32_t pending_kind; /* 0: none */
    struct tkp_buffer pending;
    bool completed;          /* the endpoint called complete() since the last clear or verdict */
    bool asked;              /* likewise follow_up() */
    const char *broken_rule; /* the first breach of endpoint.h, or NULL */
};

void tkp_check_emissions_init(struct tkp_check_emissions *e, bool joins_text);
void tkp_check_emissions_clear(struct tkp_check_emissions *e);
void tkp_check_emissions_finish(struct tkp_check_emissions *e);
/* The last line of an exchange: {"verdict": "ok"}, "truncated", "follow_up" or "parse_error". The
 * message of a parse error is not part of it: hosts word theirs as they like. */
void tkp_check_emissions_verdict(struct tkp_check_emissions *e, uint32_t verdict);
void tkp_check_emissions_parse_error(struct tkp_check_emissions *e, const char *message);

struct tkp_check_rendered {
    struct tokperf_request_sink sink;
    struct tkp_buffer headers; /* "name: value", a line each */
    struct tkp_buffer body;    /* holes are filled with as many zeros */
    char method[16], path[1024], content_type[128];
    const char *broken_rule;
};

void tkp_check_rendered_init(struct tkp_check_rendered *r);
void tkp_check_rendered_clear(struct tkp_check_rendered *r);
void tkp_check_rendered_finish(struct tkp_check_rendered *r);

#endif

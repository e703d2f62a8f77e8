/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a response head: the status line and the fields that decide about framing and reuse
 * (RFC 9110, RFC 9112). Pure functions on a response's state; used by http_response.c only.
 */
#ifndef TKP_WORKER_HTTP_FIELDS_H
#define TKP_WORKER_HTTP_FIELDS_H

#include <worker/http_response.h>

/* Lines come without their line end. Each returns NULL, or why the line is refused. */
const char *tkp_http_fields_status(struct tkp_http_response *r, struct tokperf_span line);
const char *tkp_http_fields_line(struct tkp_http_response *r, struct tokperf_span line);

#endif

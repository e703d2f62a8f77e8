/* SPDX-License-Identifier: Apache-2.0 */
/* What a page in HTML or XML says: the error pages of servers and proxies are such. Pure. [any] */
#ifndef TKP_WORKER_ERROR_PAGE_H
#define TKP_WORKER_ERROR_PAGE_H

#include <stddef.h>
#include <tokperf/base.h>

/* Writes the text between the tags, white space as single spaces, without scripts and styles; at
 * most capacity bytes, and entities as they stand. Returns its length; 0: it is no page, or an
 * empty one. */
size_t tkp_error_page_read(struct tokperf_span body, char *out, size_t capacity);

#endif

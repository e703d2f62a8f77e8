/* SPDX-License-Identifier: Apache-2.0 */
/* Short texts about an option that help and docs/cli.md share. [any] */
#ifndef TKP_CONFIG_DOCUMENT_TEXT_H
#define TKP_CONFIG_DOCUMENT_TEXT_H

#include <config/options.h>

/* "100", "the request timeout"; "" when there is none worth saying. */
void tkp_document_default(const struct tkp_option *row, char *out, size_t capacity);
/* "1..1000000 tokens"; "" when there is none. */
void tkp_document_range(const struct tkp_option *row, char *out, size_t capacity);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of metrics: each row is a tag, its names, unit and how it is shown. Adding a metric is
 * one row here and one function beside the others of its kind.
 */
#ifndef TKP_METRICS_TABLE_H
#define TKP_METRICS_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <tokperf/exporter.h>

/* Where token counts come from: one source per run for input, one for output. */
enum tkp_token_source { TKP_TOKENS_NONE = 0, TKP_TOKENS_SERVER, TKP_TOKENS_CHUNKS };
const char *tkp_token_source_name(enum tkp_token_source source); /* "server", "chunks", "" */

#endif

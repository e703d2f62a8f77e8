/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing where the run's token counts come from: once, for all its phases, never mixed. Pure.
 * [any]
 */
#ifndef TKP_METRICS_TOKEN_SOURCE_H
#define TKP_METRICS_TOKEN_SOURCE_H

#include <metrics/table.h>
#include <record/row.h>

/* What servers stated in the ok requests of a run. Begin with a zeroed one, add every row. */
struct tkp_token_presence {
    bool prompt, completion;
};
void tkp_token_presence_add(struct tkp_token_presence *presence, const struct tkp_row *row);

/* --use-server-token-count gives server for both; else --tokenizer gives tokenizer for both; else
 * server for what servers stated; else the
 * content chunks for the output of a streaming run; else none. */
void tkp_token_sources_choose(bool use_server_token_count, bool has_tokenizer, bool streaming,
                              const struct tkp_token_presence *presence,
                              enum tkp_token_source *isl_source, enum tkp_token_source *osl_source);

#endif

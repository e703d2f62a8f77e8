/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing the sources of token counts. Pure; any thread. */
#include <metrics/token_source.h>

void tkp_token_presence_add(struct tkp_token_presence *presence, const struct tkp_row *row)
{
    if (row->outcome != TKP_OUTCOME_OK)
        return;
    presence->prompt |= row->usage.prompt_tokens >= 0;
    presence->completion |= row->usage.completion_tokens >= 0;
}

void tkp_token_sources_choose(bool use_server_token_count, bool has_tokenizer, bool streaming,
                              const struct tkp_token_presence *presence,
                              enum tkp_token_source *isl_source, enum tkp_token_source *osl_source)
{
    if (has_tokenizer && !use_server_token_count) {
        *isl_source = *osl_source = TKP_TOKENS_TOKENIZER;
        return;
    }
    *isl_source = TKP_TOKENS_NONE;
    *osl_source = streaming ? TKP_TOKENS_CHUNKS : TKP_TOKENS_NONE;
    if (use_server_token_count || presence->prompt)
        *isl_source = TKP_TOKENS_SERVER;
    if (use_server_token_count || presence->completion)
        *osl_source = TKP_TOKENS_SERVER;
}

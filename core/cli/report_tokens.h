/* SPDX-License-Identifier: Apache-2.0 */
/* `tokperf report`: what was counted of the answers, and counting what is left. [main] */
#ifndef TKP_CLI_REPORT_TOKENS_H
#define TKP_CLI_REPORT_TOKENS_H

#include <record/token_counts.h>
#include <report/facts.h>

/* Opens dir's tokens.tkr, NULL when the run had no tokenizer or counted nothing. With a path to the
 * run's tokenizer, counts what is not counted yet first. */
tokperf_status tkp_report_tokens(const char *dir, const struct tkp_run_facts *facts,
                                 const char *tokenizer, struct tkp_token_counts **counts,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

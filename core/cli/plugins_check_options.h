/* SPDX-License-Identifier: Apache-2.0 */
/* Options and life of a component under test. [check child] */
#ifndef TKP_CLI_PLUGINS_CHECK_OPTIONS_H
#define TKP_CLI_PLUGINS_CHECK_OPTIONS_H

#include <cli/plugins_check_child.h>
#include <tokperf/conversation.h>

/* Step "options": every row with usual and hostile values; create may refuse them, with a sentence.
 * Leaves subject->config with the values of --set, defaults, and samples for required rows; NULL
 * when create refuses those. */
void tkp_check_options(struct tkp_check_subject *subject);
/* Step "lifecycle": a hundred creates and destroys, two instances at once, nothing left behind. */
void tkp_check_lifecycle(struct tkp_check_subject *subject);

/* The values of an instance with options of a fixture beside those of --set. */
tokperf_status tkp_check_config(struct tkp_check_subject *s, const struct tokperf_member *options,
                                uint32_t count, const struct tokperf_config **config,
                                struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Variables: TOKPERF_<PATH> for options, and what ${NAME} in a file stands for. [main] */
#ifndef TKP_CONFIG_ENVIRONMENT_H
#define TKP_CONFIG_ENVIRONMENT_H

#include <config/settings.h>

/* The value of a variable, or NULL. environment: NULL-ended NAME=value, or NULL. */
const char *tkp_environment_get(const char *const *environment, const char *name, size_t name_len);
/* Adds every TOKPERF_<PATH>. A TOKPERF_ variable that is no option and not reserved is an error. */
tokperf_status tkp_environment_apply(const char *const *environment, struct tkp_settings *settings,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;
/* Replaces ${NAME} and ${NAME:default} in text; $${ stands for ${. *out lives in arena. The message
 * says what is wrong, without a place. */
tokperf_status tkp_environment_expand(const char *const *environment, const char *text,
                                      struct tkp_arena *arena, const char **out,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members of map options out of one text: headers ("Name: value" or a JSON object), extra inputs
 * ("key:value" or a JSON object), objectives ("tag:value tag:value"), plugin settings
 * ("NAME.KEY=VALUE"). Messages never show a value: it may be a secret. [main]
 */
#ifndef TKP_CONFIG_MEMBERS_H
#define TKP_CONFIG_MEMBERS_H

#include <config/settings.h>

/* Cuts text and adds each member to settings. */
tokperf_status tkp_members_add(struct tkp_settings *settings, const struct tkp_option *option,
                               enum tkp_layer layer, const char *origin, const char *text,
                               struct tokperf_error *error) TOKPERF_MUST_USE;
/* Whether key may name a member: a header's name that is not tokperf's own, a tag, ... */
tokperf_status tkp_members_check_key(const struct tkp_option *option, const char *origin,
                                     const char *key, struct tokperf_error *error) TOKPERF_MUST_USE;
/* The text with every value of a secret name replaced by TKP_REDACTED; NULL without memory. */
const char *tkp_members_redact(const struct tkp_option *option, const char *text,
                               struct tkp_arena *arena);

#endif

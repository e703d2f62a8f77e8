/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the constant data that a module handed over keeps the contract of tokperf/plugin.h:
 * sizes, names, vtables, option rows, services. [main]
 */
#ifndef TKP_PLUGIN_DESCRIPTOR_H
#define TKP_PLUGIN_DESCRIPTOR_H

#include <stdbool.h>
#include <tokperf/plugin.h>

enum { TKP_DESCRIPTOR_MAX_COMPONENTS = 256, TKP_DESCRIPTOR_MAX_OPTIONS = 256 };

/* The first violation as one sentence, which does not name the file. TOKPERF_E_ABI when the two
 * sides do not fit, else TOKPERF_E_INVALID. Components of unknown kinds are passed over. */
tokperf_status tkp_descriptor_check(const struct tokperf_plugin *plugin,
                                    struct tokperf_error *error) TOKPERF_MUST_USE;
/* [a-z][a-z0-9_]*, at most 63 bytes. */
bool tkp_descriptor_is_name(const char *name);
/* Letters, digits, dots, dashes and underscores with at least one dot inside, at most 127 bytes. */
bool tkp_descriptor_is_plugin_id(const char *id);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One value of an option: from its text to its type, with the row's range and choices. [any] */
#ifndef TKP_CONFIG_VALUE_H
#define TKP_CONFIG_VALUE_H

#include <config/settings.h>

/* Fills the typed member of setting from setting->text. The message begins with setting->origin and
 * never shows a secret. */
tokperf_status tkp_value_read(const struct tkp_option *option, struct tkp_setting *setting,
                              struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Option rows of a component, and the way from what a user wrote to typed values. [main]
 */
#ifndef TKP_PLUGIN_OPTION_H
#define TKP_PLUGIN_OPTION_H

#include <base/arena.h>
#include <config/plan.h>
#include <tokperf/plugin.h>

/* One component's settings out of a list that may hold others'. */
struct tkp_option_input {
    const struct tkp_plugin_setting *settings;
    uint32_t setting_count;
    const char *name;    /* settings for it ... */
    const char *full_id; /* ... or for "ID:name" are taken; may be NULL */
};

/* Whether rows (NULL-ended or NULL) keep the contract. The sentence names the key. */
tokperf_status tkp_option_check_rows(const struct tokperf_option *const *rows,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;
/* Reads one text as the row's type says, into *value (zeroed first); texts are copied into arena.
 * For a LIST one item is appended. A value of a SECRET row never enters the sentence. */
tokperf_status tkp_option_read(const struct tokperf_option *row, const char *text,
                               struct tkp_arena *arena, struct tokperf_value *value,
                               struct tokperf_error *error) TOKPERF_MUST_USE;
/* All values in row order: settings, else defaults. The last setting of a key counts, except that a
 * LIST collects them. Unknown keys, missing required ones and bad values are errors that begin with
 * the setting's origin. *config lives in arena. */
tokperf_status tkp_option_resolve(const struct tokperf_option *const *rows,
                                  const struct tkp_option_input *input, struct tkp_arena *arena,
                                  const struct tokperf_config **config,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
/* "string", "int", ...; NULL when there is no such type. */
const char *tkp_option_type_name(uint32_t type);

#endif

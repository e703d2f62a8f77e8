/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was given for each option, merged by layer: a higher layer replaces a value or list of a
 * lower one, and maps (headers, extra inputs, objectives, plugin settings) member by member. Every
 * value is read by its row when it is added, so that a wrong one is an error even where a higher
 * layer would hide it. [main]
 */
#ifndef TKP_CONFIG_SETTINGS_H
#define TKP_CONFIG_SETTINGS_H

#include <base/arena.h>
#include <config/options.h>

enum tkp_layer { TKP_LAYER_DEFAULT = 1, TKP_LAYER_FILE, TKP_LAYER_ENVIRONMENT, TKP_LAYER_FLAG };

/* What stands in documents for a secret, and what is refused when it is read back. */
#define TKP_REDACTED "<redacted>"

struct tkp_setting {
    const char *key;    /* of a map's member (plugin settings: "NAME.KEY"); else NULL */
    const char *text;   /* as given; TKP_TYPE_JSON: a JSON value */
    const char *origin; /* begins every message: "--url", "TOKPERF_...", "file:line:column: path" */
    enum tkp_layer layer;
    int64_t integer;      /* TKP_TYPE_INTEGER */
    double number;        /* TKP_TYPE_NUMBER */
    bool boolean;         /* TKP_TYPE_BOOLEAN */
    uint64_t duration_ns; /* TKP_TYPE_DURATION; TKP_NEVER_NS: inf */
    uint32_t choice;      /* TKP_TYPE_CHOICE: index into the row's choices */
    struct tkp_setting *next;
};

struct tkp_phase_settings;

struct tkp_settings {
    struct tkp_arena *arena; /* everything added is copied into it */
    struct tkp_setting *first[TKP_OPT_COUNT];
    struct tkp_phase_settings *phases; /* of the file, in its order */
    uint32_t phase_count;
};

/* A phase of the file. What the file gives for it lies here alone; what flags and variables give
 * for its kind lies in the settings of the run. */
struct tkp_phase_settings {
    const char *name;
    const char *origin; /* "file:line:column: path" */
    bool is_named;      /* else it has the name of its kind */
    bool is_warmup;
    struct tkp_settings values; /* TKP_OPT_ARRIVAL or TKP_OPT_WARMUP_ARRIVAL and the ids behind;
                                   without the table's defaults */
};

/* Adds the defaults of the table, so that tkp_settings_get finds them. */
tokperf_status tkp_settings_init(struct tkp_settings *settings, struct tkp_arena *arena,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
/* One occurrence of a flag, variable or YAML scalar: lists are cut at commas, maps are JSON objects
 * or the short form of their flag. */
tokperf_status tkp_settings_add(struct tkp_settings *settings, const struct tkp_option *option,
                                enum tkp_layer layer, const char *origin, const char *text,
                                struct tokperf_error *error) TOKPERF_MUST_USE;
/* One item of a list, or the one value of an option that is neither list nor map. */
tokperf_status tkp_settings_add_value(struct tkp_settings *settings,
                                      const struct tkp_option *option, enum tkp_layer layer,
                                      const char *origin, const char *text,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
/* One member of a map. */
tokperf_status tkp_settings_add_member(struct tkp_settings *settings,
                                       const struct tkp_option *option, enum tkp_layer layer,
                                       const char *origin, const char *key, const char *text,
                                       struct tokperf_error *error) TOKPERF_MUST_USE;

/* The first value, or NULL: unset and without default. Further ones through `next`. */
const struct tkp_setting *tkp_settings_get(const struct tkp_settings *settings,
                                           enum tkp_option_id id);
/* The value if somebody gave it (not the table's default), else NULL. */
const struct tkp_setting *tkp_settings_given(const struct tkp_settings *settings,
                                             enum tkp_option_id id);
/* The first value's typed member; zero when there is none. */
bool tkp_settings_bool(const struct tkp_settings *settings, enum tkp_option_id id);
double tkp_settings_number(const struct tkp_settings *settings, enum tkp_option_id id);
int64_t tkp_settings_integer(const struct tkp_settings *settings, enum tkp_option_id id);
uint64_t tkp_settings_ns(const struct tkp_settings *settings, enum tkp_option_id id);
uint32_t tkp_settings_choice(const struct tkp_settings *settings, enum tkp_option_id id);
const char *tkp_settings_text(const struct tkp_settings *settings,
                              enum tkp_option_id id); /* NULL */
uint32_t tkp_settings_count(const struct tkp_settings *settings, enum tkp_option_id id);

#endif

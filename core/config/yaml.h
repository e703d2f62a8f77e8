/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML to a tree with positions. One document, core schema, no anchors, aliases or tags, no key
 * twice; at most TKP_YAML_MAX_BYTES, TKP_YAML_MAX_DEPTH levels, TKP_YAML_MAX_NODES nodes and
 * TKP_YAML_MAX_KEYS keys in one mapping. Used by the run's configuration and the plugin registry.
 *
 *     struct tkp_yaml yaml;
 *     status = tkp_yaml_open(&yaml, "run.yaml", &error);
 *     const struct tkp_yaml_node *url = tkp_yaml_get(yaml.root, "url");
 *     if (url && url->kind != TKP_YAML_SCALAR)
 *         status = tkp_yaml_fail(&yaml, url, &error, "url: expected text, found %s",
 *                                tkp_yaml_kind_name(url));
 *     tkp_yaml_close(&yaml);
 *
 * [main]; the tree is read-only afterwards and lives until tkp_yaml_close.
 */
#ifndef TKP_CONFIG_YAML_H
#define TKP_CONFIG_YAML_H

#include <base/arena.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    TKP_YAML_MAX_BYTES = 1 << 20,
    TKP_YAML_MAX_DEPTH = 32,
    TKP_YAML_MAX_NODES = 1 << 16,
    TKP_YAML_MAX_KEYS = 1024
};

enum tkp_yaml_kind { TKP_YAML_MAP = 1, TKP_YAML_SEQ, TKP_YAML_SCALAR };

struct tkp_yaml_node {
    enum tkp_yaml_kind kind;
    bool is_quoted;        /* scalar: quoted or a block scalar, so text whatever it looks like */
    uint32_t line, column; /* of the value, from 1 */
    const char *key;       /* its key when it is a member of a map; else NULL */
    uint32_t key_line, key_column;
    const char *text; /* scalar: UTF-8 without NUL inside, NUL behind; else NULL */
    uint32_t count;   /* children of a map or sequence, in order of the file: */
    const struct tkp_yaml_node *first, *next;
};

struct tkp_yaml {
    struct tkp_arena arena;           /* everything below */
    const char *name;                 /* of the file, for messages */
    const struct tkp_yaml_node *root; /* NULL: the document is empty */
};

/* Reads a file. Fills yaml in any case: close it. TOKPERF_E_INVALID with "file:line:column: ..."
 * when the content is wrong, what tkp_files_read says when it cannot be read. */
tokperf_status tkp_yaml_open(struct tkp_yaml *yaml, const char *path,
                             struct tokperf_error *error) TOKPERF_MUST_USE;
/* The same from memory; name stands for the file in messages. Nothing is borrowed. */
tokperf_status tkp_yaml_parse(struct tkp_yaml *yaml, const char *name, const char *data, size_t len,
                              struct tokperf_error *error) TOKPERF_MUST_USE;
void tkp_yaml_close(struct tkp_yaml *yaml); /* accepts a zeroed one */

/* The member of that key, or NULL; NULL too when map is NULL or no map. */
const struct tkp_yaml_node *tkp_yaml_get(const struct tkp_yaml_node *map, const char *key);
/* "a mapping", "a list", "text". */
const char *tkp_yaml_kind_name(const struct tkp_yaml_node *node);
/* Fills error with "file:line:column: ..." of the value and returns TOKPERF_E_INVALID. */
tokperf_status tkp_yaml_fail(const struct tkp_yaml *yaml, const struct tkp_yaml_node *node,
                             struct tokperf_error *error, const char *format, ...)
    TOKPERF_PRINTF(4, 5);
/* The error of a key that is not known, at the key's position, with the closest of known
 * (NULL-ended). where names the map: "benchmark.phases[0]"; "" at the top. */
tokperf_status tkp_yaml_unknown_key(const struct tkp_yaml *yaml, const struct tkp_yaml_node *member,
                                    const char *where, const char *const *known,
                                    struct tokperf_error *error);
/* Fails on the first key of map that is not one of known (NULL-ended). */
tokperf_status tkp_yaml_check_keys(const struct tkp_yaml *yaml, const struct tkp_yaml_node *map,
                                   const char *where, const char *const *known,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;

/* What a plain scalar means in the core schema. false: it is something else. */
bool tkp_yaml_is_null(const struct tkp_yaml_node *node); /* nothing, ~, null */
bool tkp_yaml_to_bool(const struct tkp_yaml_node *node, bool *value);
bool tkp_yaml_to_int(const struct tkp_yaml_node *node, int64_t *value); /* decimal, 0o7, 0x1f */
bool tkp_yaml_to_double(const struct tkp_yaml_node *node, double *value);

#endif

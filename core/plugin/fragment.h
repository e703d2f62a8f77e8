/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registry file: a fragment (plugins and components) or a list of includes. [main]
 */
#ifndef TKP_PLUGIN_FRAGMENT_H
#define TKP_PLUGIN_FRAGMENT_H

#include <base/arena.h>
#include <plugin/registry.h>

/* Takes what a file lists. Entries live in the arena. */
struct tkp_fragment_sink {
    void *context;
    /* The entry's source, is_explicit and state are the receiver's to fill. */
    tokperf_status (*component)(void *context, const struct tkp_component_entry *entry,
                                struct tokperf_error *error);
    /* NULL: a file that includes is refused. The path is absolute. */
    tokperf_status (*include)(void *context, const char *path, struct tokperf_error *error);
};

/* Reads the file, whose path is absolute and resolved. Entries are complete but for what the sink
 * fills; problem says what is wrong with the ABI, kind or module, if anything. The sentence of an
 * error begins with file:line:column. */
tokperf_status tkp_fragment_read(const char *path, struct tkp_arena *arena,
                                 const struct tkp_fragment_sink *sink,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
/* The same from memory, for the fuzz target and tests. */
tokperf_status tkp_fragment_parse(const char *path, const char *data, size_t len,
                                  struct tkp_arena *arena, const struct tkp_fragment_sink *sink,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

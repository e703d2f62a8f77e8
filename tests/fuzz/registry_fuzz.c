/* SPDX-License-Identifier: Apache-2.0 */
/* Registry files: whatever the bytes, an entry that comes out is complete. */
#include <plugin/fragment.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static tokperf_status take(void *context, const struct tkp_component_entry *entry,
                           struct tokperf_error *error)
{
    (void)context;
    (void)error;
    if (entry->kind == NULL || entry->name == NULL || entry->plugin_id == NULL ||
        entry->version == NULL || entry->license == NULL || entry->summary == NULL ||
        entry->full_id == NULL || entry->module == NULL || entry->module[0] != '/' ||
        entry->origin == NULL)
        abort();
    return TOKPERF_OK;
}

static tokperf_status include(void *context, const char *path, struct tokperf_error *error)
{
    (void)context;
    (void)error;
    if (path[0] != '/')
        abort();
    return TOKPERF_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tkp_fragment_sink sink = {NULL, take, include};
    struct tokperf_error error = {0};
    struct tkp_arena arena;
    tkp_arena_init(&arena, 1 << 24);
    tokperf_status status =
        tkp_fragment_parse("/nowhere/fuzz.yaml", (const char *)data, size, &arena, &sink, &error);
    if (status != TOKPERF_OK && error.message[0] == '\0')
        abort();
    tkp_arena_finish(&arena);
    return 0;
}

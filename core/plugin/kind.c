/* SPDX-License-Identifier: Apache-2.0 */
/* The table of plugin kinds. A new kind is a row here and a header in the SDK. */
#include <plugin/kind.h>

#include <string.h>
#include <tokperf/dataset.h>
#include <tokperf/endpoint.h>
#include <tokperf/exporter.h>

#define MEMBER(type, member)                             \
    {                                                    \
#member, (uint32_t)offsetof(struct type, member) \
    }

static const struct tkp_kind_member endpoint_members[] = {
    MEMBER(tokperf_endpoint_vtable, create),   MEMBER(tokperf_endpoint_vtable, destroy),
    MEMBER(tokperf_endpoint_vtable, describe), MEMBER(tokperf_endpoint_vtable, format),
    MEMBER(tokperf_endpoint_vtable, begin),    MEMBER(tokperf_endpoint_vtable, event),
    MEMBER(tokperf_endpoint_vtable, finish),   {NULL, 0}};
static const struct tkp_kind_member dataset_members[] = {MEMBER(tokperf_dataset_vtable, create),
                                                         MEMBER(tokperf_dataset_vtable, destroy),
                                                         MEMBER(tokperf_dataset_vtable, produce),
                                                         {NULL, 0}};
static const struct tkp_kind_member exporter_members[] = {
    MEMBER(tokperf_exporter_vtable, create),
    MEMBER(tokperf_exporter_vtable, destroy),
    MEMBER(tokperf_exporter_vtable, export_run),
    {NULL, 0}};

static const struct tkp_kind kinds[] = {
    {"endpoint", TOKPERF_KIND_ENDPOINT, sizeof(struct tokperf_endpoint_vtable), endpoint_members},
    {"dataset", TOKPERF_KIND_DATASET, sizeof(struct tokperf_dataset_vtable), dataset_members},
    {"exporter", TOKPERF_KIND_EXPORTER, sizeof(struct tokperf_exporter_vtable), exporter_members},
};
enum { KIND_COUNT = sizeof kinds / sizeof kinds[0] };

const struct tkp_kind *tkp_kind_by_name(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

const struct tkp_kind *tkp_kind_by_id(const char *id)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(kinds[i].id, id) == 0)
            return &kinds[i];
    return NULL;
}

const struct tkp_kind *tkp_kind_of_other_revision(const char *id)
{
    const char *slash = strchr(id, '/');
    size_t len = slash != NULL ? (size_t)(slash - id) + 1 : 0;
    for (size_t i = 0; len > 0 && i < KIND_COUNT; i++)
        if (strncmp(kinds[i].id, id, len) == 0 && strcmp(kinds[i].id, id) != 0)
            return &kinds[i];
    return NULL;
}

const char *const *tkp_kind_names(void)
{
    static const char *names[KIND_COUNT + 1];
    for (size_t i = 0; i < KIND_COUNT; i++)
        names[i] = kinds[i].name;
    return names;
}

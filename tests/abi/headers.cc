// SPDX-License-Identifier: Apache-2.0
// The SDK's headers in C++17: a plugin whose vtable is made of captureless functions.
#include <tokperf/dataset.h>
#include <tokperf/endpoint.h>
#include <tokperf/exporter.h>

#include <string>

namespace
{
struct Exporter {
    std::string name;
};

tokperf_status create(const tokperf_host *, const tokperf_config *config, void **self,
                      tokperf_error *)
{
    *self = new Exporter{std::string(config->instance_name.data, config->instance_name.len)};
    return TOKPERF_OK;
}

void destroy(void *self)
{
    delete static_cast<Exporter *>(self);
}

tokperf_status export_run(void *, const tokperf_summary *summary, const tokperf_cursor *,
                          tokperf_error *)
{
    return TOKPERF_HAS(summary, streaming) ? TOKPERF_OK : TOKPERF_E_ABI;
}

const tokperf_exporter_vtable vtable = {sizeof vtable, 0, create, destroy, 0, 0, export_run};
const tokperf_component component = {
    sizeof component, 0, TOKPERF_KIND_EXPORTER, "plus_plus", "Written in C++", nullptr, &vtable};
const tokperf_component *const components[] = {&component, nullptr};
const tokperf_plugin plugin = {
    sizeof plugin, TOKPERF_ABI_MINOR, 0,          0,      "com.acme.cc", "1.0.0",
    "0BSD",        "In C++",          components, nullptr};
} // namespace

TOKPERF_PLUGIN(plugin)

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of tkp_config_resolve: from merged settings to the plan, with every rule that joins two
 * options. Only resolve.c calls them, in this order. [main]
 */
#ifndef TKP_CONFIG_RESOLVE_PARTS_H
#define TKP_CONFIG_RESOLVE_PARTS_H

#include <config/plan.h>
#include <config/settings.h>

tokperf_status tkp_resolve_endpoint(const struct tkp_settings *settings, struct tkp_plan *plan,
                                    struct tokperf_error *error) TOKPERF_MUST_USE;
/* After the endpoint: source addresses fit its URLs. */
tokperf_status tkp_resolve_sources(const struct tkp_settings *settings, struct tkp_plan *plan,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
/* After the endpoint: names, TCP and TLS fit its URLs. */
tokperf_status tkp_resolve_connection(const struct tkp_settings *settings, struct tkp_plan *plan,
                                      struct tokperf_error *error) TOKPERF_MUST_USE;
tokperf_status tkp_resolve_headers(const struct tkp_settings *settings, struct tkp_plan *plan,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
/* Server control and cache bust. */
tokperf_status tkp_resolve_server(const struct tkp_settings *settings, struct tkp_plan *plan,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
tokperf_status tkp_resolve_dataset(const struct tkp_settings *settings, struct tkp_plan *plan,
                                   struct tokperf_error *error) TOKPERF_MUST_USE;
tokperf_status tkp_resolve_load(const struct tkp_settings *settings, struct tkp_plan *plan,
                                struct tokperf_error *error) TOKPERF_MUST_USE;
/* Part of tkp_resolve_load: the list of phases. */
tokperf_status tkp_resolve_phases(const struct tkp_settings *settings, struct tkp_plan *plan,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;
tokperf_status tkp_resolve_token(const struct tkp_settings *settings, struct tkp_plan *plan,
                                 struct tokperf_error *error) TOKPERF_MUST_USE;
/* After the connection and the load: its rules join them. */
tokperf_status tkp_resolve_transport(const struct tkp_settings *settings, struct tkp_plan *plan,
                                     struct tokperf_error *error) TOKPERF_MUST_USE;
/* endpoint.template as settings of the endpoint's plugin, at list[plan->setting_count]: at most as
 * many as there are of it and of extra inputs. */
tokperf_status tkp_resolve_template(const struct tkp_settings *settings, struct tkp_plan *plan,
                                    struct tkp_plugin_setting *list,
                                    struct tokperf_error *error) TOKPERF_MUST_USE;
/* Whether an extra input is such a setting, and no member of bodies. */
bool tkp_resolve_is_template_extra(const struct tkp_plan *plan, const char *key);
tokperf_status tkp_resolve_output(const struct tkp_settings *settings, struct tkp_plan *plan,
                                  struct tokperf_error *error) TOKPERF_MUST_USE;

#endif

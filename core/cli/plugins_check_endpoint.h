/* SPDX-License-Identifier: Apache-2.0 */
/* What every endpoint must survive and keep, whatever its dialect. [check child] */
#ifndef TKP_CLI_PLUGINS_CHECK_ENDPOINT_H
#define TKP_CLI_PLUGINS_CHECK_ENDPOINT_H

#include <cli/plugins_check_child.h>
#include <tokperf/endpoint.h>

/* Steps "describe", "format", "hostile bytes". */
void tkp_check_endpoint(struct tkp_check_subject *subject);
/* Calls describe(); false, with findings, when its answer breaks endpoint.h. */
bool tkp_check_describe(struct tkp_check *check, const struct tokperf_endpoint_vtable *vtable,
                        const void *self, struct tokperf_endpoint_info *info);

#endif

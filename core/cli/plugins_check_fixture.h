/* SPDX-License-Identifier: Apache-2.0 */
/* Fixtures of an endpoint: the folders of sdk/fixtures.md. [check child] */
#ifndef TKP_CLI_PLUGINS_CHECK_FIXTURE_H
#define TKP_CLI_PLUGINS_CHECK_FIXTURE_H

#include <cli/plugins_check_child.h>

/* A step for each fixture of --fixtures that is about this endpoint. A fixture that names no
 * component is about the module's first endpoint, which also reports those that name none of it. */
void tkp_check_fixtures(struct tkp_check_subject *subject);

#endif

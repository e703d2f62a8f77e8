/* SPDX-License-Identifier: Apache-2.0 */
/* `tokperf plugins list|show|check|dirs`. */
#ifndef TKP_CLI_PLUGINS_COMMAND_H
#define TKP_CLI_PLUGINS_COMMAND_H

/* argv begins behind "tokperf plugins". Returns the exit code of design.md. [main] */
int tkp_cmd_plugins(int argc, char **argv);

#endif
